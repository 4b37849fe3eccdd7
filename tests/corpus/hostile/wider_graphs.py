"""More graphs and structures: ONNX, Keras, HDF5, TensorFlow, safetensors, GGUF, XML, R, skops, MessagePack, tar."""

import gzip
import io
import json
import struct
import tarfile
import zipfile

from .assembly import SYSTEM_0, proto, SYSTEM
from .graphs import field, node_def
from .tensors import ELF, entry, gguf, safetensors


def make(corpus):
    onnx_files(corpus)
    keras_files(corpus)
    tensorflow(corpus)
    tensors(corpus)
    others(corpus)


def onnx_files(corpus):
    node = lambda op, domain="", attributes=(): field(1, "x") + field(2, "y") + field(4, op) + b"".join(field(5, a) for a in attributes) + (field(7, domain) if domain else b"")
    external = lambda *pairs: field(1, 4) + field(2, 1) + field(8, "w") + b"".join(field(13, field(1, k) + field(2, v)) for k, v in pairs) + field(14, 1)

    def model(graph, domains=("",), extra=b""):
        return field(1, 8) + b"".join(field(8, field(1, d) + field(2, 17)) for d in domains) + field(7, graph) + extra

    add = lambda n, d, why, s="": corpus.found("onnx", f"wider-{n}.onnx", d, why, s)
    identity = field(1, node("Identity")) + field(2, "g")
    bad = external(("location", "../../secret.bin"))
    add("location-twice", model(identity + field(5, external(("location", "weights.bin"), ("location", "/etc/passwd")))), "a location that is replaced by a second one")
    add("in-subgraph", model(field(1, node("If", attributes=[field(1, "then_branch") + field(20, 5) + field(6, field(2, "t") + field(5, bad))])) + field(2, "g")), "weights from outside in a branch")
    add("in-attribute", model(field(1, node("Constant", attributes=[field(1, "value") + field(20, 4) + field(5, bad)])) + field(2, "g")), "weights from outside in a constant")
    add("in-function", model(identity, extra=field(25, field(1, "F") + field(7, node("Constant", attributes=[field(1, "value") + field(20, 4) + field(5, bad)])) + field(10, "local"))), "weights from outside in a function")
    add("sparse", model(identity + field(15, field(1, bad) + field(3, 4))), "weights from outside in a sparse tensor")
    add("in-training", model(identity, extra=field(20, field(1, field(2, "init") + field(5, bad)))), "weights from outside in the training part")
    add("engine-context", model(field(1, node("EPContext", "com.microsoft", [field(1, "ep_cache_context") + field(20, 3) + field(4, "/tmp/evil.bin"), field(1, "embed_mode") + field(20, 2) + field(3, 0)])) + field(2, "g"), ("", "com.microsoft")), "a compiled engine from a path outside the model")
    add("engine-embedded", model(field(1, node("EPContext", "com.microsoft", [field(1, "ep_cache_context") + field(20, 3) + field(4, bytes(ELF)), field(1, "embed_mode") + field(20, 2) + field(3, 1)])) + field(2, "g"), ("", "com.microsoft")), "a compiled engine inside the graph")
    add("deep-location", model(identity + field(5, external(("location", "weights/../../../x")))), "a location that leaves the model in the middle", "CVE-2024-27318")
    add("home-location", model(identity + field(5, external(("location", "file:///etc/passwd")))), "a location that is an address")
    add("metadata-pickle", model(identity, extra=field(14, field(1, "note") + field(2, b"\x80\x04" + SYSTEM_0 + b"."))), "a pickle in the metadata")


def keras_files(corpus):
    def archive(config, extra=()):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("metadata.json", json.dumps({"keras_version": "3.5.0", "date_saved": "2026-01-01@00:00:00"}))
            file.writestr("config.json", json.dumps(config))
            for name, content in extra:
                file.writestr(name, content)
        return out.getvalue()

    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}
    sequential = lambda *layers, **more: {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}, "registered_name": None, **more}
    add = lambda n, config, why, s="", extra=(): corpus.found("keras", f"wider-{n}.keras", archive(config, extra), why, s)
    add("compile", sequential(dense, compile_config={"loss": {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}}), "a loss of os")
    add("compile-lambda", sequential(dense, compile_config={"metrics": [code]}), "a metric that is code")
    add("build", sequential({**dense, "build_config": {"x": {"module": "builtins", "class_name": "exec", "config": {}}}}), "something of builtins to build a layer")
    add("saved-model", sequential({"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp/model"}}), "a layer that loads a saved model from a path")
    add("load-model", sequential({"module": "keras.models", "class_name": "load_model", "config": {"filepath": "/tmp/x.h5", "safe_mode": False}}), "a call of the loader with its guard off")
    add("utils", sequential({"module": "keras.src.utils.file_utils", "class_name": "get_file", "config": {"origin": "http://example.test/x", "extract": True}}), "a download by the inner name")
    add("python-utils", sequential({"module": "keras.src.utils.python_utils", "class_name": "func_load", "config": {"code": "x"}}), "a loader of code by its inner name")
    add("submodule", sequential({"module": "keras.src.ops.numpy.os", "class_name": "system", "config": "true"}), "a module reached through another")
    add("functional-node", {"module": "keras", "class_name": "Functional", "config": {"layers": [{**dense, "inbound_nodes": [{"args": [{"class_name": "__lambda__", "config": code["config"]}], "kwargs": {}}]}]}}, "code among the arguments of a layer")
    add("shared", sequential({"module": "keras.layers", "class_name": "Bidirectional", "config": {"layer": dense, "backward_layer": {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}}}}), "code in the second of two layers")
    add("slots", sequential({"class_name": "Lambda", "config": {"function": code}}), "code in a layer without a module")
    corpus.found("keras", "wider-architecture.json", json.dumps(sequential({"class_name": "Lambda", "config": {"function": ["4wEAAAAA", None, None], "function_type": "lambda"}})).encode(), "an architecture as JSON with code")
    try:
        import h5py
    except ImportError:
        return
    import numpy as np

    def h5(name, why, fill, source="", **options):
        with h5py.File(corpus.path("hdf5", f"wider-{name}.h5", "found", why, source), "w", **options) as file:
            fill(file)

    hostile = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}}]}})

    def attribute(key, value, where="/"):
        def fill(file):
            file.require_group(where).attrs[key] = value
            file["w"] = [1.0, 2.0]
        return fill

    h5("fixed", "a Lambda layer in a text of fixed length", attribute("model_config", np.bytes_(hostile)))
    h5("array", "a Lambda layer in an array of one text", attribute("model_config", np.array([hostile], dtype=h5py.string_dtype())))
    h5("latest", "a Lambda layer in the newest layout", attribute("model_config", hostile), libver="latest")
    h5("large", "a Lambda layer in a large attribute, kept in a heap", attribute("model_config", np.bytes_(hostile + " " * 80_000)), libver="latest")
    h5("training", "a loss that is code", attribute("training_config", json.dumps({"loss": {"class_name": "Lambda", "config": {"function": ["4wEAAAAA", None, None], "function_type": "lambda"}}})))
    h5("inner-model", "a Lambda layer in a group", attribute("model_config", hostile, "/model_weights"))

    def many(file):
        for number in range(40):
            file.attrs[f"a{number}"] = number
        file.attrs["model_config"] = hostile
        file["w"] = [1.0]

    h5("dense", "a Lambda layer among many attributes", many, libver="latest")

    def links(file):
        group = file.create_group("g", track_order=True)
        for number in range(60):
            group[f"a{number}"] = [number]
        group["out"] = h5py.ExternalLink("/etc/x.h5", "/y")

    h5("dense-link", "a link to another file among many", links, libver="latest")
    h5("old-link", "a link to another file among many, in the old layout", links)
    h5("text-dataset", "a pickle in a dataset", lambda file: file.create_dataset("w", data=np.frombuffer(b"\x80\x04" + SYSTEM_0 + b".", dtype="u1")))
    h5("opaque", "an executable in an opaque value", lambda file: file.create_dataset("w", data=np.void(bytes(ELF))))

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["w"] = h5py.ExternalLink("/etc/x.h5", "/y")
    add("weights-link", sequential(dense), "weights that lead to another file", extra=[("model.weights.h5", weights.getvalue())])


def tensorflow(corpus):
    text = 'saved_model_schema_version: 1\nmeta_graphs {\n  graph_def {\n    node { name: "a" op: "WriteFile" }\n  }\n}\n'
    corpus.folder("tensorflow", "wider-text", {"saved_model.pbtxt": text}, "found", "a saved model as text that writes files")
    meta = field(1, field(4, "serve")) + field(2, field(1, node_def("a", "Const")))
    lambda_layer = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": {"class_name": "__tuple__", "items": ["4wEAAAAA", None, None]}, "function_type": "lambda"}}]}})
    keras = field(1, field(2, 1) + field(3, "root") + field(4, "_tf_keras_sequential") + field(5, lambda_layer))
    corpus.folder("tensorflow", "wider-keras-metadata", {"saved_model.pb": field(1, 1) + field(2, meta), "keras_metadata.pb": keras}, "found", "a Lambda layer in the metadata of Keras")
    corpus.folder("tensorflow", "wider-variables", {"saved_model.pb": field(1, 1) + field(2, meta), "variables/variables.data-00000-of-00001": bytes(ELF)}, "found", "an executable where the variables are")
    constant = field(1, node_def("a", "Const", value=bytes(ELF)))
    corpus.found("tensorflow", "wider-constant.pb", constant + field(4, field(1, 1000)), "an executable as a constant")
    corpus.found("tensorflow", "wider-gradient.pb", field(1, node_def("a", "Const")) + field(2, field(1, field(1, field(1, "f")) + field(3, node_def("b", "PyFuncStateless")))) + field(4, field(1, 1000)), "a call of Python in a function")
    corpus.found("tensorflow", "wider-iterator.pb", field(1, node_def("a", "TextLineDataset", filename="/etc/passwd")) + field(4, field(1, 1000)), "a dataset of lines of a file")


def tensors(corpus):
    body = corpus.rng("wider-tensors").randbytes(64)
    add = lambda n, d, why: corpus.found("safetensors", f"wider-{n}.safetensors", bytes(d), why)
    good = safetensors({"a": entry(0, 64)}, body)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("archive/data.pkl", SYSTEM_0 + b".")
    add("zip-behind", good + out.getvalue(), "an archive behind the tensors, which torch would load")
    add("escaped-twice", safetensors(b'{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64]},"\\u0061":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}', body), "a name that stands twice, once by an escape")
    add("float-offsets", safetensors(b'{"a":{"dtype":"F32","shape":[16],"data_offsets":[0.0,6.4e1]}}', body), "offsets that are no whole numbers")
    add("three-offsets", safetensors(b'{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64,64]}}', body), "three offsets")
    add("extra-key", safetensors(b'{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64],"data_offsets":[0,32]}}', body), "offsets that stand twice")
    add("behind-header", safetensors(b'{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64]}}\0\0cos\nsystem\n', body), "bytes behind the header's JSON")
    add("case", safetensors(b'{"a":{"dtype":"f32","shape":[16],"data_offsets":[0,64]}}', body), "a type in small letters")
    arch = (b"general.architecture", 8, struct.pack("<Q", 5) + b"llama")
    one = [(b"w", [8], 0, 0)]
    text = lambda value: struct.pack("<Q", len(value)) + value
    add2 = lambda n, d, why: corpus.found("gguf", f"wider-{n}.gguf", d, why)
    hostile = b"{{ lipsum.__globals__['os'].popen('true').read() }}"
    add2("named-template", gguf([arch, (b"tokenizer.chat_template.tool_use", 8, text(hostile))], one, b"\0" * 32), "a second chat template")
    add2("template-array", gguf([arch, (b"tokenizer.chat_template", 9, struct.pack("<IQ", 8, 1) + text(hostile))], one, b"\0" * 32), "a chat template as a list")
    payload = bytes(ELF) + b"\0" * (-len(ELF) % 32)
    add2("elf", gguf([arch], [(b"w", [len(payload)], 24, 0)], payload), "an executable as a tensor of bytes")
    add2("key-twice-template", gguf([arch, (b"tokenizer.chat_template", 8, text(b"{{ messages }}")), (b"tokenizer.chat_template", 8, text(hostile))], one, b"\0" * 32), "two chat templates of one name")


def others(corpus):
    pmml = '<?xml version="1.0" encoding="{}"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><PMML version="4.4">&e;</PMML>'
    corpus.found("xml", "wider-utf16.pmml", pmml.format("UTF-16").encode("utf-16"), "an entity, in two bytes a character")
    corpus.found("xml", "wider-utf16be.xml", pmml.format("UTF-16BE").encode("utf-16-be"), "an entity, in two bytes a character without a mark")
    corpus.found("xml", "wider-include.xml", b'<?xml version="1.0"?><net xmlns:xi="http://www.w3.org/2001/XInclude" name="m" version="11"><layers><xi:include href="file:///etc/passwd" parse="text"/></layers></net>', "a document that includes another")
    corpus.found("xml", "wider-style.pmml", b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="http://example.test/x.xsl"?><PMML version="4.4"></PMML>', "a style sheet from elsewhere")
    corpus.found("xml", "wider-dtd.pmml", b'<?xml version="1.0"?><!DOCTYPE PMML SYSTEM "http://example.test/x.dtd"><PMML version="4.4"></PMML>', "a document type from elsewhere")

    def symbol(name):
        return struct.pack(">II", 1, 0x00040009) + struct.pack(">I", len(name)) + name.encode()

    start = b"X\n" + struct.pack(">III", 3, 0x00040300, 0x00030500) + struct.pack(">I", 5) + b"UTF-8"
    corpus.found("r", "wider-closure.rds", gzip.compress(start + struct.pack(">I", 3) + struct.pack(">III", 253, 254, 254), mtime=0), "a function")
    corpus.found("r", "wider-bytecode.rds", start + struct.pack(">I", 21) + b"\0" * 40, "compiled code")
    corpus.found("r", "wider-pointer.rds", start + struct.pack(">I", 22) + struct.pack(">II", 254, 254), "a pointer")
    corpus.found("r", "wider-workspace.rda", gzip.compress(b"RDX3\n" + start + struct.pack(">I", 0x402) + symbol("x") + struct.pack(">I", 6) + symbol("system") + struct.pack(">II", 254, 254), mtime=0), "a workspace with a call")

    for label, schema in {
        "getattr": {"__class__": "getattr", "__module__": "builtins", "__loader__": "FunctionNode", "content": {"module_path": "builtins", "function": "getattr"}},
        "nested": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": [{"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [{"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode"}]}]},
        "partial": {"__class__": "partial", "__module__": "functools", "__loader__": "PartialNode", "content": {"func": {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}, "args": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": []}}},
        "wrong-loader": {"__class__": "LogisticRegression", "__module__": "sklearn.linear_model._logistic", "__loader__": "EvilNode"},
    }.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("schema.json", json.dumps({**schema, "protocol": 2, "_skops_version": "0.10", "__id__": 1}))
        corpus.found("skops", f"wider-{label}.skops", out.getvalue(), "a node that skops would call", "CVE-2025-54412")
    try:
        import msgpack

        corpus.found("flax", "wider-objects.msgpack", msgpack.packb({"nd": True, "kind": "O", "type": "O", "shape": [1], "data": b"\x80\x04" + SYSTEM_0 + b"."}), "an array of objects, as msgpack-numpy writes it")
        corpus.found("flax", "wider-class.msgpack", msgpack.packb({"params": msgpack.ExtType(1, msgpack.packb(((1,), "object", proto(SYSTEM))))}), "an array whose type is objects")
    except ImportError:
        pass
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        for member, content in {"model_config.yaml": b"model:\n  _target_: subprocess.run\n  args: [true]\n", "model_weights.ckpt": b"\x80\x02}."}.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    corpus.found("archives", "wider-model.nemo", out.getvalue(), "a NeMo archive whose configuration calls", "CVE-2025-23304")
    trees = b"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\nobjective=binary sigmoid:1\nfeature_names=a b\nfeature_infos=[0:1] [0:1]\ntree_sizes=20\n\nTree=0\nnum_leaves=1\n\nend of trees\n"
    corpus.found("boosters", "wider-then-pickle.txt", trees + b"\n" + SYSTEM_0 + b".\0", "bytes behind a model of LightGBM")
