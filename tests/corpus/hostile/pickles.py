"""Hostile pickles: opcodes, gadgets, computed names, nested streams, memory, and payloads inside real models."""

import base64
import codecs
import functools
import os
import pickle
import struct
import subprocess
import zlib
from pathlib import Path

from .assembly import Call, SYSTEM, SYSTEM_0, apply, call, data, dumps, host, name, proto, text, tuple_of

CATALOGUE = Path(__file__).resolve().parents[3] / "crates/scan/src/pickle/catalogue.csv"


def make(corpus):
    opcodes(corpus)
    catalogue(corpus)
    computed(corpus)
    nested(corpus)
    memory(corpus)
    injected(corpus)


def opcodes(corpus):
    add = functools.partial(corpus.malicious, "pickle-opcodes")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        add(f"system-protocol-{protocol}.pkl", dumps(Call(os.system, "true"), protocol), "os.system by REDUCE")
        add(f"eval-protocol-{protocol}.pkl", dumps({"weights": [1, 2], "x": Call(eval, "1")}, protocol), "eval by REDUCE")
    add("popen.pkl", dumps(Call(subprocess.Popen, ["true"])), "subprocess.Popen")
    add("partial.pkl", dumps(functools.partial(os.system, "true")), "functools.partial of os.system")
    add("inst.pkl", b"(S'true'\nios\nsystem\n.", "INST")
    add("obj.pkl", b"(cos\nsystem\nS'true'\no.", "OBJ")
    add("newobj.pkl", b"\x80\x02csubprocess\nPopen\n]S'true'\na\x85\x81.", "NEWOBJ")
    add("newobj-ex.pkl", b"\x80\x04csubprocess\nPopen\n]\x8c\x04truea\x85}\x92.", "NEWOBJ_EX")
    add("setstate.pkl", b"\x80\x02cargparse\nNamespace\n)\x81}U\x0c__setstate__cos\nsystem\nsbU\x04trueb.", "BUILD calls an injected __setstate__")
    add("append-on-import.pkl", b"cos\nsystem\nS'true'\na.", "APPEND on an import")
    add("python-2.pkl", b"ccommands\ngetoutput\n(S'true'\ntR.", "Python 2 name mapping", "survey 2026-02")
    add("memo.pkl", b"\x80\x04" + text("system") + b"\x94" + text("os") + b"\x9400h\x01h\x00\x93(" + text("true") + b"tR.", "names by way of the memo", "GHSA-9gvj")
    add("memoised-between.pkl", proto(text("os") + b"\x94" + text("system") + b"\x94\x93\x94" + text("true") + b"\x85R"), "MEMOIZE between names and STACK_GLOBAL", "GHSA-9gvj")
    add("escapes.pkl", b"\x80\x04V\\u006f\\u0073\nV\\u0073ystem\n\x93(" + text("true") + b"tR.", "escaped names")
    add("string-escapes.pkl", b"S'\\x6f\\163'\nS'sys\\x74em'\n\x93(S'true'\ntR.", "escaped names in STRING")
    add("dotted.pkl", proto(apply(name("os", "path.os.system"), text("true"))), "dotted name", "GHSA-5j3x")
    add("dotted-harmless.pkl", proto(name("collections", "abc.sys.modules")), "dotted name of a harmless module", "GHSA-5j3x")
    add("alias.pkl", b"cposix\nsystem\n(S'true'\ntR.", "platform's twin of os")
    add("dropped.pkl", proto(SYSTEM + b"0N"), "the result is dropped", "CVE-2026-22612")
    add("second.pkl", dumps({"weights": list(range(50))}) + SYSTEM_0 + b".", "a second pickle behind the first")
    for label, tail in {"no-stop": b"", "junk": b"\xff\xff\xff", "bad-memo": b"g99\n.", "bad-length": b"\x8e" + b"\xff" * 7 + b"\x7f",
                        "bad-int": b"Ix\n.", "bad-bytearray": b"\x96" + b"\xff" * 7 + b"\x7f", "bad-float": b"Fx\n.", "underflow": b"00000.",
                        "bad-proto": b"\x80\x09.", "negative-length": b"T\xff\xff\xff\xff", "unhashable": b"\x8f(]\x90.", "bad-utf8": b"X\x02\0\0\0\xff\xff."}.items():
        add(f"then-{label}.pkl", b"\x80\x04" + SYSTEM_0 + tail, "payload, then what a scanner trips over", "survey 2026-02")
    add("bad-frame.pkl", b"\x80\x04\x95" + struct.pack("<Q", 3) + SYSTEM_0 + b".", "a frame that ends in the middle")
    add("marks.pkl", b"(" * 2000 + SYSTEM_0 + b".", "many open marks")
    add("padded.pkl", b"\x80\x04" + b"N0" * 50_000 + SYSTEM_0 + b".", "100,000 opcodes in front")
    add("long-string.pkl", b"\x80\x04B" + struct.pack("<I", 3_000_000) + b"\0" * 3_000_000 + b"0" + SYSTEM_0 + b".", "3 MB in front")
    add("extension.pkl", b"\x80\x02ccopy_reg\nadd_extension\n(X\x02\0\0\0osX\x06\0\0\0systemK\x07tR0\x82\x07X\x04\0\0\0true\x85R.", "EXT registered by the stream", "survey 2026-02")
    corpus.found("pickle-opcodes", "extension-foreign.pkl", b"\x80\x02\x82\x01(S'true'\ntR.", "EXT registered by somebody else")
    corpus.found("pickle-opcodes", "persistent-id.pkl", b"Pos.system true\n.", "persistent id outside torch")
    corpus.found("pickle-opcodes", "buffer.pkl", b"\x80\x05\x97.", "out-of-band buffer")
    corpus.found("pickle-opcodes", "class-state.pkl", b"\x80\x02cargparse\nNamespace\n}U\x01aK\x01sb.", "BUILD on a class")
    corpus.found("pickle-opcodes", "late-hook.pkl", b"\x80\x02cargparse\nNamespace\n)\x81}U\x08__hash__c_codecs\nencode\nsb.", "BUILD of a name Python calls")
    corpus.found("pickle-opcodes", "trailing.pkl", dumps({"a": 1}) + b"\0" * 100, "bytes behind the pickle")
    for suffix in ("txt", "json", "onnx", "safetensors", "npy", "h5", "gguf", "zip", "bin", "pt", "ckpt", "model"):
        add(f"misnamed.{suffix}", SYSTEM_0 + b".", "a pickle under another name", "CVE-2025-10155")


def unescape(value):
    return codecs.decode(value, "unicode_escape").encode("latin1")


def catalogue(corpus):
    for number, line in enumerate(CATALOGUE.read_text().splitlines()):
        if line.startswith("#"):
            continue
        source, what, module, rest = line.split(",", 3)
        rng = corpus.rng("catalogue", number)
        if module == "=":
            corpus.found("pickle-catalogue", f"{number:03d}-stream.pkl", unescape(rest), what, source)
            continue
        body = rng.choice([
            lambda: apply(name(module, rest), text("true")),
            lambda: f"c{module}\n{rest}\n".encode() + tuple_of(text("true")) + b"R",
            lambda: b"(" + text("true") + f"i{module}\n{rest}\n".encode(),
            lambda: f"(c{module}\n{rest}\n".encode() + text("true") + b"o",
            lambda: name(module, rest) + text("true") + b"\x85\x81",
            lambda: name(module, rest),
        ])()
        corpus.found("pickle-catalogue", f"{number:03d}-{module}.{rest}.pkl", host(rng, body), what, source)


def computed(corpus):
    """The name `system` by a dozen roads."""
    word = "system"
    builtin = functools.partial(name, "builtins")
    getattr_of = lambda of, attribute: apply(builtin("getattr"), of, text(attribute))
    rng = corpus.rng("computed")
    cut = rng.randrange(1, 5)
    roads = {
        "join": apply(getattr_of(text(""), "join"), b"](" + text(word[:cut]) + text(word[cut:]) + b"e"),
        "str-join": apply(name("builtins", "str.join"), text(""), b"](" + b"".join(map(text, word)) + b"e"),
        "add": apply(name("operator", "add"), text(word[:cut]), text(word[cut:])),
        "dunder-add": apply(getattr_of(text(word[:cut]), "__add__"), text(word[cut:])),
        "reverse": apply(name("operator", "getitem"), text(word[::-1]), apply(builtin("slice"), b"N", b"N", b"J\xff\xff\xff\xff")),
        "slice": apply(name("operator", "getitem"), text("xx" + word + "y"), apply(builtin("slice"), b"K\x02", b"K\x08")),
        "base64": apply(getattr_of(apply(name("base64", "b64decode"), text(base64.b64encode(word.encode()).decode())), "decode")),
        "base85": apply(getattr_of(apply(name("base64", "b85decode"), text(base64.b85encode(word.encode()).decode())), "decode")),
        "base32": apply(getattr_of(apply(name("base64", "b32decode"), text(base64.b32encode(word.encode()).decode())), "decode")),
        "hex": apply(getattr_of(apply(name("binascii", "unhexlify"), text(word.encode().hex())), "decode")),
        "fromhex": apply(getattr_of(apply(name("builtins", "bytes.fromhex"), text(word.encode().hex())), "decode")),
        "zlib": apply(getattr_of(apply(name("zlib", "decompress"), data(zlib.compress(word.encode()))), "decode")),
        "rot13": apply(name("codecs", "decode"), text(codecs.encode(word, "rot13")), text("rot13")),
        "utf16": apply(getattr_of(data(word.encode("utf-16-le")), "decode"), text("utf-16-le")),
        "format": apply(getattr_of(text("{1}{0}"), "format"), text(word[cut:]), text(word[:cut])),
        "percent": apply(name("operator", "mod"), text("%s%s"), tuple_of(text(word[:cut]), text(word[cut:]))),
        "replace": apply(getattr_of(text(word[0] + "#" + word[1:]), "replace"), text("#"), text("")),
        "lower": apply(getattr_of(text(word.upper()), "lower")),
        "strip": apply(getattr_of(text("  " + word + " "), "strip")),
        "map-chr": apply(name("builtins", "str.join"), text(""), apply(builtin("map"), builtin("chr"), b"](" + b"".join(b"K" + bytes([c]) for c in word.encode()) + b"e")),
        "octets": apply(getattr_of(apply(builtin("bytes"), b"](" + b"".join(b"K" + bytes([c]) for c in word.encode()) + b"e"), "decode")),
        "reduce": apply(name("functools", "reduce"), name("operator", "add"), b"](" + b"".join(map(text, word)) + b"e"),
        "split": apply(name("operator", "getitem"), apply(getattr_of(text("a," + word), "split"), text(",")), b"K\x01"),
        "dict": apply(name("operator", "getitem"), b"}(" + text("k") + text(word) + b"u", text("k")),
    }
    for how, road in roads.items():
        corpus.malicious("pickle-computed", f"{how}.pkl", host(corpus.rng("computed", how), apply(text("os") + road + b"\x93", text("true"))), f"name by {how}")
    module = apply(name("importlib", "import_module"), text("os"))
    others = {
        "getattr-import": apply(getattr_of(apply(builtin("__import__"), text("os")), word), text("true")),
        "resolve-name": apply(apply(name("pkgutil", "resolve_name"), text("os:system")), text("true")),
        "locate": apply(apply(name("pydoc", "locate"), text("os.system")), text("true")),
        "sys-modules": apply(getattr_of(apply(name("operator", "getitem"), name("sys", "modules"), text("os")), word), text("true")),
        "methodcaller": apply(apply(name("operator", "methodcaller"), text(word), text("true")), module),
        "attrgetter": apply(apply(apply(name("operator", "attrgetter"), text(word)), module), text("true")),
        "attribute-walk": apply(apply(apply(name("operator", "attrgetter"), text("abc.sys.modules")), name("collections", "OrderedDict")), text("os")),
        "partial": apply(apply(name("functools", "partial"), name("os", "system"), text("true"))),
        "map-call": apply(builtin("list"), apply(builtin("map"), name("os", "system"), b"](" + text("true") + b"e")),
        "globals": apply(name("operator", "getitem"), getattr_of(name("collections", "OrderedDict.fromkeys"), "__globals__"), text("x")),
    }
    for how, body in others.items():
        corpus.found("pickle-computed", f"{how}.pkl", host(corpus.rng("computed", how), body), f"callable by {how}")


def nested(corpus):
    inner = SYSTEM_0 + b"."
    loaders = [("pickle", "loads"), ("_pickle", "loads"), ("dill", "loads"), ("cloudpickle", "loads"), ("joblib", "load"), ("torch", "load"),
               ("torch.storage", "_load_from_bytes"), ("numpy", "load"), ("pandas", "read_pickle"), ("shelve", "loads"), ("marshal", "loads")]
    for module, attribute in loaders:
        corpus.found("pickle-nested", f"{module}.{attribute}.pkl", host(corpus.rng(module, attribute), apply(name(module, attribute), data(inner))), "bytes loaded in turn")
    wrapped = {"base64": apply(name("base64", "b64decode"), data(base64.b64encode(inner))), "zlib": apply(name("zlib", "decompress"), data(zlib.compress(inner))),
               "latin1": apply(name("_codecs", "encode"), text(inner.decode("latin1")), text("latin1")), "bytesio": apply(name("io", "BytesIO"), data(inner))}
    for how, bytes_ in wrapped.items():
        corpus.malicious("pickle-nested", f"loads-{how}.pkl", proto(apply(name("pickle", "loads"), bytes_)), f"nested by {how}")
    deep = inner
    for _ in range(12):
        deep = proto(apply(name("pickle", "loads"), data(deep)))
    corpus.malicious("pickle-nested", "deep.pkl", deep, "twelve pickles in each other")
    corpus.malicious("pickle-nested", "yaml.pkl", call("yaml", "unsafe_load", "!!python/object/apply:os.getcwd []"), "YAML loaded by a pickle")
    corpus.malicious("pickle-nested", "exec-base64.pkl", proto(apply(name("builtins", "exec"), apply(name("base64", "b64decode"), data(base64.b64encode(b"pass"))))), "source decoded and run")


def memory(corpus):
    corpus.found("pickle-memory", "huge-memo.pkl", b"\x80\x02Nr\xff\xff\xff\xff.", "a memo index of 2^32")
    corpus.found("pickle-memory", "bytearray.pkl", b"cbuiltins\nbytearray\n(I99999999999\ntR.", "a buffer of 100 GB")
    corpus.found("pickle-memory", "range.pkl", b"cbuiltins\nlist\n(cbuiltins\nrange\n(I99999999999\ntRtR.", "a list of 10^11 numbers")
    corpus.found("pickle-memory", "length.pkl", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x3f" + b"a.", "a length beyond the file")
    power = b"\x80\x04K\x02" + apply(name("operator", "pow"), b"K\x09", b"J\xff\xff\xff\x7f")
    corpus.found("pickle-memory", "power.pkl", power + b".", "9 to the power of 2^31")
    corpus.found("pickle-memory", "string.pkl", proto(apply(name("operator", "mul"), text("a"), b"J\xff\xff\xff\x7f")), "a string of 2 GB")


def injected(corpus):
    """A call in the middle of what real libraries write: between two opcodes, at offsets the seed chooses."""
    import io
    import pickletools

    import joblib
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.ensemble import RandomForestClassifier

    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    subjects = {"logistic": LogisticRegression().fit(x, y), "forest": RandomForestClassifier(2).fit(x, y), "array": {"w": np.arange(50.0)}, "list": list(range(300))}
    for label, value in subjects.items():
        for protocol in (0, 2, 4):
            stream = pickle.dumps(value, protocol)
            starts = [at for op, _, at in pickletools.genops(stream) if op.name not in ("PROTO", "FRAME")]
            for number in range(3):
                at = corpus.rng("injected", label, protocol, number).choice(starts)
                corpus.malicious("pickle-injected", f"{label}-{protocol}-{number}.pkl", stream[:at] + SYSTEM_0 + b"0" + stream[at:], f"a call at offset {at}")
    hostile = Call(os.system, "true")
    model = LogisticRegression().fit(x, y)
    model.coef_ = hostile
    corpus.malicious("pickle-injected", "attribute.pkl", pickle.dumps(model), "a call as an attribute of a model")
    for label, compress in {"plain": 0, "zlib": 3, "gzip": ("gzip", 3), "bz2": ("bz2", 3), "xz": ("xz", 3), "lzma": ("lzma", 3)}.items():
        out = io.BytesIO()
        joblib.dump({"a": np.zeros(3000), "b": hostile, "c": np.ones(50)}, out, compress=compress)
        corpus.malicious("joblib", f"{label}.joblib", out.getvalue(), "a call beside arrays")
    out = io.BytesIO()
    joblib.dump({"a": np.arange(3000.0)}, out)
    raw = bytearray(out.getvalue())
    middle = raw.find(struct.pack("<d", 1500.0))
    short = raw[:middle] + raw[middle + 800:]
    corpus.found("joblib", "short-array.joblib", bytes(short), "an array shorter than its shape")
    corpus.malicious("joblib", "behind.joblib", bytes(raw) + SYSTEM_0 + b".", "a pickle behind the model")
    out = io.BytesIO()
    joblib.dump(np.array([hostile, 1], dtype=object), out)
    corpus.malicious("joblib", "object-array.joblib", out.getvalue(), "a call in an object array")
