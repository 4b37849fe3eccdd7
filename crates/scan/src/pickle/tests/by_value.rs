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

/// cloudpickle 1 asks for the type of functions by its name and sets the rest by a function of its own.
#[test]
fn functions_made_by_their_type_are_told_and_hide_nothing() {
    let make = r"ccloudpickle.cloudpickle\n_builtin_type\n\x8c\x0aLambdaType\x85R(ccloudpickle.cloudpickle\n_builtin_type\n\x8c\x08CodeType\x85R(K\x00)\x8c\x04NAME\x85tR}NNNtRp1\n";
    let set = r"ccloudpickle.cloudpickle_fast\n_function_setstate\n(g1\n}}(\x8c\x08__name__\x8c\x01fu\x86tR0";
    let harmless = format!(r"\x80\x04{make}{set}.");
    assert_eq!(outcome(&unescape(&harmless)), Outcome::Unscannable);
    let called = format!(r"\x80\x04{make})R.");
    assert_eq!(outcome(&unescape(&called)), Outcome::Malicious);
    let other = harmless.replace(r"\x8c\x0aLambdaType", r"\x8c\x0aMethodType");
    assert!(outcome(&unescape(&other)) >= Outcome::Suspicious);
    let of_another = harmless.replace(r"(g1\n}", r"(cos\nsystem\n}");
    assert!(outcome(&unescape(&of_another)) >= Outcome::Suspicious);
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
        r"cbuiltins\nsetattr\np8\n(g9\n\x8c\x0c__qualname__\x8c\x01AtR0g8\n(cos\npath\n\x8c\x04nameNtR0",
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

#[test]
fn what_dill_sets_on_its_own_functions_and_classes_adds_nothing() {
    let make = r"\x80\x04cdill._dill\n_create_function\n(cdill._dill\n_create_code\n(K\x00\x8c\x04NAME\x85tR}\x8c\x05cleanNNtRp7\n0";
    let class = r"cdill._dill\n_create_type\n(cdill._dill\n_load_type\n\x8c\x04type\x85R\x8c\x01A)}tRp9\n0";
    let own = r"cdill._dill\n_create_type\n(g9\n\x8c\x01B)}tRp6\n0";
    let cell = r"cbuiltins\ngetattr\n(cdill\n_dill\n\x8c\x08_setattrcbuiltins\nsetattr\np8\ntR(cdill._dill\n_create_cell\nN\x85R\x8c\x0dcell_contentsK\x03tR0";
    for harmless in [
        r"g7\n}}(\x8c\x0e__kwdefaults__}\x8c\x03epsK\x01s\x8c\x0f__annotations__}u\x86b0".to_owned(),
        format!(r"{cell}g8\n(g9\n\x8c\x0c__qualname__\x8c\x01AtR0"),
        r"cbuiltins\nsetattr\n(g9\n\x8c\x05scaleK\x02tR0".to_owned(),
        r"cbuiltins\nsetattr\n(cdill._dill\n_create_type\n(cdill._dill\n_load_type\n\x8c\x04type\x85R\x8c\x01C(cdill._dill\n_load_type\n\x8c\x06object\x85Rt}tR\x8c\x0c__qualname__\x8c\x01CtR0".to_owned(),
        r"cbuiltins\nsetattr\n(g7\n\x8c\x0b__wrapped__g7\ntR0".to_owned(),
    ] {
        let stream = unescape(&format!("{make}{class}{harmless}N."));
        assert_eq!(outcome(&stream), Outcome::Unscannable, "{harmless}: {:?}", rules(&stream));
    }
    for harmful in [
        // Of what is imported, of an object, or by name of something else.
        r"cnumpy\nmean\n}}\x8c\x0e__kwdefaults__}s\x86b0",
        r"ccollections\nOrderedDict\n)R}}\x8c\x0e__kwdefaults__}s\x86b0",
        r"cbuiltins\nsetattr\n(cnumpy\nmean\n\x8c\x0c__qualname__\x8c\x01AtR0",
        r"cbuiltins\nsetattr\n(cnumpy\nndarray\n\x8c\x05scaleK\x02tR0",
        // By names that run: what Python calls, the code itself, and a metaclass of the stream.
        r"cbuiltins\nsetattr\n(g9\n\x8c\x0c__setstate__g7\ntR0",
        r"cbuiltins\nsetattr\n(g7\n\x8c\x08__code__g7\ntR0",
        r"g7\n}}\x8c\x08__call__g7\ns\x86b0",
        r"g7\n}}\x8c\x0b__wrapped__cnumpy\nmean\ns\x86b0",
        r"OWNcbuiltins\nsetattr\n(g6\n\x8c\x05scaleK\x02tR0",
        // What `type` says of an object, and of what a module is made, is not the stream's.
        r"cbuiltins\nsetattr\n(cdill._dill\n_create_type\n(cdill._dill\n_load_type\n\x8c\x04type\x85Rccollections\nOrderedDict\n)RtR\x8c\x06updateg7\ntR0",
        r"cbuiltins\nsetattr\n(cdill._dill\n_create_type\n(ccloudpickle.cloudpickle\nsubimport\n\x8c\x02ostR\x8c\x06getcwdg7\ntR0",
        // `setattr` that something else calls, and a state that is set on what is imported.
        r"cbuiltins\nsetattr\np8\n(g9\n\x8c\x0c__qualname__\x8c\x01AtR0cfunctools\npartial\n(g8\nccollections\nCounter\n\x8c\x06updateg7\ntR0",
        r"cbuiltins\nsetattr\np8\n(g9\n\x8c\x0c__qualname__\x8c\x01AtR0g9\n)\x81}\x8c\x01fg8\nsb0",
        r"ccloudpickle.cloudpickle\n_class_setstate\n(ccollections\nCounter\n}\x8c\x06updateg7\ns}\x86tR0",
        r"cbuiltins\nsetattr\n(g9\n\x8c\x03mrog7\ntR0",
        r"cdill._dill\n_create_type\n(cdill._dill\n_load_type\n\x8c\x04type\x85Rccollections\nCounter\n)RtR0",
        // What is called in the place of a metaclass.
        r"cdill._dill\n_create_type\n(g7\ntR0",
        r"cdill._dill\n_create_type\n(cbuiltins\nsetattr\ng9\n\x8c\x05scaleK\x02tR0",
        r"ccloudpickle.cloudpickle\n_make_skeleton_class\n(g7\n\x8c\x01A)}\x8c\x01iNtR0",
        // A bound method that is called, and one of what is imported.
        r"cdill._dill\n_load_type\n\x8c\x0aMethodType\x85R(g7\nK\x01tR)R0",
        r"cdill._dill\n_load_type\n\x8c\x0aMethodType\x85R(cos\nsystem\n\x8c\x02idtR)R0",
    ] {
        let stream = unescape(&format!("{make}{class}{}N.", harmful.replace("OWN", own)));
        assert!(outcome(&stream) >= Outcome::Suspicious, "{harmful}: {:?}", rules(&stream));
    }
}
