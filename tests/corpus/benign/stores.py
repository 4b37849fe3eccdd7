"""Stores of arrays, examples and old weights that hold nothing else."""

import operator
import pickle
import struct
import zlib

from databases import array, database, node, tags
from neighbours import cells, faiss, graph, tarred, trees, zipped
from stores import NUMBERS, ggml, importance, lmdb, tfjs, zarr


def make(corpus):
    corpus.benign("stores", "numbers.mdb", lmdb(NUMBERS), "a database of numbers")
    corpus.benign("stores", "list.mdb", lmdb(pickle.dumps([1, "a", (2.5, None)])), "a database of plain pickles")
    corpus.benign("stores", "model.ggml.bin", ggml(), "a model of llama.cpp before GGUF")
    corpus.benign("stores", "imatrix.dat", importance(), "importances of llama.cpp")
    corpus.folder("stores", "plain.zarr", zarr(NUMBERS), "clean", "an array that is not packed")
    corpus.folder("stores", "packed.zarr", zarr(zlib.compress(NUMBERS), compressor={"id": "zlib", "level": 1}), "clean", "an array that is packed")
    corpus.folder("stores", "tfjs", tfjs(NUMBERS), "clean", "a model of TensorFlow.js and its shard")
    corpus.benign("stores", "key.pkl", pickle.dumps({"key": operator.attrgetter("score"), "order": operator.itemgetter(0)}), "sort keys")
    root = node({"w/.zarray": array(4), "w/0": NUMBERS})
    corpus.folder("stores", "checkpoint.ocdbt", database(root), "clean", "a database of TensorStore whose values lie in a node")
    outside = node({"w/.zarray": array(8)}, [("w/0", 0, 32)])
    corpus.folder("stores", "values.ocdbt", database(outside, NUMBERS * 2), "clean", "the same with a data file")
    corpus.benign("stores", "tags.crfsuite", tags(), "a model of CRFsuite")
    for name, index in (("flat.faiss", faiss()), ("cells.faiss", cells()), ("graph.hnswlib", graph()), ("trees.ann", trees())):
        corpus.benign("stores", name, index, "an index of nearest neighbours")
    corpus.benign("stores", "database.zip", zipped(database(outside, NUMBERS * 2)), "a database in an archive")
    corpus.benign("stores", "database.tar.gz", tarred(database(outside, NUMBERS * 2)), "the same in another archive")
    corpus.benign("stores", "database.nested.zip", zipped({"in/model.tar": tarred(database(root), "m/", "w")}), "the same in an archive in an archive")
    corpus.benign("stores", "tfjs.zip", zipped(tfjs(NUMBERS)), "a model of TensorFlow.js in an archive")
