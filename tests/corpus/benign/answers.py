"""Services that keep their secrets, layers that Keras keeps in pickles, old boosters, and sizes that follow from shapes."""

import json

from onnx import TensorProto, helper

from hostile.answers import booster, dense, handler, keras_archive, unpickled
from hostile.endless import model
from hostile.limits import weights


def make(corpus):
    for label, (setup, answer) in {"setting": ("os.environ.get('LABELS', 'a,b').split(',')", "{'labels': self.kept}"), "count": ("len(os.environ)", "{'ready': True}")}.items():
        files = {"config.json": json.dumps({"model_type": "bert"}), "handler.py": handler(setup, answer)}
        corpus.folder("repositories", f"answers-{label}", files, "clean", "a service that reads a setting of its machine")
    corpus.benign("config", "address.yaml", b"logger:\n  uri: https://log.example.org/${oc.env:PROJECT,demo}/${run.name}\n  key: ${oc.env:WANDB_API_KEY,null}\n", "an address with the name of a project in it")
    for module, name in {"keras.src.layers.core.dense": "Dense", "keras.src.models.sequential": "Sequential"}.items():
        corpus.benign("pickle", f"keras-{name}.pkl", unpickled(module, name, keras_archive(dense())), "what Keras 3 writes for a layer or a model")
    corpus.benign("boosters", "old.model", booster(), "a model in XGBoost's binary format before UBJSON")
    node = helper.make_node
    ends = helper.make_tensor("most", TensorProto.INT64, [1], [2**63 - 1])
    few = [helper.make_tensor("four", TensorProto.INT64, [1], [4]), helper.make_tensor("zero", TensorProto.INT64, [1], [0]), helper.make_tensor("one", TensorProto.INT64, [1], [1]), ends, weights()]
    shape = [node("Shape", ["x"], ["s"]), node("Slice", ["s", "zero", "one"], ["d"]), node("Concat", ["d", "four"], ["shape"], axis=0)]
    corpus.benign("onnx", "sizes-expand.onnx", model([*shape, node("Expand", ["x", "shape"], ["e"]), node("MatMul", ["e", "w"], ["y"])], few), "a size that follows from the input's")
    end = [node("Slice", ["x", "zero", "most", "one"], ["c"]), node("Min", ["most", "d"], ["least"]), node("Expand", ["c", "least"], ["e"]), node("MatMul", ["e", "w"], ["y"])]
    corpus.benign("onnx", "sizes-slice.onnx", model([*shape[:2], *end], few), "a slice up to the end, and the smaller of two sizes")
