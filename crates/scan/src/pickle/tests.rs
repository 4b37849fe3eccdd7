//! Hostile pickles, assembled by hand. Their payloads print a word; none is ever loaded.

use proptest::prelude::*;

use crate::scanner::scan_with;
use crate::tables::Tables;
use crate::{FileReport, Limits, Outcome};

mod by_value;
mod deferred;
mod tables;

const COMMAND: &str = "echo proofhouse";

fn scan(bytes: &[u8], tables: &Tables) -> FileReport {
    scan_with(&"model.pkl".parse().unwrap(), bytes, &Limits::default(), tables)
}

fn outcome(bytes: &[u8]) -> Outcome {
    scan(bytes, Tables::built_in()).outcome
}

fn rules(bytes: &[u8]) -> Vec<String> {
    scan(bytes, Tables::built_in()).findings.into_iter().map(|f| f.rule).collect()
}

fn text(s: &str) -> Vec<u8> {
    [&[0x8c, s.len() as u8][..], s.as_bytes()].concat()
}

/// Protocol 4: `module.name(argument)`.
fn call(module: &str, name: &str) -> Vec<u8> {
    [b"\x80\x04".to_vec(), text(module), text(name), b"\x93".to_vec(), text(COMMAND), b"\x85R.".to_vec()]
        .concat()
}

/// `GLOBAL` and `REDUCE` as protocol 0 writes them.
fn call_0(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n(S'{COMMAND}'\ntR.").into_bytes()
}

/// What the catalogue says: source, what, and the streams that do it.
fn catalogue() -> Vec<(String, Vec<Vec<u8>>)> {
    let rows = include_str!("catalogue.csv").lines().filter(|l| !l.starts_with('#'));
    let row = |line: &str| {
        let mut cells = line.splitn(4, ',');
        let mut cell = || cells.next().unwrap().to_owned();
        let (source, what, module, name) = (cell(), cell(), cell(), cell());
        let streams = if module == "=" {
            vec![unescape(&name)]
        } else {
            vec![call(&module, &name), call_0(&module, &name)]
        };
        (format!("{source}, {what}: {module} {name}"), streams)
    };
    rows.map(row).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next().unwrap() {
                b'n' => b'\n',
                b'x' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            },
            other => other,
        });
    }
    out
}

#[test]
fn nothing_of_the_catalogue_is_clean_and_nothing_needs_the_sink_table() {
    let bare = Tables::without_sinks();
    let rows = catalogue();
    assert!(rows.len() > 100);
    for (what, streams) in rows {
        for bytes in streams {
            assert!(outcome(&bytes) >= Outcome::Suspicious, "{what}");
            // Calling code of the file is harm whatever the table says.
            assert!(scan(&bytes, &bare).outcome >= Outcome::Suspicious, "{what}");
        }
    }
}

/// What a finding says of the name that is reached in the end.
fn reaches(stream: &[u8], name: &str) -> bool {
    scan(stream, Tables::built_in()).findings.iter().any(|f| f.message.contains(name))
}

#[test]
fn computed_names_are_named() {
    let joined = unescape(
        r"\x80\x04\x8c\x02oscbuiltins\ngetattr\n\x8c\x00\x8c\x04join\x86R](\x8c\x03sys\x8c\x03teme\x85R\x93\x8c\x04true\x85R.",
    );
    assert!(reaches(&joined, "os.system"));
    for (how, stream) in [
        ("base64", r"cbuiltins\nstr\ncbase64\nb64decode\nC\x08c3lzdGVt\x85R\x8c\x05ascii\x86R"),
        ("slice", r"coperator\ngetitem\n\x8c\x06metsyscbuiltins\nslice\nNNJ\xff\xff\xff\xff\x87R\x86R"),
        ("rot13", r"ccodecs\ndecode\n\x8c\x06flfgrz\x8c\x05rot13\x86R"),
        ("add", r"coperator\nadd\n\x8c\x03sys\x8c\x03tem\x86R"),
        ("replace", r"cbuiltins\ngetattr\n\x8c\x07sys-tem\x8c\x07replace\x86R\x8c\x01-\x8c\x00\x86R"),
        ("format", r"cbuiltins\ngetattr\n\x8c\x06{1}{0}\x8c\x06format\x86R\x8c\x03tem\x8c\x03sys\x86R"),
        ("percent", r"coperator\nmod\n\x8c\x06s%ctem\x8c\x02ys\x86R"),
        ("chr", r"cbuiltins\nstr.join\n\x8c\x00cbuiltins\nmap\ncbuiltins\nchr\n](KsKyKsKtKeKme\x86R\x86R"),
        ("hex", r"ccodecs\ndecode\nccodecs\ndecode\n\x8c\x0c73797374656d\x8c\x03hex\x86R\x8c\x05ascii\x86R"),
        ("reduce", r"cfunctools\nreduce\ncoperator\nadd\n](\x8c\x02sy\x8c\x02st\x8c\x02eme\x86R"),
    ] {
        let stream = unescape(&format!(r"\x80\x04\x8c\x02os{stream}\x93\x8c\x04true\x85R."));
        assert!(reaches(&stream, "os.system"), "{how}");
        assert_eq!(outcome(&stream), Outcome::Malicious, "{how}");
    }
    // Resolvers, modules and deferred calls lead to what they reach.
    for stream in [
        r"cpkgutil\nresolve_name\n\x8c\x09os:system\x85R\x8c\x04true\x85R.",
        r"cbuiltins\ngetattr\ncbuiltins\n__import__\n\x8c\x02os\x85R\x8c\x06system\x86R\x8c\x04true\x85R.",
        r"coperator\nmethodcaller\n\x8c\x06system\x8c\x04true\x86Rcimportlib\nimport_module\n\x8c\x02os\x85R\x85R.",
        r"coperator\nattrgetter\n\x8c\x06system\x85Rcimportlib\nimport_module\n\x8c\x02os\x85R\x85R\x8c\x04true\x85R.",
        r"cbuiltins\ngetattr\ncoperator\ngetitem\ncsys\nmodules\n\x8c\x02os\x86R\x8c\x06system\x86R.",
        r"cfunctools\npartial\ncpkgutil\nresolve_name\n\x8c\x09os:system\x85R)R.",
        r"ccopyreg\nadd_extension\n\x8c\x02os\x8c\x06systemK\x07\x87R0\x82\x07.",
    ] {
        let stream = unescape(&format!(r"\x80\x04{stream}"));
        assert!(reaches(&stream, "os.system"), "{}", String::from_utf8_lossy(&stream));
    }
}

#[test]
fn bytes_that_are_loaded_in_turn_are_looked_into() {
    let inner = call_0("os", "system");
    let bytes = |raw: &[u8]| [&[b'C', raw.len() as u8][..], raw].concat();
    let load = |callee: &[u8], raw: &[u8]| [b"\x80\x04", callee, &bytes(raw), b"\x85R."].concat();
    for callee in [&b"cpickle\nloads\n"[..], b"cdill\nloads\n", b"cmine\nread\n"] {
        assert!(reaches(&load(callee, &inner), "os.system"), "{}", String::from_utf8_lossy(callee));
    }
    // A tensor pickled by itself holds a file that is clean, or not.
    let storage = b"ctorch.storage\n_load_from_bytes\n";
    assert_eq!(outcome(&load(storage, b"\x80\x02}.")), Outcome::Clean);
    assert_eq!(outcome(&load(storage, &inner)), Outcome::Malicious);
    assert_eq!(outcome(&load(storage, b"\0\0\0\0")), Outcome::Unscannable);
    let computed = [b"\x80\x04", &storage[..], b"cbuiltins\nbytes\nK\x04\x85R\x85R."].concat();
    assert_eq!(outcome(&computed), Outcome::Suspicious);
    // Nested deeper than anybody nests.
    let mut deep = inner;
    for _ in 0..12 {
        deep = load(b"cpickle\nloads\n", &deep);
        if deep.len() > 200 {
            break;
        }
    }
    assert_eq!(outcome(&deep), Outcome::Malicious);
}

#[test]
fn a_type_with_objects_is_followed_by_a_pickle_whatever_it_is_called() {
    // joblib asks the flags of the type, which its state sets: `V8` with the flag for objects. The pickle behind it
    // faults where pickle.load would read it, because the memo is another there.
    let payload = unescape(r"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x8c\x04true\x85R.");
    let hidden = unescape(r"\x80\x04\x8c\x02os\x940h\x00\x8c\x06system\x93\x8c\x04true\x85R.");
    for (flags, payload, expected) in [
        ("63", &payload, Outcome::Malicious),
        ("63", &hidden, Outcome::Malicious),
        ("0", &b"12345678".to_vec(), Outcome::Clean),
    ] {
        let wrapper = format!(
            "(dp0\nS'a'\ncjoblib.numpy_pickle\nNumpyArrayWrapper\n(tR(dS'subclass'\ncnumpy\nndarray\nsS'shape'\n(I1\ntsS'order'\nS'C'\n\
             sS'dtype'\ncnumpy\ndtype\n(S'V8'\nI00\nI01\ntR(I3\nS'|'\nNNNI8\nI1\nI{flags}\ntbsS'allow_mmap'\nI00\nsb"
        );
        let stream = [wrapper.as_bytes(), payload, b"s."].concat();
        assert_eq!(outcome(&stream), expected, "{flags} {:?}", scan(&stream, Tables::built_in()).findings);
    }
}

#[test]
fn folding_is_bounded() {
    // A string doubled again and again.
    let mut stream = b"\x80\x04\x8c\x02ab\x940".to_vec();
    for at in 0..200u8 {
        stream.extend([&b"coperator\nadd\nh"[..], &[at], b"h", &[at], b"\x86R\x940"].concat());
    }
    stream.extend(b"N.");
    assert_eq!(outcome(&stream), Outcome::Suspicious);
    // The same call over and over costs no more than the budget.
    let again = b"ccodecs\ndecode\nh\x00\x8c\x05rot13\x86R0".repeat(3000);
    let long = [&b"\x80\x04X\0\x80\0\0"[..], &b"a".repeat(0x8000), b"\x940", &again, b"N."].concat();
    let found = rules(&long);
    assert!(found.contains(&"pickle/budget".to_owned()), "{found:?}");
}

#[test]
fn known_sinks_are_malicious_whatever_the_opcode() {
    let system = b"cos\nsystem\n";
    let streams: [&[&[u8]]; 12] = [
        &[system, b"(S'echo proofhouse'\ntR."],
        &[b"(S'echo proofhouse'\nios\nsystem\n."],
        &[b"(", system, b"S'echo proofhouse'\no."],
        &[system, b"S'echo proofhouse'\n\x85\x81."],
        &[system, b"S'echo proofhouse'\n\x85}\x92."],
        &[b"\x80\x02", system, b"X\x0f\0\0\0echo proofhouse\x85R."],
        // The argument goes by way of the memo, the name by way of escapes.
        &[b"S'\\x6f\\163'\nq\0S'system'\n\x93q\x01h\x01S'echo proofhouse'\n\x85R."],
        &[b"V\\u006fs\nVsystem\n\x93S'echo proofhouse'\n\x85R."],
        // Dropped after the call, and a harmless value left over.
        &[system, b"(S'echo proofhouse'\ntR0N."],
        // Nothing after the call is a pickle.
        &[system, b"(S'echo proofhouse'\ntR\xff\xff"],
        // INST at the end of the file, its name without a newline: the C unpickler drops one byte and calls.
        &[b"(S'echo proofhouse'\nios\nsystemX"],
        // Held, not called: whoever gets the object calls it.
        &[b"}S'hook'\n", system, b"s."],
    ];
    for stream in streams {
        let bytes = stream.concat();
        assert_eq!(outcome(&bytes), Outcome::Malicious, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn findings_survive_what_comes_after() {
    let payload = call("os", "system");
    let body = &payload[..payload.len() - 1];
    for tail in
        [&b""[..], b"\xff", b"h\x63", b"a", b"p-1\n", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", b"Ix\n"]
    {
        let found = rules(&[body, tail].concat());
        assert!(found.contains(&"pickle/unsafe-call".to_owned()), "{tail:?}");
        assert!(found.contains(&"pickle/malformed".to_owned()), "{tail:?}");
    }
}

#[test]
fn python_2_names_are_mapped_below_protocol_3_only() {
    assert!(
        rules(b"\x80\x02ccommands\ngetoutput\n(S'echo proofhouse'\ntR.")
            .contains(&"pickle/unsafe-call".to_owned())
    );
    assert_eq!(outcome(b"\x80\x02c__builtin__\nset\n]\x85R."), Outcome::Clean);
    assert_eq!(outcome(b"\x80\x03c__builtin__\nset\n]\x85R."), Outcome::Suspicious);
}

#[test]
fn nested_attributes_are_followed() {
    // getattr(getattr(collections, …)): the module is known, the chain is not.
    let bytes = [
        b"\x80\x04cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(".to_vec(),
        b"ccollections\nOrderedDict\n".to_vec(),
        text("__init__"),
        b"tR".to_vec(),
        text("__globals__"),
        b"tR.".to_vec(),
    ]
    .concat();
    assert!(outcome(&bytes) >= Outcome::Suspicious);
    let computed = b"\x80\x04cbuiltins\ngetattr\n(cbuiltins\nobject\ncbuiltins\nstr\n)RtR.";
    assert!(rules(computed).contains(&"pickle/contract".to_owned()));
}

#[test]
fn behaviour_cannot_be_injected_into_inert_objects() {
    // An instance whose __setstate__ is replaced by a harmless-looking callable, then built again.
    let injected = b"\x80\x02cargparse\nNamespace\n)\x81}U\x0c__setstate__c_codecs\nencode\nsbU\x01xb.";
    assert!(rules(injected).contains(&"pickle/state-injection".to_owned()));
    // Attributes set on the class itself.
    let on_class = b"\x80\x02cargparse\nNamespace\n}U\x01aK\x01sb.";
    assert!(rules(on_class).contains(&"pickle/state-injection".to_owned()));
    // A mapping whose keys are computed.
    let computed = b"\x80\x04cargparse\nNamespace\n)\x81cbuiltins\ndict\n)Rb.";
    assert!(rules(computed).contains(&"pickle/state-injection".to_owned()));
    // A conditional callable handed to something that would call it.
    let handed = b"\x80\x04ccollections\ndefaultdict\nc_codecs\nencode\n\x85R.";
    assert!(rules(handed).contains(&"pickle/contract".to_owned()));
}

#[test]
fn contracts_hold() {
    assert_eq!(outcome(b"c_codecs\nencode\n(Vab\nVlatin1\ntR."), Outcome::Clean);
    assert_eq!(outcome(b"c_codecs\nencode\n(Vab\nVzip\ntR."), Outcome::Suspicious);
    assert_eq!(outcome(b"cbuiltins\nbytearray\n(I99999999999\ntR."), Outcome::Suspicious);
    assert_eq!(
        outcome(b"ccopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR."),
        Outcome::Clean
    );
    assert_eq!(
        outcome(b"ccopy_reg\n_reconstructor\n(cargparse\nNamespace\ncarray\narray\nNtR."),
        Outcome::Suspicious
    );
    assert_eq!(outcome(b"ctorch\nFloatStorage\n)R."), Outcome::Suspicious);
}

#[test]
fn classes_with_a_constructor_of_their_own_are_made_without_it() {
    for class in ["cxgboost.sklearn\nXGBClassifier\n", "cpandas\nDataFrame\n"] {
        let made = |how: &str| outcome(format!("{class}{how}").as_bytes());
        assert_eq!(made(")R."), Outcome::Suspicious);
        assert_eq!(made("(I1\ntR."), Outcome::Suspicious);
        assert_eq!(outcome(&[class.as_bytes(), b")\x81}b."].concat()), Outcome::Clean);
    }
    // An enumeration is asked for a member, by value or by name.
    assert_eq!(outcome(b"cuuid\nSafeUUID\n(I0\ntR."), Outcome::Clean);
    assert_eq!(outcome(b"cbuiltins\ngetattr\n(cuuid\nSafeUUID\nS'safe'\ntR."), Outcome::Clean);
    assert_eq!(outcome(b"cbuiltins\ngetattr\n(cuuid\nSafeUUID\nS'__init__'\ntR."), Outcome::Suspicious);
}

#[test]
fn state_in_the_arguments_of_a_tensor_function_is_state() {
    let parameter = |state: &str| {
        outcome(format!("ctorch._utils\n_rebuild_parameter_with_state\n(NI00\nN{state}tR.").as_bytes())
    };
    assert_eq!(parameter("(dS'tag'\nS'x'\ns"), Outcome::Clean);
    assert_eq!(parameter("((dS'tag'\nS'x'\nsNt"), Outcome::Clean);
    assert_eq!(parameter("(dS'__setstate__'\nc_codecs\nencode\ns"), Outcome::Suspicious);
    assert_eq!(parameter("(N(dS'__setstate__'\nc_codecs\nencode\nst"), Outcome::Suspicious);
    assert_eq!(parameter("ccollections\nOrderedDict\n(tR"), Outcome::Suspicious);

    let typed = |rebuild: &str, state: &str| {
        let class = "ctorch.nn.parameter\nBuffer\n";
        outcome(format!("ctorch._tensor\n_rebuild_from_type_v2\n({rebuild}{class}(t{state}tR.").as_bytes())
    };
    let rebuild = "ctorch._utils\n_rebuild_tensor_v2\n";
    assert_eq!(typed(rebuild, "(dS'persistent'\nI01\ns"), Outcome::Clean);
    assert_eq!(typed(rebuild, "(dS'__class__'\nI01\ns"), Outcome::Suspicious);
    // What it calls may have a condition itself, be computed, or do harm.
    assert_eq!(typed("cbuiltins\nbytearray\n", "N"), Outcome::Suspicious);
    assert_eq!(typed("cfunctools\npartial\n(ctorch\nSize\ntR", "N"), Outcome::Suspicious);
    assert_eq!(typed("cos\nsystem\n", "N"), Outcome::Malicious);
}

#[test]
fn an_object_of_a_c_extension_is_made_of_known_classes_only() {
    let made = |class: &str| {
        let function = "csklearn._loss._loss\n__pyx_unpickle_CyHalfMultinomialLoss\n";
        outcome(format!("{function}({class}I238750788\n(ttR.").as_bytes())
    };
    assert_eq!(made("csklearn._loss._loss\nCyHalfMultinomialLoss\n"), Outcome::Clean);
    assert_eq!(made("cpackage\nSubclass\n"), Outcome::Unscannable);
    assert_eq!(made("cpackage\nsubclass\n"), Outcome::Suspicious);
    assert_eq!(made("c_codecs\nencode\n"), Outcome::Suspicious);
}

#[test]
fn what_the_loader_decides_is_not_clean() {
    assert_eq!(rules(b"\x80\x02\x82\x05."), ["pickle/extension-registry"]);
    assert_eq!(rules(b"\x80\x05\x97."), ["pickle/out-of-band-buffer"]);
    assert_eq!(rules(b"\x80\x02K\x01Q."), ["pickle/persistent-id"]);
    assert_eq!(rules(b"\x80\x02NQ."), ["pickle/persistent-id"]);
    assert_eq!(rules(b"\x80\x02Nr\xff\xff\xff\xff."), ["pickle/resources"]);
}

#[test]
fn a_broken_or_longer_stream_is_not_clean() {
    for bytes in [
        &b"\x80\x04"[..],
        b"\x80\x04N",
        b"\x80\x04.",
        b"\x80\x04R.",
        b"\x80\x04h\x00.",
        b"\x80\x04\x95\xff\xff\0\0\0\0\0\0N.",
        b"\x80\x02}K\x01s.",
        b"\x80\x02N\x80\x07.",
        b"\x80\x02S\n.",
    ] {
        assert_eq!(rules(bytes), ["pickle/malformed"], "{bytes:?}");
    }
    // STOP does not mind a mark that is left open, and POP takes a mark with nothing above it.
    assert_eq!(outcome(b"\x80\x04(N."), Outcome::Clean);
    assert_eq!(outcome(b"\x80\x02N(0."), Outcome::Clean);
    assert_eq!(rules(b"\x80\x04N.junk!"), ["pickle/trailing-data"]);
    let second = [b"\x80\x04N.".to_vec(), call("os", "system")].concat();
    assert_eq!(outcome(&second), Outcome::Malicious);
    let headless = [b"\x80\x04N.".to_vec(), call_0("os", "system")].concat();
    assert_eq!(outcome(&headless), Outcome::Malicious);
}

#[test]
fn budgets_end_in_unscannable() {
    let limits = Limits { pickle_ops: 1000, ..Limits::default() };
    let padded = [b"\x80\x04".to_vec(), b"N0".repeat(2000), call("os", "system")[2..].to_vec()].concat();
    let report = scan_with(&"a".parse().unwrap(), &padded, &limits, Tables::built_in());
    assert_eq!(report.outcome, Outcome::Unscannable);
    assert_eq!(outcome(&padded), Outcome::Malicious);
    let limits = Limits { pickle_values: 1000, ..Limits::default() };
    let wide = [b"\x80\x04".to_vec(), b"N".repeat(2000), b".".to_vec()].concat();
    assert_eq!(
        scan_with(&"a".parse().unwrap(), &wide, &limits, Tables::built_in()).outcome,
        Outcome::Unscannable
    );
}

#[test]
fn depth_is_no_recursion() {
    let deep = [b"\x80\x04".to_vec(), b"]".repeat(200_000), b"a".repeat(199_999), b".".to_vec()].concat();
    assert_eq!(outcome(&deep), Outcome::Clean);
    let tuples = [b"\x80\x04N".to_vec(), b"\x85".repeat(200_000), b".".to_vec()].concat();
    // Python's own hash of them would be one.
    assert_eq!(rules(&tuples), ["pickle/resources"]);
}

#[test]
fn another_format_in_front_of_a_pickle_hides_nothing() {
    // Bytes first, so that the start is none of a pickle's usual ones.
    let payload = b"cos\nsystem\n(S'echo proofhouse'\ntR.";
    let pickle_first = [b"B\x02\0\0\0", &b"\x08\x08"[..], payload].concat();
    assert_eq!(outcome(&pickle_first), Outcome::Malicious);
    // A headless pickle in front of an archive: the archive's end is found, the pickle runs.
    let zip = [&payload[..], b"PK\x05\x06", &[0; 18]].concat();
    assert_eq!(outcome(&zip), Outcome::Malicious);
    let safetensors = [b"B\x06\0\0\0\0\0\0{\"a", &payload[..]].concat();
    assert_eq!(proofhouse_artifact::Format::detect(&safetensors), proofhouse_artifact::Format::Safetensors);
    assert!(rules(&safetensors).contains(&"pickle/unsafe-call".to_owned()));
}

#[test]
fn an_import_alone_in_a_text_counts_when_the_module_is_known() {
    assert_eq!(outcome(b"cos\nsystem\nand so on\n"), Outcome::Suspicious);
    assert_eq!(outcome(b"cat\ndog\nbird\n"), Outcome::Clean);
}

#[test]
fn what_standard_values_are_made_of_is_clean_and_nothing_else() {
    let clean = [
        r"\x80\x04coperator\nitemgetter\nK\x01\x85R.",
        r"\x80\x04coperator\nitemgetter\ncbuiltins\nslice\nK\x00K\x02N\x87R\x85R.",
        r"\x80\x04}(\x8c\x0d_instantiator\x8c\x28pytorch_lightning.cli.instantiate_module\x8c\x0b_class_path\x8c\x07own.Netu.",
        r"\x80\x04coperator\nattrgetter\n\x8c\x03a.b\x85R.",
        r"\x80\x04coperator\nmethodcaller\n\x8c\x05lower\x85R.",
        r"\x80\x04cbuiltins\ntype\nN\x85R.",
        r"\x80\x04c_operator\ngetitem\nctyping\nList\ncbuiltins\nint\n\x86R.",
        r"\x80\x04cre\n_compile\n\x8c\x02a+K\x20\x86R.",
        r"\x80\x04cnumpy.random._pickle\n__generator_ctor\n\x8c\x05PCG64cnumpy.random._pickle\n__bit_generator_ctor\n\x86R.",
    ];
    for stream in clean {
        assert_eq!(outcome(&unescape(stream)), Outcome::Clean, "{stream}");
    }
    let told = [
        r"\x80\x04coperator\nattrgetter\n\x8c\x0b__globals__\x85R.",
        r"\x80\x04coperator\nattrgetter\n\x8c\x01a\x85R]\x85R.",
        r"\x80\x04cbuiltins\nmap\ncoperator\nattrgetter\n\x8c\x01a\x85\x86R.",
        r"\x80\x04coperator\nmethodcaller\n\x8c\x06to_csv\x8c\x01a\x86R.",
        r"\x80\x04cbuiltins\ntype\n\x8c\x01A)}\x87R.",
        r"\x80\x04c_operator\ngetitem\n]K\x00\x86R.",
        // numpy would call the second with the first.
        r"\x80\x04cnumpy.random._pickle\n__generator_ctor\n\x8c\x01acoperator\nmethodcaller\n\x8c\x05lower\x85R\x86R.",
    ];
    for stream in told {
        assert!(outcome(&unescape(stream)) >= Outcome::Suspicious, "{stream}");
    }
}

#[test]
fn a_state_that_is_compared_is_compared_however_the_object_was_made() {
    let state = r"}\x8c\x13_parse_arg_template\x8c\x09import ossb.";
    let class = r"cscipy.stats._continuous_distns\nnorm_gen\n";
    for made in [
        format!(r"{class})\x81"),
        format!(r"ccopyreg\n_reconstructor\n{class}cbuiltins\nobject\nN\x87R"),
        format!(r"ccopyreg\n__newobj__\n{class}\x85R"),
        format!(r"csklearn.metrics._dist_metrics\nnewObj\n{class}\x85R"),
    ] {
        let stream = format!(r"\x80\x04{made}{state}");
        assert!(outcome(&unescape(&stream)) >= Outcome::Suspicious, "{stream}");
    }
}

#[test]
fn methods_of_built_in_types_are_data_and_tables_of_lines_no_pickles() {
    for (stream, expected) in [
        (r"\x80\x04\x8c\x08builtins\x8c\x09str.split\x93.", Outcome::Clean),
        (r"\x80\x04\x8c\x08builtins\x8c\x0astr.format\x93.", Outcome::Suspicious),
        (r"\x80\x04\x8c\x08builtins\x8c\x0dstr.__class__\x93.", Outcome::Suspicious),
        (r"\x80\x04cnltk.probability\nFreqDist\n}\x8c\x01aK\x01s\x85R.", Outcome::Clean),
        (r"\x80\x04criver._river_rust.vectordict\nVectorDict\n(}\x8c\x01aK\x01sNN\x88tR.", Outcome::Clean),
    ] {
        assert!(
            (outcome(&unescape(stream)) == Outcome::Clean) == (expected == Outcome::Clean),
            "{stream}: {:?}",
            rules(&unescape(stream))
        );
    }
    // The class that Lightning makes, by the name under its key.
    let made = r"\x80\x04}\x8c\x0b_class_path\x8c\x14subprocess.getoutputs.";
    assert_eq!(rules(&unescape(made)), ["pickle/unsafe-call"]);
    // A member of an enumeration by value is looked up by calling it.
    let member = r"\x80\x04ccloudpickle.cloudpickle\n_make_skeleton_enum\n(cenum\nEnum\n\x85\x8c\x05Color\x8c\x05Color}\x8c\x03RED\x8c\x03rots\x8c\x08__main__\x8c\x02idNtR\x8c\x03rot\x85R.";
    assert_eq!(rules(&unescape(member)), ["pickle/brings-code"]);
    // The table of lines of a code object begins as a pickle does.
    let code = r"\x80\x04cdill._dill\n_create_code\n(K\x00C\x04\x80\x00\xa8F\x8c\x04NAME\x85tR.";
    assert_eq!(rules(&unescape(code)), ["pickle/code-by-value"]);
}

#[test]
fn the_source_of_a_traced_module_is_followed() {
    let stream = |source: &str, key: &str| {
        let imports = "import torch";
        let body = [b"}".to_vec(), text(key), text(source), b"s".to_vec()].concat();
        [&b"\x80\x04ctorch.fx.graph_module\nreduce_graph_module\n"[..], &body, &text(imports), b"\x86R."]
            .concat()
    };
    let plain =
        "def forward(self, x):\n    linear = self.linear(x);  x = None\n    return torch.relu(linear)\n";
    assert_eq!(outcome(&stream(plain, "_code")), Outcome::Clean, "{:?}", rules(&stream(plain, "_code")));
    for source in ["import os\nos.system('id')", "def forward(self, x):\n    import os\n    os.system('id')"]
    {
        assert_eq!(outcome(&stream(source, "_code")), Outcome::Malicious, "{source}");
        assert_eq!(outcome(&stream(source, "code")), Outcome::Malicious, "{source}");
    }
    assert_eq!(outcome(&stream(plain, "other")), Outcome::Suspicious);
}

#[test]
fn expressions_and_pictures_are_data_and_texts_in_them_are_not() {
    let two = r"csympy.core.numbers\nInteger\nK\x02\x85\x81";
    let x = r"csympy.core.symbol\nSymbol\n\x8c\x01x\x85\x81";
    let sum = |args: &str| outcome(&unescape(&format!(r"\x80\x04csympy.core.add\nAdd\n{args}\x86\x81.")));
    assert_eq!(sum(&format!("{x}{two}")), Outcome::Clean);
    assert_eq!(sum(&format!(r"{x}\x8c\x01y")), Outcome::Suspicious);
    assert_eq!(outcome(&call("sympy.core.sympify", "sympify")), Outcome::Malicious);
    assert_eq!(outcome(&call("sympy.core.add", "Add")), Outcome::Suspicious);
    let picture = r"\x80\x04cPIL.Image\nImage\n)\x81](}\x8c\x01LK\x01K\x01\x86NC\x01\x00eb.";
    assert_eq!(outcome(&unescape(picture)), Outcome::Clean);
    assert_eq!(outcome(&call("PIL.Image", "open")), Outcome::Suspicious);
}

#[test]
fn a_tuple_whose_hash_is_never_done_is_told() {
    let bomb = |turns: usize| {
        let mut stream = b"\x80\x04)\x94".to_vec();
        for turn in 0..turns {
            stream.extend([b'h', turn as u8, b'h', turn as u8, 0x86, 0x94]);
        }
        [stream, b"0}h".to_vec(), vec![turns as u8], b"K\x01s.".to_vec()].concat()
    };
    assert_eq!(rules(&bomb(60)), ["pickle/resources"]);
    assert_eq!(outcome(&bomb(8)), Outcome::Clean);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_opcodes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut stream = b"\x80\x04".to_vec();
        stream.extend(&bytes);
        let report = scan(&stream, Tables::built_in());
        prop_assert!(report.covered_bytes <= report.size);
    }

    /// Opcodes that take something from the stack, in any order.
    #[test]
    fn shuffled_opcodes_never_panic(ops in proptest::collection::vec(
        proptest::sample::select(b"(.012NRQ])}abdelotsu\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94\x97\x98".to_vec()), 0..80)) {
        scan(&[b"cbuiltins\nlist\n".to_vec(), ops].concat(), Tables::built_in());
    }

    /// A payload behind any run of harmless opcodes is found.
    #[test]
    fn padding_hides_nothing(padding in proptest::collection::vec(
        proptest::sample::select(vec![&b"N0"[..], b"K\x010", b"(1", b"]0", b"(N\x881", b"\x8c\x01a0", b"I1\n0", b"N\x940"]), 0..60)) {
        let mut bytes = b"\x80\x04".to_vec();
        bytes.extend(padding.concat());
        bytes.extend(&call("os", "system")[2..]);
        prop_assert_eq!(outcome(&bytes), Outcome::Malicious);
    }
}
