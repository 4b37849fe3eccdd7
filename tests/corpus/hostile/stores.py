"""Stores of arrays, examples and old weights that hold what runs: a payload of `true`."""

import zlib

from stores import NUMBERS, ggml, lmdb, tfjs, zarr

PICKLE = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


def make(corpus):
    corpus.malicious("stores", "pickle.mdb", lmdb(PICKLE), "a value that is a pickle with a command")
    corpus.malicious("stores", "packed.mdb", lmdb(zlib.compress(PICKLE)), "the same, packed")
    corpus.found("stores", "script.mdb", lmdb(b"#!/bin/sh\ntrue\n"), "a value that is a script")
    corpus.found("stores", "behind.ggml.bin", ggml(PICKLE), "a pickle behind the tensors")
    objects = {"dtype": "|O", "filters": [{"id": "pickle", "protocol": 4}]}
    corpus.folder("stores", "objects.zarr", zarr(PICKLE, **objects), "malicious", "a chunk of objects, which its reader unpickles")
    packed = {**objects, "compressor": {"id": "zlib", "level": 1}}
    corpus.folder("stores", "packed-objects.zarr", zarr(zlib.compress(PICKLE), **packed), "malicious", "the same, packed")
    corpus.folder("stores", "longer.zarr", zarr(NUMBERS + b"\x01 more than the array says"), "found", "a chunk with bytes that belong to nothing")
    corpus.folder("stores", "longer-tfjs", tfjs(NUMBERS + b"\x01 more than the manifest says"), "found", "a shard with bytes that belong to nothing")
    corpus.malicious("stores", "key.pkl", b"\x80\x04coperator\nmethodcaller\n\x8c\x06system\x8c\x04true\x86R.", "a key that asks for a command")
