#!/usr/bin/env python3
"""Writes the second stage's encoder as an ONNX file of 8-bit weights, from what `train.py` left.

    export.py DATA TRAINED OUT

DATA is what `prepare.py` wrote, TRAINED holds `final-*.npz`. OUT receives `model.onnx`, `tokenizer.json` and
`config.json`. Needs numpy, onnx and onnxruntime; compares the file with the weights before they were rounded.

Weights are rounded to seven bits a column, activations to eight bits a row of tokens, as they come: with seven, the sum
of two products fits the 16 bits in which processors without VNNI add them, so that every machine counts alike.
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS, WIDTH, HEADS, POSITIONS = 6, 384, 12, 256
EPSILON = 1e-12


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.names = [], [], {}

    def constant(self, name, array):
        if name not in self.names:
            self.names[name] = True
            self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def node(self, operator, *inputs, out=None, count=1, **attributes):
        outputs = [out or f"v{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs[0] if count == 1 else outputs

    def dense(self, name, x, weight, bias, quantised):
        """`x · weightᵀ + bias`; `quantised` is x in eight bits with its scale and zero point, for several at once."""
        scale = np.abs(weight).max(1).clip(1e-8) / 63
        whole = np.rint(weight / scale[:, None]).clip(-63, 63).astype(np.int8)
        values, unit, zero = quantised
        product = self.node("MatMulInteger", values, self.constant(name + ".w", whole.T), zero)
        product = self.node("Cast", product, to=TensorProto.FLOAT)
        unit = self.node("Mul", unit, self.constant(name + ".s", scale.astype(np.float32)))
        return self.node("Add", self.node("Mul", product, unit), self.constant(name + ".b", bias))

    def quantise(self, x):
        return self.node("DynamicQuantizeLinear", x, count=3)

    def norm(self, name, x, weight, bias):
        return self.node(
            "LayerNormalization", x, self.constant(name + ".g", weight), self.constant(name + ".h", bias),
            axis=-1, epsilon=EPSILON,
        )

    def gelu(self, x):
        half = self.node("Mul", x, self.constant("half", np.float32(0.5)))
        erf = self.node("Erf", self.node("Mul", x, self.constant("root", np.float32(np.sqrt(0.5)))))
        return self.node("Mul", half, self.node("Add", erf, self.constant("one", np.float32(1))))


def build(w):
    g = Graph()
    words = w["words.weight"]
    scale = np.abs(words).max(1, keepdims=True).clip(1e-8) / 127
    table = np.rint(words / scale).astype(np.int8)
    rows = g.node("Gather", g.constant("words.w", table), "input_ids")
    rows = g.node("Cast", rows, to=TensorProto.FLOAT)
    rows = g.node("Mul", rows, g.node("Gather", g.constant("words.s", scale.astype(np.float32)), "input_ids"))
    start, one, two = (g.constant(f"at{i}", np.array([i])) for i in range(3))
    length = g.node("Slice", g.node("Shape", "input_ids"), one, two, start)
    places = w["positions.weight"] + w["types"]
    places = g.node("Slice", g.constant("places", places), start, length, start)
    x = g.norm("norm", g.node("Add", rows, places), w["norm.weight"], w["norm.bias"])
    split = g.constant("split", np.array([0, 0, HEADS, WIDTH // HEADS]))
    join = g.constant("join", np.array([0, 0, WIDTH]))
    for i in range(LAYERS):
        get = lambda name: w[f"blocks.{i}.{name}"]
        quantised = g.quantise(x)
        heads = []
        for j, name in enumerate("qkv"):
            part = slice(j * WIDTH, (j + 1) * WIDTH)
            # The attention's scale goes into the queries.
            by = np.float32((WIDTH // HEADS) ** -0.5) if name == "q" else np.float32(1)
            out = g.dense(f"{i}.{name}", x, get("qkv.weight")[part] * by, get("qkv.bias")[part] * by, quantised)
            out = g.node("Reshape", out, split)
            heads.append(g.node("Transpose", out, perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]))
        q, k, v = heads
        mixed = g.node("MatMul", g.node("Softmax", g.node("MatMul", q, k), axis=-1), v)
        mixed = g.node("Reshape", g.node("Transpose", mixed, perm=[0, 2, 1, 3]), join)
        mixed = g.dense(f"{i}.out", mixed, get("out.weight"), get("out.bias"), g.quantise(mixed))
        x = g.norm(f"{i}.norm1", g.node("Add", x, mixed), get("norm1.weight"), get("norm1.bias"))
        inner = g.gelu(g.dense(f"{i}.up", x, get("up.weight"), get("up.bias"), g.quantise(x)))
        inner = g.dense(f"{i}.down", inner, get("down.weight"), get("down.bias"), g.quantise(inner))
        x = g.norm(f"{i}.norm2", g.node("Add", x, inner), get("norm2.weight"), get("norm2.bias"))
    mean = g.node("ReduceMean", x, axes=[1], keepdims=0)
    most = g.node("ReduceMax", x, axes=[1], keepdims=0)
    first = g.node("Gather", x, g.constant("zero", np.int64(0)), axis=1)
    pooled = g.node("Concat", mean, most, first, axis=1)
    # The harmless label's logit is zero.
    weight = np.concatenate([np.zeros_like(w["head.weight"]), w["head.weight"]])
    bias = np.concatenate([np.zeros_like(w["head.bias"]), w["head.bias"]])
    g.node("Gemm", pooled, g.constant("head.w", weight.T), g.constant("head.b", bias), out="logits")
    graph = helper.make_graph(
        g.nodes,
        "guard-encoder",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2])],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def compare(file, w, data):
    """The largest and the mean difference of the logit, over windows of the rows, against float32."""
    import onnxruntime as ort
    import torch

    torch.set_num_threads(1)
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    from train import Encoder

    model = Encoder(w["words.weight"].shape[0], POSITIONS).eval()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in w.items()})
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(file, options)
    rows = np.load(data / "rows.npz")
    ids, length = rows["ids"], rows["length"].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    vocabulary = json.loads((data / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    pairs = []
    for row in np.random.default_rng(1).choice(len(length), 200, replace=False):
        tokens = ids[start[row] : start[row] + min(length[row], POSITIONS - 2)].astype(np.int64)
        tokens = np.concatenate([[vocabulary["[CLS]"]], tokens, [vocabulary["[SEP]"]]])[None]
        rounded = session.run(None, {"input_ids": tokens})[0][0]
        with torch.no_grad():
            exact = model(torch.from_numpy(tokens), torch.ones(tokens.shape, dtype=torch.bool)).item()
        pairs.append((exact, rounded[1] - rounded[0]))
    exact, rounded = np.array(pairs).T
    difference = np.abs(exact - rounded)
    print(f"200 windows: differences of the logit {difference.mean():.3f} on average, {difference.max():.3f} at most; "
          f"spread of the logit {exact.std():.2f}, correlation {np.corrcoef(exact, rounded)[0, 1]:.5f}")


def main(data, trained, out):
    data, trained, out = map(pathlib.Path, (data, trained, out))
    out.mkdir(parents=True, exist_ok=True)
    w = {}
    for part in sorted(trained.glob("final-*.npz")):
        file = np.load(part)
        w |= {name: file[name].astype(np.float32) for name in file.files}
    (out / "model.onnx").write_bytes(build(w))
    shutil.copy(data / "tokenizer.json", out / "tokenizer.json")
    config = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "BENIGN", "1": "INJECTION"},
        "max_position_embeddings": POSITIONS,
        "vocab_size": int(w["words.weight"].shape[0]),
    }
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    compare(str(out / "model.onnx"), w, data)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
