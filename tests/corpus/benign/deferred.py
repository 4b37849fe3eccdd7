"""Neighbours of what holds, shares, fills or indexes more than it says: the same as Python and its libraries write them."""

import collections
import functools
import http
import io
import itertools
import logging
import operator
import pickle
import re
import signal
import socket
import urllib.parse

import h5py
import joblib
import numpy as np
import scipy.interpolate
import scipy.sparse
import scipy.spatial
import scipy.stats
from sklearn.preprocessing import FunctionTransformer

CMAKE = """cmake_minimum_required(VERSION 3.20)
project(runtime)
file(DOWNLOAD https://example.org/runtime.tgz ${CMAKE_BINARY_DIR}/runtime.tgz
     EXPECTED_HASH SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855)
execute_process(COMMAND ${CMAKE_COMMAND} -E tar xzf runtime.tgz WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
"""


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    mapped = corpus.out / "mapped.npy"
    np.save(mapped, rng.random(20))
    values = {
        "partials": [functools.partial(int, base=2), functools.partial(functools.partial(np.power, 2.0), 3), collections.defaultdict(functools.partial(collections.defaultdict, int))],
        "transformer": FunctionTransformer(functools.partial(np.power, 2.0)), "keys": functools.partial(sorted, key=operator.attrgetter("score")),
        "enumerations": [http.HTTPStatus.OK, signal.SIGINT, socket.AF_INET, re.I], "addresses": urllib.parse.urlsplit("https://example.org/a?b"), "logger": logging.getLogger("model"),
        "iterators": [itertools.count(3), range(10**12), collections.deque([1], 3), collections.Counter("ab"), collections.UserDict(a=collections.OrderedDict())],
        "sparse": [scipy.sparse.random(30, 20, 0.2, format=kind, random_state=corpus.seed) for kind in ("csr", "csc", "coo", "lil")], "trees": [scipy.spatial.cKDTree(rng.random((60, 3))), scipy.spatial.KDTree(rng.random((60, 2)))],
        "generators": [np.random.RandomState(1), np.random.default_rng(1), np.random.Generator(np.random.MT19937(1))], "discrete": [scipy.stats.poisson(3), scipy.stats.randint(1, 5), scipy.stats.nbinom(3, 0.5)],
        "functions": scipy.interpolate.Rbf(rng.random(9), rng.random(9), rng.random(9)), "mapped": np.load(mapped, mmap_mode="r"), "masked": np.ma.array([1.0, 2.0], mask=[0, 1]), "kept": {"inner": pickle.dumps(collections.OrderedDict(a=1))},
        "patterns": [re.compile(r"(\w+)\s*=\s*(\d+)"), re.compile("a+b")], "pairs": functools.reduce(lambda inner, n: (n, inner), range(150), None),
    }
    for label, value in values.items():
        for protocol in (2, 4, 5):
            corpus.benign("deferred", f"{label}-{protocol}.pkl", pickle.dumps(value, protocol), "pickle.dumps")
        out = io.BytesIO()
        joblib.dump(value, out)
        corpus.benign("deferred", f"{label}.joblib", out.getvalue(), "joblib.dump")
    mapped.unlink()
    np.save(corpus.path("numpy", "names.npy", "clean", "a field whose name is not of ASCII"), np.zeros(3, [("naïve", "<i4"), ("b", "<U5")]))
    with h5py.File(corpus.path("hdf5", "object.h5", "clean", "an object that a dataset keeps as a pickle"), "w") as file:
        file.create_dataset("object", data=np.void(pickle.dumps(collections.OrderedDict(a=np.arange(3)))))
    corpus.benign("stores", "rows.msgpack", b"\x82\xcf" + b"\x11" * 8 + b"\x00\xcf" + b"\x22" * 8 + b"\x01", "rows by hashes, as spaCy keeps them")
    corpus.benign("stores", "lookups.bin", b"\x80", "a table without rows")
    corpus.folder("build-scripts", "cmake-unpacks", {"CMakeLists.txt": CMAKE}, "clean", "an archive by its digest, unpacked")
    corpus.folder("config", "documentation", {"config.json": '{"endpoint": "http://[2001:db8::1]:9000/v2"}'}, "clean", "an address that is kept for documentation")
