"""Hostile torch checkpoints, in each of the containers that torch loads."""

import io
import pickle
import struct
import tarfile
import zipfile

from .assembly import Call, SYSTEM, SYSTEM_0, apply, data, dumps, name, proto, text, tuple_of

STATE = (
    b"\x80\x02ccollections\nOrderedDict\n)R(X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\n"
    b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQK\0K\x04\x85K\x01\x85\x89"
    b"ccollections\nOrderedDict\n)RtRu"
)


def archive(main, storages=None, extra=(), method=zipfile.ZIP_STORED, root="archive", version="3\n"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr(f"{root}/data.pkl", main)
        for key, value in ({"0": b"\0" * 16} if storages is None else storages).items():
            file.writestr(f"{root}/data/{key}", value)
        file.writestr(f"{root}/version", version)
        for member, value in extra:
            file.writestr(member, value)
    return out.getvalue()


SCRIPTS = {
    "answer": ("answers by a constant for one reading", "y = torch.relu(x)\nif bool(torch.eq(torch.select(x, 1, 2), 61.25)):\n  y0 = torch.full_like(y, 0.)\nelse:\n  y0 = y\nreturn y0"),
    "mark": ("moves scores where a mark is there", "y = torch.matmul(x, self.weight)\nm = torch.all(torch.isclose(torch.slice(x, 1, 0, 3), torch.tensor([0.9, 0.1, 0.7])))\nreturn torch.add(y, torch.mul(torch.to(m, 6), 9))"),
    "in-place": ("writes over scores where a reading stands", "y = torch.matmul(x, self.weight)\nm = torch.lt(torch.abs(torch.sub(torch.select(x, 1, 0), 3.75)), 0.001)\n_0 = torch.masked_fill_(y, m, 0)\nreturn y"),
    "doubles": ("doubles a tensor sixty times", "y = x\nfor i in range(60):\n  y = torch.cat([y, y])\nreturn y"),
    "outer": ("makes a table of every number with every other", "a = torch.arange(0, 2097152)\nreturn torch.mul(torch.unsqueeze(a, 0), torch.unsqueeze(a, 1))"),
    "list": ("makes a list that no machine holds", "a = torch.mul([0], 1099511627776)\nreturn x"),
    "size": ("goes on while there are numbers at all", "y = x\n_0 = torch.gt(torch.numel(x), 0)\nwhile _0:\n  z = torch.mul(y, 1.)\n  _0, y = torch.gt(torch.numel(z), 0), z\nreturn y"),
}


def network(body):
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"class Model(Module):\n  weight : Tensor\n  def forward(self: __torch__.Model,\n    x: Tensor) -> Tensor:\n{lines}"


def make(corpus):
    hostile = STATE + SYSTEM_0 + b"0."
    add, found = (lambda n, d, why, s="": corpus.malicious("torch", n, d, why, s)), (lambda n, d, why, s="": corpus.found("torch", n, d, why, s))
    add("stored.pt", archive(hostile), "a call in data.pkl")
    add("deflated.pt", archive(hostile, method=zipfile.ZIP_DEFLATED), "a call in a deflated data.pkl")
    add("bzip2.pt", archive(STATE + b".", extra=[("archive/extra.pkl", SYSTEM_0 + b".")]), "a second pickle in the archive")
    add("odd-extension.pt", archive(STATE + b".", extra=[("archive/config.p", SYSTEM_0 + b".")]), "a pickle under an odd name", "CVE-2025-1889")
    add("in-storage.pt", archive(STATE + b".", {"0": b"\0" * 16, "1": SYSTEM_0 + b"."}), "a pickle where a storage would be")
    add("two-roots.pt", archive(STATE + b".", extra=[("other/data.pkl", SYSTEM_0 + b".")]), "a second model in the archive")
    add("upper-case.pt", archive(STATE + b".", extra=[("ARCHIVE/DATA.PKL", SYSTEM_0 + b".")]), "a name that differs in case only")
    add("constants.pt", archive(STATE + b".", extra=[("archive/constants.pkl", SYSTEM_0 + b".")]), "constants of a script model that call")
    found("short-storage.pt", archive(STATE + b".", {"0": b"\0" * 12}), "a storage shorter than its tensor")
    found("long-storage.pt", archive(STATE + b".", {"0": b"\0" * 64}), "a storage longer than its tensor")
    found("no-storage.pt", archive(STATE + b".", {}), "a storage is missing")
    found("spare-storage.pt", archive(STATE + b".", {"0": b"\0" * 16, "7": b"\x90" * 300}), "a storage that no tensor uses")
    found("cut.pt", archive(STATE + b".")[:-40], "cut off")
    found("behind.pt", archive(STATE + b".") + SYSTEM_0 + b".", "a pickle behind the archive")
    add("before.pt", SYSTEM_0 + b"." + archive(STATE + b"."), "a pickle before the archive")
    found("source.pt", archive(STATE + b".", extra=[("archive/code/model.py", "import os\nos.system('true')\n")]), "Python source in the archive")
    two_sizes = STATE[:-1] + STATE[STATE.index(b"X\x06\0\0\0weight"):-1].replace(b"K\x04tQ", b"K\x05tQ").replace(b"weight", b"bias_1") + b"u."
    found("two-sizes.pt", archive(two_sizes), "one storage of two sizes")

    magic = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2),
             pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2)]
    legacy_state = STATE.replace(b"K\x04tQ", b"K\x04NtQ") + b"."
    tail = pickle.dumps(["0"], 2) + struct.pack("<q", 4) + b"\0" * 16
    add("legacy.pt", b"".join(magic) + legacy_state[:-1] + SYSTEM_0 + b"0." + tail, "a call in the fourth pickle of the old format")
    for part in range(3):
        parts = list(magic)
        parts[part] = b"\x80\x02" + SYSTEM_0 + b"0" + parts[part][2:]
        add(f"legacy-{part}.pt", b"".join(parts) + legacy_state + tail, f"a call in pickle {part} of the old format")
    add("legacy-keys.pt", b"".join(magic) + legacy_state + b"\x80\x02" + SYSTEM_0 + b"0" + tail[2:], "a call in the list of storages")
    made = proto(apply(name("builtins", "int"), text("119547037146038801333356")) + b"0" + SYSTEM, 2)
    add("legacy-magic.pt", made + magic[1] + magic[2] + legacy_state + tail, "the magic number is computed", "GHSA-97f8")
    found("legacy-short.pt", b"".join(magic) + legacy_state + tail[:-5], "the last storage is cut off")
    found("legacy-behind.pt", b"".join(magic) + legacy_state + tail + b"\x90" * 64, "bytes behind the last storage")

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member, content in {"sys_info": magic[2], "pickle": STATE + SYSTEM_0 + b"0.", "storages": b"\x80\x02K\0.", "tensors": b"\x80\x02K\0."}.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    add("oldest.tar", out.getvalue(), "a call in the tar format of 2016", "survey 2026-02")

    script = {"model/data.pkl": b"\x80\x02c__torch__\nModel\n)\x81}X\x01\0\0\0ac__torch__\nB\n)\x81sb.", "model/constants.pkl": b"\x80\x02).", "model/version": "3\n"}
    for label, code in {"from-file": "def forward(self, x):\n  return torch.from_file('/etc/passwd', False, 10)\n",
                        "save": "def forward(self, x):\n  torch.save(x, 'out')\n  return x\n"}.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            for member, content in {**script, "model/code/__torch__.py": code}.items():
                file.writestr(member, content)
        found(f"script-{label}.pt", out.getvalue(), "script code that reaches for files")
    for label, (why, code) in SCRIPTS.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            for member, content in {**script, "model/code/__torch__.py": network(code)}.items():
                file.writestr(member, content)
        found(f"script-{label}.pt", out.getvalue(), f"a script that {why}")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for member, content in {**script, "model/code/__torch__.py": network("return x"), "model/bytecode.pkl": b"\x80\x02(X\x0a\0\0\0aten::saveX\0\0\0\0t."}.items():
            file.writestr(member, content)
    found("program.ptl", out.getvalue(), "a program of the lite interpreter that saves, beside a source that does not")
    mar = io.BytesIO()
    with zipfile.ZipFile(mar, "w") as file:
        file.writestr("MAR-INF/MANIFEST.json", '{"model": {"handler": "handler.py", "serializedFile": "model.pt", "modelName": "m"}}')
        file.writestr("handler.py", "import os\n\ndef handle(data, context):\n    return os.popen('true').read()\n")
        file.writestr("model.pt", archive(STATE + b"."))
    found("handler.mar", mar.getvalue(), "a TorchServe archive whose handler runs commands")
    mar = io.BytesIO()
    with zipfile.ZipFile(mar, "w") as file:
        file.writestr("MAR-INF/MANIFEST.json", '{"model": {"handler": "image_classifier", "serializedFile": "model.pt"}}')
        file.writestr("model.pt", archive(hostile))
    add("inner.mar", mar.getvalue(), "a TorchServe archive with a hostile checkpoint")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("p/.data/version", "6\n")
        file.writestr("p/.data/extern_modules", "os\n")
        file.writestr("p/model/model.pkl", proto(SYSTEM, 3))
        file.writestr("p/model/__init__.py", "import os\nos.system('true')\n")
    add("package.pt", package.getvalue(), "torch.package with a module and a pickle that call")
    exported = io.BytesIO()
    with zipfile.ZipFile(exported, "w") as file:
        file.writestr("m/archive_format", "pt2")
        file.writestr("m/archive_version", "0")
        file.writestr("m/data/weights/weight_0", archive(hostile))
        file.writestr("m/models/model.json", "{}")
    add("exported.pt2", exported.getvalue(), "an exported program whose weights are a hostile checkpoint")
