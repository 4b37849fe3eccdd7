"""Numbers, formulas and nestings that what loads a model follows without a look, and R's objects as text."""

import io
import pickle
import struct

import joblib
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree import DecisionTreeClassifier

from .tensors import ELF


def make(corpus):
    trees(corpus)
    nestings(corpus)
    by_value(corpus)
    texts_of_r(corpus)
    records(corpus)


def dumped(model, how):
    if how == "joblib":
        out = io.BytesIO()
        joblib.dump(model, out)
        return out.getvalue()
    return pickle.dumps(model, protocol=how)


def bent(data, old, new):
    """The same bytes with one record replaced, which stands in them once."""
    assert old != new and data.count(old) == 1, "the record stands elsewhere too"
    return data.replace(old, new)


def trees(corpus):
    rng = np.random.default_rng(corpus.seed)
    rows = rng.normal(size=(60, 3))
    labels = (rows[:, 0] + 0.3 * rows[:, 1] > 0).astype(int)
    single = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows, labels)
    changes = {
        "child": ("left_child", 1 << 40, "a child lies outside of the nodes: a prediction reads memory that is none of the tree's"),
        "negative": ("right_child", -7, "a child has a negative number"),
        "loop": ("left_child", 0, "a child is its own parent: a prediction never ends"),
        "column": ("feature", 1 << 30, "a column that no row has"),
    }
    for label, (field, value, why) in changes.items():
        for how in (2, 4, "joblib"):
            nodes = single.tree_.__getstate__()["nodes"]
            wrong = nodes.copy()
            wrong[field][0] = value
            data = dumped(single, how)
            if how == 2:
                # Protocol 2 writes bytes as text, so the state is changed before.
                data = pickle.dumps(Bent(single, wrong), protocol=2)
            else:
                data = bent(data, nodes.tobytes(), wrong.tobytes())
            corpus.found("structures", f"tree-{label}-{how}.pkl", data, why)
    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(rows, labels)
    nodes = forest.estimators_[2].tree_.__getstate__()["nodes"]
    wrong = nodes.copy()
    wrong["right_child"][0] = 1 << 33
    corpus.found("structures", "forest.joblib", bent(dumped(forest, "joblib"), nodes.tobytes(), wrong.tobytes()), "one tree of a forest leads out of it")
    boosted = HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=5, random_state=0).fit(rows, rows[:, 0])
    nodes = boosted._predictors[0][0].nodes
    wrong = nodes.copy()
    wrong["left"][0] = (1 << 32) - 1
    corpus.found("structures", "histogram.pkl", bent(pickle.dumps(boosted, protocol=4), nodes.tobytes(), wrong.tobytes()), "a node of histogram boosting leads out of the tree")
    for label, kind in (("kd", KDTree), ("ball", BallTree)):
        index = kind(rows)
        order = index.__getstate__()[1]
        wrong = order.copy()
        wrong[5] = 1 << 41
        corpus.found("structures", f"{label}-order.pkl", bent(pickle.dumps(index, protocol=4), order.tobytes(), wrong.tobytes()), "an index names a row that it does not have")


class Bent:
    """A tree as scikit-learn pickles it, with other nodes."""

    def __init__(self, model, nodes):
        self.model, self.nodes = model, nodes

    def __reduce__(self):
        made, arguments, state = self.model.tree_.__reduce__()
        return made, arguments, dict(state, nodes=self.nodes)


def nestings(corpus):
    for label, key in (("dict", b"0}h\x3cK\x01s."), ("set", b"0\x8f(h\x3c\x90."), ("alone", b".")):
        stream = b"\x80\x04)\x94" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(60)) + key
        corpus.found("structures", f"tuples-{label}.pkl", stream, "a tuple holds itself 2^60 times by way of others: its hash is never done")
    for label, formula in (("import", "y ~ __import__('os').getpid()"), ("attribute", "y ~ x.__class__"), ("call", "y ~ np.load('x')")):
        text = formula.encode()
        state = b"}(\x8c\x13restore_design_info\x88\x8c\x07formula\x8c" + bytes([len(text)]) + text + b"u"
        corpus.found("structures", f"formula-{label}.pkl", b"\x80\x04cstatsmodels.base.data\nPandasData\n)\x81" + state + b"b.", "a formula that is evaluated when the state is loaded")


def by_value(corpus):
    make = b"\x80\x04cdill._dill\n_create_function\n(cdill._dill\n_create_code\n(K\x00\x8c\x07globalstR}\x8c\x05cleanNNtR0"
    parts = {
        "plain": (b"", "found", "a function by value"),
        "attribute": (b"cdill._dill\n_import_module\n\x8c\x09os.getpid\x85R0", "found", "a function of a module by dill's own import"),
        "command": (b"cdill._dill\n_import_module\n\x8c\x09os.system\x85R0", "malicious", "a command by dill's own import"),
        "setattr": (b"cbuiltins\nsetattr\n(cos\npath\n\x8c\x0c__qualname__\x8c\x01AtR0", "malicious", "an attribute of a module of Python is set"),
        "builtins": (b"c_operator\ngetitem\n(cbuiltins\n__dict__\n\x8c\x04evaltR0", "malicious", "an evaluator out of the built-in names"),
    }
    for label, (more, expected, why) in parts.items():
        corpus.file("structures", f"dill-{label}.pkl", make + more + b"N.", expected, why)


def texts_of_r(corpus):
    words = "1029 253 252 6 1 262153 6 system 2 16 1 262153 4 true 254".split()
    for label, head in (("a3", "A 3 262912 197888 5 UTF-8"), ("a2", "A 2 262912 131840"), ("rda", "RDA3 A 3 262912 197888 5 UTF-8")):
        corpus.malicious("r", f"promise-{label}.rds", "\n".join(head.split() + words + [""]).encode(), "a promise in R's serialization as text", "CVE-2024-27322")
    native = b"".join(struct.pack("<i", int(w)) if w.isdigit() else w.encode() for w in words)
    corpus.malicious("r", "promise-native.rds", b"B\n" + struct.pack("<iii", 2, 262912, 131840) + native, "a promise in the byte order of the machine", "CVE-2024-27322")


def records(corpus):
    """TFRecord and word vectors with something else in them."""
    event = b"\x09\x00\x00\x80\x12\xd9\xd9\xda\x41\x1a\x0dbrain.Event:2"
    pickled = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
    corpus.found("records", "program.tfrecord", record(event) + record(bytes(ELF)), "a record is an executable")
    corpus.found("records", "pickle.tfrecord", record(event) + record(pickled), "a record is a pickle that calls a command")
    corpus.found("records", "behind.tfrecord", record(event) + b"what follows is no record", "bytes behind the last record")
    corpus.found("vectors", "behind.ftz", fasttext(["a"]) + pickled, "a pickle behind a model of fastText")
    corpus.found("vectors", "claims.ftz", fasttext(["a"], rows=1 << 60), "a matrix that is larger than any file")


def record(content):
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked(length)) + content + struct.pack("<I", masked(content))


def masked(data):
    """CRC-32C as TensorFlow writes it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def fasttext(words, width=2, rows=None):
    head = struct.pack("<Ii12id", 793712314, 12, width, 5, 5, 1, 5, 1, 1, 2, 0, 0, 0, 100, 0.0001)
    dictionary = struct.pack("<iiiqq", len(words), len(words), 0, len(words), -1)
    entries = b"".join(w.encode() + b"\0" + struct.pack("<qb", 3, 0) for w in words)
    matrix = b"\0" + struct.pack("<qq", rows or len(words), width) + struct.pack("<f", 0.5) * (len(words) * width)
    return head + dictionary + entries + matrix + matrix
