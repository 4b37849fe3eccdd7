//! Code that a stream brings by value.

use super::{outcome, rules, scan, unescape};
use crate::Outcome;
use crate::tables::Tables;

/// A stream whose code has another name than `NAME`.
fn by_name(stream: &str, name: &str) -> String {
    stream.replace(r"\x8c\x04NAME", &format!(r"\x8c\x{:02x}{name}", name.len()))
}

#[test]
fn code_by_value_is_never_clean_and_calling_it_is_harm() {
    let function = r"ccloudpickle.cloudpickle\n_make_function\n(ccloudpickle.cloudpickle\n_builtin_type\n\x8c\x08CodeType\x85R(K\x00)\x8c\x04NAME\x85tR}NNNtR";
    let harmless = format!(r"\x80\x04{function}.");
    // What it can reach is in its names, not what it does.
    assert_eq!(outcome(&unescape(&harmless)), Outcome::Unscannable);
    for reaching in ["open", "__globals__", "getattr", "read_csv", "socket"] {
        assert_eq!(outcome(&unescape(&by_name(&harmless, reaching))), Outcome::Suspicious, "{reaching}");
    }
    let computed = harmless.replace(r"\x8c\x04NAME\x85", r"cbuiltins\nstr\n\x85");
    assert!(outcome(&unescape(&computed)) >= Outcome::Suspicious);
    let called = format!(r"\x80\x04{function})R.");
    assert_eq!(outcome(&unescape(&called)), Outcome::Malicious);
    let command = harmless.replace(r"\x8c\x04NAME\x85", r"\x8c\x02os\x8c\x06system\x86");
    assert_eq!(outcome(&unescape(&command)), Outcome::Malicious);
    let imports = harmless.replace("NAME", "exec");
    assert_eq!(outcome(&unescape(&imports)), Outcome::Malicious);
}

#[test]
fn what_dill_writes_around_a_function_is_told_once_and_hides_nothing() {
    let make = r"\x80\x04cdill._dill\n_create_function\n(cdill._dill\n_create_code\n(K\x00\x8c\x04NAMEtR}\x8c\x05cleanNNtR0";
    let class = r"cdill._dill\n_create_type\n(cdill._dill\n_load_type\n\x8c\x04type\x85R\x8c\x01A)}tRp9\n0";
    let module = r"cdill._dill\n_import_module\n\x8c\x05numpy\x85R0";
    let cell = r"cbuiltins\ngetattr\n(cdill\n_dill\n\x8c\x08_setattrcbuiltins\nsetattr\ntR(cdill._dill\n_create_cell\nN\x85R\x8c\x0dcell_contentsK\x03tR0";
    let held = r"cdill._dill\n_load_type\n\x8c\x0bPartialType\x85Rcbuiltins\nint\n\x85R0";
    let globals = r"}(\x8c\x0c__builtins__cbuiltins\n__dict__\nu0";
    let named = r"cbuiltins\nsetattr\n(g9\n\x8c\x0c__qualname__\x8c\x01AtR0";
    let whole = format!("{make}{class}{module}{cell}{held}{globals}{named}N.");
    assert_eq!(rules(&unescape(&whole)), ["pickle/brings-code"], "{whole}");
    assert!(scan(&unescape(&whole), Tables::built_in()).findings[0].message.contains("clean, A"));
    for more in [
        r"cdill._dill\n_import_module\n\x8c\x09os.system\x85R0",
        r"cbuiltins\ngetattr\n(cdill._dill\n_import_module\n\x8c\x02os\x85R\x8c\x06systemtR0",
        r"cbuiltins\nsetattr\n(g9\n\x8c\x07__del__cos\nsystem\ntR0",
        r"cbuiltins\nsetattr\n(cos\npath\n\x8c\x0c__qualname__\x8c\x01AtR0",
        r"cbuiltins\nsetattr\np8\n(g9\n\x8c\x0c__qualname__\x8c\x01AtR0g8\n(g9\n\x8c\x04nameNtR0",
        r"cbuiltins\ngetattr\n(cdill\n_dill\n\x8c\x08_setattrcbuiltins\nsetattr\ntR(cos\npath\n\x8c\x0dcell_contentsK\x03tR0",
        r"c_operator\ngetitem\n(cbuiltins\n__dict__\n\x8c\x04evaltR0",
    ] {
        let stream = format!("{make}{class}{more}N.");
        assert_eq!(outcome(&unescape(&stream)), Outcome::Malicious, "{more}");
    }
    let stranger = format!(r"{make}cdill._dill\n_import_module\n\x8c\x08strangex\x85R0N.");
    assert!(rules(&unescape(&stranger)).contains(&"pickle/unknown-callable".to_owned()));
    // By themselves the built-in names stay what they are.
    assert_eq!(outcome(&unescape(r"\x80\x04cbuiltins\n__dict__\n.")), Outcome::Malicious);
}
