"""Hostile tar files and compressed streams."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib

from .assembly import SYSTEM_0
from .tensors import ELF

PAYLOAD = SYSTEM_0 + b"."


def tar(*members, mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as file:
        for name, data, extra in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in extra.items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def make(corpus):
    found, malicious = (lambda n, d, why, s="": corpus.found("archives", n, d, why, s)), (lambda n, d, why, s="": corpus.malicious("archives", n, d, why, s))
    malicious("pickle.tar", tar(("weights.bin", PAYLOAD, {})), "a pickle in a tar file")
    for kind in ("gz", "bz2", "xz"):
        malicious(f"pickle.tar.{kind}", tar(("a/weights.bin", PAYLOAD, {}), mode=f"w:{kind}"), "a pickle in a compressed tar file")
    found("slip.tar", tar(("../outside.txt", b"x", {})), "a member that leaves the folder")
    found("absolute.tar", tar(("/etc/cron.d/x", b"x", {})), "an absolute name")
    found("link.tar", tar(("latest", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})), "a link to a file of the host")
    found("link-then-write.tar", tar(("d", b"", {"type": tarfile.SYMTYPE, "linkname": "/tmp"}), ("d/x", b"x", {})), "a write through a link")
    found("hard-link.tar", tar(("h", b"", {"type": tarfile.LNKTYPE, "linkname": "../../x"})), "a hard link")
    found("device.tar", tar(("d", b"", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3})), "a device")
    found("pipe.tar", tar(("p", b"", {"type": tarfile.FIFOTYPE})), "a pipe")
    found("twice.tar", tar(("a", b"1", {}), ("a", b"2", {})), "two members of one name")
    good = tar(("a.txt", b"x", {}))
    found("behind.tar", good + PAYLOAD, "a pickle behind the archive")
    found("cut.tar", good[:700], "cut off")
    malicious("pickle.pkl.gz", gzip.compress(PAYLOAD, mtime=0), "a compressed pickle")
    malicious("pickle.pkl.bz2", bz2.compress(PAYLOAD), "a compressed pickle")
    malicious("pickle.pkl.xz", lzma.compress(PAYLOAD), "a compressed pickle")
    malicious("pickle.pkl.lzma", lzma.compress(PAYLOAD, format=lzma.FORMAT_ALONE), "a compressed pickle")
    malicious("pickle.pkl.z", zlib.compress(PAYLOAD), "a compressed pickle")
    malicious("twice.gz", gzip.compress(gzip.compress(PAYLOAD, mtime=0), mtime=0), "a pickle compressed twice")
    malicious("members.gz", gzip.compress(b"", mtime=0) + gzip.compress(PAYLOAD, mtime=0), "a second member in a stream")
    found("behind.gz", gzip.compress(b"a text\n", mtime=0) + PAYLOAD, "a pickle behind a stream")
    found("cut.gz", gzip.compress(PAYLOAD * 50, mtime=0)[:-12], "cut off")
    found("bomb.gz", gzip.compress(b"\0" * (200 << 20), 9, mtime=0), "200 MB of zeros in a few kilobytes")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for number in range(40):
            file.writestr(f"{number}.bin", b"\0" * (8 << 20))
    found("bomb.zip", out.getvalue(), "320 MB of zeros in a few hundred kilobytes")
    found("elf.tar", tar(("lib/helper.so", bytes(ELF), {"mode": 0o755})), "a native library in an archive")
    found("prefix.bin", b"\0" * 64 + PAYLOAD, "bytes nobody knows before a pickle")
    # An overlapping member of a 7z archive cannot be written by hand; the smallest one with a pickle can.
    try:
        import py7zr

        path = corpus.path("archives", "pickle.7z", "malicious", "a pickle in a 7z archive", "survey 2026-02")
        with py7zr.SevenZipFile(path, "w") as file:
            file.writestr(PAYLOAD, "model.pkl")
    except ImportError:
        pass
