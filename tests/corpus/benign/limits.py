"""Ordinary neighbours: numbers that agree, masks and bounds, functions, trees, loops, parts for a backend, members."""

import gzip
import struct

from onnx import TensorProto, helper

from hostile.endless import model
from hostile.limits import ensemble, gguf, language_model, lite, program, standard, text, u32, weights, with_functions


def make(corpus):
    good = [u32(b"qwen2.block_count", 2), u32(b"qwen2.attention.head_count", 2), u32(b"qwen2.embedding_length", 8), u32(b"tokenizer.ggml.eos_token_id", 5), u32(b"tokenizer.ggml.bos_token_id", 0)]
    corpus.benign("gguf", "limits-agree.gguf", language_model(good), "numbers that agree")
    mamba = [(b"general.architecture", 8, text(b"mamba")), u32(b"mamba.block_count", 1), u32(b"mamba.attention.head_count", 0)]
    corpus.benign("gguf", "limits-recurrent.gguf", gguf(mamba, [(b"blk.0.ssm_a", [8], 0, 0)], b"\0" * 32), "a model without heads")
    node = helper.make_node
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 8])
    constants = [helper.make_tensor("pad", TensorProto.INT64, [], [1]), helper.make_tensor("low", TensorProto.FLOAT, [], [-1e9]), helper.make_tensor("special", TensorProto.INT64, [3], [0, 1, 2]), helper.make_tensor("two", TensorProto.INT64, [1], [2])]
    table = helper.make_tensor("table", TensorProto.FLOAT, [50, 4], [0.5] * 200)
    rows = [node("Gather", ["table", "ids"], ["rows"]), node("MatMul", ["rows", "w"], ["h"])]
    mask = [node("Equal", ["ids", "pad"], ["is"]), node("Unsqueeze", ["is", "two"], ["mask"]), node("Where", ["mask", "low", "h"], ["y"])]
    corpus.benign("onnx", "limits-mask.onnx", model([*rows, *mask], [*constants, table, weights()], inputs=[ids]), "scores without those of padding")
    any_of = [node("Unsqueeze", ["ids", "two"], ["each"]), node("Equal", ["each", "special"], ["same"]), node("Cast", ["same"], ["f"], to=1), node("ReduceMax", ["f"], ["one"], axes=[2], keepdims=1), node("Mul", ["h", "one"], ["y"])]
    corpus.benign("onnx", "limits-special.onnx", model([*rows, *any_of], [*constants, table, weights()], inputs=[ids]), "rows of special tokens only")
    bound = [helper.make_tensor("most", TensorProto.FLOAT, [], [6.0]), helper.make_tensor("mean", TensorProto.FLOAT, [4], [0.1, 0.2, 0.3, 0.4])]
    clamp = [node("Sub", ["x", "mean"], ["c"]), node("MatMul", ["c", "w"], ["h"]), node("Greater", ["h", "most"], ["high"]), node("Where", ["high", "most", "h"], ["y"])]
    corpus.benign("onnx", "limits-clamp.onnx", model(clamp, [*bound, weights()]), "a result that is cut at a bound")
    dense = [node("MatMul", ["x", "w"], ["h0"])]
    for n in range(50):
        dense += [node("Relu", [f"h{n}"], [f"r{n}"]), node("Concat", [f"h{n}", f"r{n}"], [f"c{n}"], axis=1), node("Gemm", [f"c{n}", "v"], [f"h{n + 1}"])]
    corpus.benign("onnx", "limits-dense.onnx", model([*dense, node("Identity", ["h50"], ["y"])], [weights(), helper.make_tensor("v", TensorProto.FLOAT, [8, 4], [0.1] * 32)]), "layers over what they get and what they make of it")
    corpus.benign("onnx", "limits-function.onnx", with_functions([node("Swish", ["x"], ["y"], domain="own")], [standard("Swish", "own")]), "a function in a domain of its own")
    corpus.benign("onnx", "limits-tree.onnx", ensemble([1, 2], [4, 3]), "a tree")
    spelt = helper.make_model(helper.make_graph([node("Relu", ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", 1, [1])], [helper.make_tensor_value_info("y", 1, [1])], [helper.make_tensor("w", TensorProto.FLOAT, [2], [0.5, 1.5])]), opset_imports=[helper.make_opsetid("", 17)])
    from google.protobuf import json_format, text_format

    corpus.benign("onnx", "limits-spelt.onnxjson", json_format.MessageToJson(spelt).encode(), "a model as JSON")
    corpus.benign("onnx", "limits-spelt.textproto", text_format.MessageToString(spelt).encode(), "a model as text")
    corpus.benign("tflite", "limits-add.tflite", lite(), "an operator over a constant")
    corpus.benign("tflite", "limits-optional.tflite", lite(inputs=(0, -1)), "an input that is not there")
    corpus.benign("tflite", "limits-while.tflite", lite(calls=(1, 2)), "a loop that a condition ends")
    corpus.benign("executorch", "limits-xnnpack.pte", program("XnnpackBackend", b"\0\0\0\0XH00" + struct.pack("<5f", 1, 2, 3, 4, 5)), "a part for XNNPACK")
    corpus.benign("archives", "limits-blocks.txt.gz", b"".join(gzip.compress(b"the %d\nof\nand\n" % n, mtime=0) for n in range(40)), "a text in blocks")
