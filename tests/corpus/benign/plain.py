"""What Python itself pickles, and texts and archives that merely look dangerous."""

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import gzip
import io
import ipaddress
import json
import math
import operator
import pathlib
import pickle
import random
import re
import statistics
import string
import tarfile
import types
import typing
import uuid
import zipfile


def values(rng):
    shared, loop = ["seen twice"], []
    loop.append(loop)
    yield "numbers", [0, -1, 2**40, 2**200, 1.5, float("nan"), 3 + 4j, True, None, rng.random()]
    yield "text", {"plain": "text", "accent": "\u00e9\U0001f600", "bytes": b"\x00\xff", "buffer": bytearray(b"x")}
    yield "containers", [(1, (2, (3,))), {1, 2}, frozenset({3}), {"a": {"b": [{}]}}]
    yield "collections", [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1, 2]), collections.ChainMap({"a": 1})]
    yield "defaultdict", collections.defaultdict(list, a=[1])
    yield "time", [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.timedelta(1), datetime.date(2026, 1, 2), datetime.time(3)]
    yield "exact", [decimal.Decimal("1.10"), fractions.Fraction(1, 3)]
    yield "names", [uuid.UUID(int=rng.getrandbits(128)), pathlib.PurePosixPath("a/b"), pathlib.Path("model/config.json")]
    yield "namespaces", [argparse.Namespace(lr=0.1, name="eval(", layers=[1, 2]), types.SimpleNamespace(a=1)]
    yield "errors", [ValueError("os.system"), KeyError("eval")]
    yield "ranges", [range(3), slice(1, 2), Ellipsis, NotImplemented]
    yield "random", random.Random(rng.random())
    yield "buffer", io.BytesIO(rng.randbytes(30))
    yield "vocabulary", {"system": 1, "os": 2, "__import__": 3, "eval": 4, "subprocess": 5, "cos\nsystem\n": 6}
    yield "shared", [shared, shared]
    yield "loop", loop
    yield "getters", [operator.itemgetter(1, 2), operator.attrgetter("a.b"), operator.methodcaller("lower")]
    yield "types", [type(None), type(...), int, list[int], typing.List[int], len, math.sqrt]
    yield "patterns", [re.compile("a+", re.I), string.Template("$a"), statistics.NormalDist(), decimal.Context(prec=5), iter([1, 2])]
    yield "long", [rng.random() for _ in range(5000)]


def make(corpus):
    rng = corpus.rng("plain")
    for name, value in values(rng):
        for protocol in rng.sample(range(pickle.HIGHEST_PROTOCOL + 1), 3):
            corpus.benign("python", f"{name}-{protocol}.pkl", pickle.dumps(value, protocol), "pickle.dumps of standard values")
    readme = "# A model\n\nNever `eval(` what you do not trust. `os.system('rm -rf /')` and pickle.load are dangerous.\nMZ PK\x20and ELF are magic.\n"
    corpus.benign("documents", "README.md", readme.encode(), "a text about dangerous things")
    corpus.benign("documents", "vocab.txt", "\n".join(["system", "os", "exec", "import os", "AKIA", "eval(x)", "<script>", "c", "cos", "i", "R."]).encode() + b"\n", "a vocabulary")
    corpus.benign("documents", "data.csv", b"a,b\n1,2\n" + b"".join(f"{rng.random()},{rng.random()}\n".encode() for _ in range(50)), "a table")
    corpus.benign("documents", "metrics.json", json.dumps({"accuracy": 0.9, "command": "python train.py --eval", "url": "https://example.test/a"}).encode(), "results")
    corpus.benign("documents", "config.yaml", b"model:\n  name: base # !!python/object\n  lr: 0.1\n  tags: ['!!python']\n", "a configuration")
    corpus.benign("documents", "empty.json", b"{}", "an empty configuration")
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# Results"}, {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": "import numpy as np\nx = np.zeros(3)\nprint(x.mean())"}]
    corpus.benign("documents", "results.ipynb", json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(), "a notebook that computes")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for member, data in {"m/config.json": b"{}", "m/README.md": readme.encode()}.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    corpus.benign("archives", "model.tar", out.getvalue(), "a tar file")
    corpus.benign("archives", "model.tar.gz", gzip.compress(out.getvalue()), "a compressed tar file")
    for label, method in {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED}.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as file:
            file.writestr("m/config.json", "{}")
            file.writestr("m/README.md", readme)
            file.writestr("m/values.pkl", pickle.dumps([1, 2, 3]))
        corpus.benign("archives", f"{label}.zip", out.getvalue(), "a zip file")
