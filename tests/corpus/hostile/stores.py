"""Stores of arrays, examples and old weights that hold what runs: a payload of `true`."""

import zlib

from databases import array, database, manifest, node, tags
from neighbours import cells, faiss, graph, tarred, trees, zipped
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
    root = node({"w/.zarray": array(4), "w/0": NUMBERS})
    corpus.folder("stores", "behind.ocdbt", database(root) | {"d/root": root + PICKLE}, "found", "a pickle behind a node of a database")
    corpus.folder("stores", "broken.ocdbt", database(root[:-1] + b"\0"), "found", "a node with another checksum")
    corpus.folder("stores", "outside.ocdbt", {"manifest.ocdbt": manifest("../../secrets", 20)}, "found", "a database that takes data from outside of its folder")
    corpus.folder("stores", "longer.ocdbt", database(node({"w/.zarray": array(4), "w/0": NUMBERS + b"more"})), "found", "a chunk longer than its array")
    objects = array(1, "|O", filters=[{"id": "pickle", "protocol": 4}])
    corpus.folder("stores", "objects.ocdbt", database(node({"w/.zarray": objects, "w/0": PICKLE})), "malicious", "a chunk of objects, which its reader unpickles")
    outside = node({"w/.zarray": array(8)}, [("w/0", 0, 32)])
    corpus.folder("stores", "gap.ocdbt", database(outside, NUMBERS * 2 + PICKLE), "found", "bytes of a data file that no value has")
    letters = array(len(PICKLE), "|u1")
    corpus.folder("stores", "letters.ocdbt", database(node({"w/.zarray": letters, "w/0": PICKLE})), "malicious", "an array that is a pickle")
    corpus.found("stores", "behind.crfsuite", tags(behind=PICKLE), "a pickle behind the model")
    corpus.found("stores", "astray.crfsuite", tags(target=9), "a feature that leads to a label that is not there")
    corpus.found("stores", "behind.faiss", faiss(behind=PICKLE), "a pickle behind an index")
    corpus.found("stores", "more.faiss", faiss(2**40), "an index that claims vectors it does not have")
    corpus.found("stores", "disk.faiss", cells("/var/lib/lists.ivf"), "an index whose reader opens another file")
    corpus.found("stores", "cells.faiss", cells(quantized=3), "a quantizer that finds a cell that is not there")
    corpus.found("stores", "astray.hnswlib", graph(neighbour=1 << 20), "a neighbour that is not there")
    corpus.found("stores", "room.hnswlib", graph(room=1 << 33), "room for more vectors than any machine has")
    corpus.found("stores", "behind.hnswlib", graph() + PICKLE, "a pickle behind an index")
    corpus.found("stores", "astray.ann", trees(child=5000), "a node whose child is not there")
    corpus.found("stores", "twice.ann", trees(child=21), "a node with two parents")
    longer = database(outside, NUMBERS * 2 + PICKLE)
    corpus.found("stores", "longer.zip", zipped(longer), "a database in an archive, with a pickle that no value has")
    corpus.found("stores", "longer.tar.gz", tarred(longer), "the same in another archive")
    shard = tfjs(NUMBERS + b"\x01 more than the manifest says")
    corpus.found("stores", "longer-tfjs.nested.zip", zipped({"in/model.tar": tarred(shard, "m/", "w")}), "a shard in an archive in an archive, with bytes that belong to nothing")
