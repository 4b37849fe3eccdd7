"""Indexes of nearest neighbours, put together by hand: FAISS, hnswlib, Annoy; and folders in archives."""

import io
import struct
import tarfile
import zipfile


def floats(count):
    return struct.pack(f"<{count}f", *((n * 37 % 101) / 50 - 1 for n in range(count)))


def head(kind, dimensions, count):
    return kind + struct.pack("<iqqq?i", dimensions, count, 1 << 20, 1 << 20, True, 1)


def faiss(count=6, vectors=None, behind=b""):
    """A flat index."""
    vectors = floats(24) if vectors is None else vectors
    return head(b"IxF2", 4, count) + struct.pack("<Q", len(vectors) // 4) + vectors + behind


def cells(file=None, quantized=2):
    """An index over two cells, whose lists lie in it or in another file."""
    out = head(b"IwFl", 4, 6) + struct.pack("<QQ", 2, 1) + faiss(quantized, floats(4 * quantized)) + b"\0" + bytes(8)
    if file:
        name = file.encode()
        return out + b"ilod" + struct.pack("<QQQ6QQQ", 2, 16, 2, 3, 3, 0, 3, 3, 72, 0, len(name)) + name + struct.pack("<Q", 144)
    lists = b"".join(floats(12) + struct.pack("<3q", *range(3)) for _ in range(2))
    return out + b"ilar" + struct.pack("<QQ", 2, 16) + b"full" + struct.pack("<3Q", 2, 3, 3) + lists


def graph(neighbour=1, room=6):
    """An index of hnswlib: three vectors of four numbers on one level."""
    out = struct.pack("<6QiIQQQdQ", 0, room, 3, 44, 36, 20, 0, 0, 2, 4, 2, 1.4427, 100)
    for n in range(3):
        out += struct.pack("<5I", 1, neighbour if n == 0 else 0, 0, 0, 0) + floats(4) + struct.pack("<Q", n)
    return out + bytes(12)


def trees(child=20):
    """An index of Annoy: twenty vectors of seven numbers under one tree."""
    leaves = [struct.pack("<8I", 7, *range(7)), struct.pack("<8I", 7, *range(7, 14)), struct.pack("<7I", 6, *range(14, 20))]
    leaves = b"".join(leaf.ljust(36, b"\0") for leaf in leaves)
    items = b"".join(struct.pack("<II", 1, 0) + bytes(4) + floats(6) for _ in range(20))
    inner = struct.pack("<III", 14, child, 21) + floats(6)
    root = struct.pack("<III", 20, 23, 22) + floats(6)
    return items + leaves + inner + root + root


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def tarred(files, folder="./", mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            data = data.encode() if isinstance(data, str) else data
            info = tarfile.TarInfo(folder + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
