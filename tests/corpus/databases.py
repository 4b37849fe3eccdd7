"""Databases of TensorStore and models of CRFsuite, put together by hand."""

import json
import struct


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def crc32c(data):
    sum = 0xFFFFFFFF
    for byte in data:
        sum ^= byte
        for _ in range(8):
            sum = sum >> 1 ^ 0x82F63B78 if sum & 1 else sum >> 1
    return struct.pack("<I", sum ^ 0xFFFFFFFF)


def frame(magic, inner):
    data = struct.pack(">I", magic) + struct.pack("<Q", len(inner) + 18) + b"\0\0" + inner
    return data + crc32c(data)


def table(path):
    return b"\1" + varint(len(path)) + b"\0" + path.encode()


def manifest(path, length, offset=0):
    config = bytes(range(16)) + b"\0" + varint(1024) + varint(100_000_000) + b"\4\0"
    version = b"\1\1\0\0" + varint(offset) + varint(length) + b"\0\0\0" + bytes(8)
    return frame(0x0CDB3A2A, config + table(path) + version + b"\0")


def node(inline, outside=(), path="d/data"):
    """A leaf: values in it by their keys, and (key, offset, length) of those in a data file."""
    entries = sorted([(key.encode(), 0, value) for key, value in inline.items()] + [(key.encode(), 1, place) for key, *place in outside])
    out = b"\0" + (table(path) if outside else b"\0") + varint(len(entries)) + bytes(len(entries) - 1)
    out += b"".join(varint(len(key)) for key, _, _ in entries) + b"".join(key for key, _, _ in entries)
    out += b"".join(varint(value[1] if kind else len(value)) for _, kind, value in entries)
    out += bytes(kind for _, kind, _ in entries) + bytes(len(outside))
    out += b"".join(varint(value[0]) for _, kind, value in entries if kind)
    return frame(0x0CDB20DE, out + b"".join(value for _, kind, value in entries if not kind))


def array(count, kind="<f4", **more):
    about = {"chunks": [count], "compressor": None, "dimension_separator": ".", "dtype": kind, "fill_value": None, "filters": None, "order": "C", "shape": [count], "zarr_format": 2, **more}
    return json.dumps(about).encode()


def database(root, data=None):
    files = {"manifest.ocdbt": manifest("d/root", len(root)), "d/root": root}
    return files | ({"d/data": data} if data else {})


def tags(words=("w=a", "w=b"), target=1, behind=b""):
    """A model of CRFsuite of two labels."""

    def names(all):
        records, places, tables = b"", [], []
        for number, word in enumerate(all):
            places.append(24 + 2048 + len(records))
            records += struct.pack("<II", number, len(word) + 1) + word.encode() + b"\0"
        at = 24 + 2048 + len(records)
        # Writers give a table two buckets for each name; which of the 256 it is, only a look-up would ask.
        buckets = b"".join(struct.pack("<4I", number, place, 0, 0) for number, place in enumerate(places))
        tables = [(at + 16 * number, 2) for number in range(len(all))] + [(0, 0)] * (256 - len(all))
        back = at + len(buckets)
        head = b"CQDB" + struct.pack("<5I", back + 4 * len(all), 0, 0x62445371, len(all), back)
        return head + b"".join(struct.pack("<2I", *pair) for pair in tables) + records + buckets + struct.pack(f"<{len(all)}I", *places)

    def lists(kind, at, all):
        out, places = b"", []
        for each in all:
            places.append(at + 12 + 4 * len(all) + len(out))
            out += struct.pack(f"<{1 + len(each)}I", len(each), *each)
        return kind + struct.pack("<2I", 12 + 4 * len(all) + len(out), len(all)) + struct.pack(f"<{len(all)}I", *places) + out

    features = b"FEAT" + struct.pack("<2I", 12 + 60, 3) + struct.pack("<3Id3Id3Id", 0, 0, 0, 0.5, 0, 1, target, 0.25, 1, 0, 1, -0.75)
    out, places = bytes(48), []
    for part in (features, names(("A", "B")), names(words)):
        out += bytes(-len(out) % 4)
        places.append(len(out))
        out += part
    for kind, all in ((b"LFRF", ([2], [], [], [])), (b"AFRF", ([0], [1]))):
        out += bytes(-len(out) % 4)
        places.append(len(out))
        out += lists(kind, len(out), all)
    out += behind
    return b"lCRF" + struct.pack("<I", len(out)) + b"FOMC" + struct.pack("<9I", 100, 0, 2, len(words), *places) + out[48:]
