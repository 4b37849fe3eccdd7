//! Hostile pickles, assembled by hand. Their payloads print a word; none is ever loaded.

use proptest::prelude::*;

use crate::scanner::scan_with;
use crate::tables::Tables;
use crate::{FileReport, Limits, Outcome};

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

/// Names that scanners' advisories and attack papers used, by the way they harm. Some are in no table.
const GADGETS: &[(&str, &str)] = &[
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("subprocess", "getoutput"),
    ("_posixsubprocess", "fork_exec"),
    ("pty", "spawn"),
    ("builtins", "exec"),
    ("builtins", "eval"),
    ("builtins", "compile"),
    ("builtins", "__import__"),
    ("builtins", "open"),
    ("pip", "main"),
    ("pip._internal", "main"),
    ("pkgutil", "resolve_name"),
    ("pydoc", "locate"),
    ("pydoc", "pipepager"),
    ("operator", "methodcaller"),
    ("_operator", "attrgetter"),
    ("importlib", "import_module"),
    ("runpy", "run_path"),
    ("runpy", "_run_code"),
    ("cProfile", "run"),
    ("profile", "run"),
    ("trace", "Trace.runctx"),
    ("timeit", "timeit"),
    ("doctest", "debug_script"),
    ("code", "InteractiveInterpreter"),
    ("idlelib.run", "Executive.runcode"),
    ("lib2to3.pgen2.pgen", "ParserGenerator.make_label"),
    ("ensurepip", "_run_pip"),
    ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("marshal", "loads"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("ctypes", "CDLL"),
    ("inspect", "getattr_static"),
    ("site", "execsitecustomize"),
    ("atexit", "register"),
    ("uuid", "_get_command_stdout"),
    ("_osx_support", "_read_output"),
    ("_aix_support", "_read_cmd_output"),
    ("_pyrepl.pager", "pipe_pager"),
    ("imaplib", "IMAP4_stream"),
    ("test.support.script_helper", "assert_python_ok"),
    ("_io", "FileIO"),
    ("io", "open"),
    ("urllib.request", "urlopen"),
    ("logging", "FileHandler"),
    ("distutils.file_util", "write_file"),
    ("shutil", "rmtree"),
    ("socket", "create_connection"),
    ("webbrowser", "open"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy.f2py.crackfortran", "getlincoef"),
    ("numpy.f2py.crackfortran", "myeval"),
    ("torch.utils.bottleneck.__main__", "run_cprofile"),
    ("torch.utils.bottleneck.__main__", "run_autograd_prof"),
    ("torch.utils.collect_env", "run"),
    ("torch._inductor.codecache", "compile_file"),
    ("torch._dynamo.guards", "GuardBuilder.get"),
    ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression"),
    ("torch.jit.unsupported_tensor_ops", "execWrapper"),
    ("torch.utils._config_module", "ConfigModule.load_config"),
    ("torch.utils.data.datapipes.utils.decoder", "basichandlers"),
    ("torch.hub", "load"),
    ("torch", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("joblib", "load"),
    ("numpy", "load"),
    ("pandas", "read_pickle"),
    ("cloudpickle.cloudpickle", "_make_function"),
    ("dill._dill", "_create_function"),
    ("simpleeval", "SimpleEval"),
    ("functools", "reduce"),
    ("builtins", "map"),
    ("builtins", "filter"),
    ("collections", "namedtuple"),
    ("collections", "_sys.modules.get"),
    ("copyreg", "add_extension"),
    ("some_module_nobody_knows", "load"),
    ("sklearn.datasets", "fetch_openml"),
    ("sklearn.linear_model._logistic", "LogisticRegression.fit"),
];

#[test]
fn no_gadget_is_clean_and_none_needs_the_sink_table() {
    let bare = Tables::without_sinks();
    for (module, name) in GADGETS {
        for bytes in [call(module, name), call_0(module, name)] {
            assert!(outcome(&bytes) >= Outcome::Suspicious, "{module}.{name}");
            assert_eq!(scan(&bytes, &bare).outcome, Outcome::Suspicious, "{module}.{name}");
        }
    }
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
    assert_eq!(made("cpackage\nSubclass\n"), Outcome::Suspicious);
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
    assert_eq!(outcome(&tuples), Outcome::Clean);
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
