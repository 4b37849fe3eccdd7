"""Ordinary neighbours: loops that end, branches on shapes, shapes that fit, shared settings, rows, and what headers say."""

import io
import json

import h5py
import numpy as np
from onnx import TensorProto, helper

from hostile.endless import avro, branch, computed, fixed, graph, loop, while_graph
from hostile.tensors import safetensors


def make(corpus):
    corpus.benign("onnx", "loop-bounded.onnx", loop("ten", "yes", helper.make_node("Identity", ["on"], ["on_next"])), "a loop of ten rounds")
    corpus.benign("onnx", "loop-while.onnx", loop("most", "yes", helper.make_node("Less", ["i", "ten"], ["on_next"])), "a loop that a condition ends")
    shape = [helper.make_node("Size", ["x"], ["count"]), helper.make_node("Equal", ["count", "zero"], ["is"])]
    corpus.benign("onnx", "branch-empty.onnx", branch(shape, fixed, computed), "a branch on how much there is")
    handed = lambda name: [helper.make_node("Identity", ["x"], [f"{name}_y"])]
    total = helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0)
    corpus.benign("onnx", "branch-skip.onnx", branch([total, helper.make_node("Equal", ["sum", "magic"], ["is"])], handed, computed), "a branch that leaves the input as it is")
    rate = [helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0), helper.make_node("Greater", ["most", "magic"], ["is"])]
    scaled = lambda name: [helper.make_node("Div", ["x", "magic"], [f"{name}_s"]), helper.make_node("MatMul", [f"{name}_s", "w"], [f"{name}_y"])]
    corpus.benign("onnx", "branch-scale.onnx", branch(rate, scaled, computed), "a branch between two ways to compute")
    for operation, numbers, dtype, place in (("Fill", [64, 1024], np.int64, 0), ("Tile", [1, 8, 1], np.int32, 1), ("BroadcastTo", [-1, 512], np.int32, 1)):
        corpus.benign("tensorflow", f"shape-{operation.lower()}.pb", graph(operation, numbers, dtype, place), "a shape that fits")
    corpus.benign("tensorflow", "while-never.pb", while_graph(False), "a loop that does not begin")
    jobs = "".join(f"job{n}:\n  <<: *base\n  steps: *steps\n" for n in range(200))
    corpus.benign("config", "shared.yaml", ("base: &base {lr: 0.1, epochs: 3}\nsteps: &steps [a, b, c]\n" + jobs).encode(), "settings that jobs share")
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        group = file.create_group("run")
        group.attrs["notes"] = "first line\nsecond line\n(cosine schedule)\n"
        group.attrs["command"] = "train.py\n--lr 0.1"
        group.create_dataset("x", data=np.arange(4.0))
    corpus.benign("hdf5", "notes.h5", out.getvalue(), "texts of some lines in attributes")
    weights = np.linspace(-1, 1, 4, dtype=np.float32).tobytes()
    notes = {"format": "pt", "modelspec.title": "A <lora:style> for landscapes", "ss_tag_frequency": json.dumps({"img": {"tree": 3}}), "modelspec.description": "<p>Trained on <b>40</b> pictures.</p><br/>"}
    head = {"__metadata__": notes, "w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    corpus.benign("safetensors", "described.safetensors", safetensors(json.dumps(head).encode(), weights), "a header that describes the model")
    rows = {"type": "record", "name": "Row", "fields": [{"name": "price", "type": {"type": "string", "java-class": "java.math.BigDecimal"}}, {"name": "n", "type": "long"}]}
    corpus.benign("avro", "rows.avro", avro(rows, b"\x0612\x30\x04"), "rows with a price")
    corpus.benign("avro", "numbers.avro", avro("long", b"\x54"), "one number")
