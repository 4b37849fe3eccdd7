"""Stores of arrays, examples and old weights, put together by hand: LMDB, Zarr, GGML before GGUF, TensorFlow.js."""

import json
import struct

PAGE = 4096


def lmdb(value):
    """A database of one key."""
    nowhere = 2**64 - 1

    def meta(number):
        page = struct.pack("<QHHHHIIQQ", number, 0, 8, 0, 0, 0xBEEFC0DE, 1, 0, PAGE * 100)
        page += struct.pack("<I", PAGE) + bytes(36) + struct.pack("<Q", nowhere) + bytes(40) + struct.pack("<QQQ", 2, 2, number)
        return page.ljust(PAGE, b"\0")

    node = struct.pack("<IHH", len(value), 0, 1) + b"k" + value
    at = (PAGE - len(node)) & ~1
    leaf = bytearray(PAGE)
    leaf[:16] = struct.pack("<QHHHH", 2, 0, 2, 18, at)
    leaf[16:18] = struct.pack("<H", at)
    leaf[at:at + len(node)] = node
    return meta(0) + meta(1) + bytes(leaf)


def ggml(behind=b""):
    """A model as llama.cpp wrote it in June 2023."""
    out = b"tjgg" + struct.pack("<8I", 3, 20, 64, 256, 1, 1, 64, 0)
    for word in range(20):
        text = f"word{word}".encode()
        out += struct.pack("<I", len(text)) + text + struct.pack("<f", -word)
    name = b"norm.weight"
    out += struct.pack("<4I", 1, len(name), 0, 64) + name
    out += bytes(-len(out) % 32)
    return out + struct.pack("<64f", *(1 + i / 100 for i in range(64))) + behind


def importance():
    name = b"blk.0.attn_q.weight"
    return struct.pack("<2I", 1, len(name)) + name + struct.pack("<2I4f", 10, 4, 1.5, 2.5, 0.5, 3.5)


def zarr(chunk, **more):
    about = {"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "<f4", "compressor": None, "filters": None, "fill_value": 0, "order": "C", **more}
    return {".zgroup": json.dumps({"zarr_format": 2}), "w/.zarray": json.dumps(about), "w/0": chunk}


def tfjs(weights):
    group = {"paths": ["group1-shard1of1.bin"], "weights": [{"name": "d/kernel", "shape": [4], "dtype": "float32"}]}
    return {"model.json": json.dumps({"format": "layers-model", "modelTopology": None, "weightsManifest": [group]}), "group1-shard1of1.bin": weights}


NUMBERS = struct.pack("<4f", 1.5, -2.25, 3.125, 0.75)
