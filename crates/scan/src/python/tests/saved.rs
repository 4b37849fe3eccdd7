//! Pickles that a notebook writes and reads again.

use super::*;

/// What a notebook of these cells comes to.
fn outcome(cells: &[&str]) -> Outcome {
    let cell = |text: &&str| {
        let text = text.replace('\n', "\\n").replace('"', "\\\"");
        format!(r#"{{"cell_type": "code", "source": "{text}", "outputs": []}}"#)
    };
    let cells: Vec<String> = cells.iter().map(cell).collect();
    let text = format!(r#"{{"nbformat": 4, "cells": [{}]}}"#, cells.join(", "));
    crate::scan_bytes(&"a.ipynb".parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
}

#[test]
fn a_pickle_that_a_notebook_wrote_is_its_own() {
    let dump = "import joblib\njoblib.dump([1], 'm.joblib')";
    let load = "joblib.load('m.joblib')";
    let opened = "import pickle\nwith open('m.pkl', 'wb') as f:\n    pickle.dump([1], f)";
    let read = "with open('m.pkl', 'rb') as f:\n    m = pickle.load(f)";
    for cells in [
        &[dump, load][..],
        &[dump, "!ls -l m.joblib\n!pip install -q torch", load],
        &[dump, "import kaggle_secrets\nk = kaggle_secrets.UserSecretsClient().get_secret('HF')", load],
        &[dump, "joblib.load('./m.joblib')"],
        &[opened, read],
        &[
            "from pathlib import Path\nP = Path('out')",
            "import torch\ntorch.save([1], P / 'm.pt')",
            "torch.load(P / 'm.pt')",
        ],
    ] {
        assert_eq!(outcome(cells), Outcome::Clean, "{cells:?}");
    }
}

#[test]
fn it_is_not_once_something_else_may_have_written_it() {
    let dump = "import joblib, shutil, pickle, zipfile, subprocess\nfrom huggingface_hub import hf_hub_download, snapshot_download\njoblib.dump([1], 'm.joblib')";
    let load = "joblib.load('m.joblib')";
    for cells in [
        &[dump, "joblib.load('other.joblib')"][..],
        &[dump, load, "joblib.load('b/m.joblib')"],
        &["import joblib", load, dump],
        &[
            dump,
            "import urllib.request\nurllib.request.urlretrieve('https://example.org/m', 'm.joblib')",
            load,
        ],
        &[dump, "hf_hub_download('a/b', 'm.joblib', local_dir='.')", load],
        &[dump, "snapshot_download('a/b', local_dir='.')", load],
        &[dump, "zipfile.ZipFile('a.zip').extractall()", load],
        &[dump, "shutil.copy('a', 'm.joblib')", load],
        &[dump, "subprocess.run(['git', 'pull'])", load],
        &[dump, "!wget -q -O m.joblib https://example.org/m", load],
        &[dump, "!cp a m.joblib", load],
        &[dump, "!git pull", load],
        &[dump, "%%bash\ncp a m.joblib", load],
        &[dump, "with open('m.joblib', 'wb') as f:\n    f.write(b'x')", load],
        &[dump, "import pathlib\npathlib.Path('m.joblib').write_bytes(b'x')", load],
    ] {
        assert!(outcome(cells) >= Outcome::Suspicious, "{cells:?}");
    }
}
