"""MAT-files as scipy and MATLAB write them, and weights that are a head and numbers."""

import struct

import h5py
import numpy as np
import scipy.io
import scipy.sparse

HEAD = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  5 10:00:00 2026 HDF5 schema 1.00 ."


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    plain = {"numbers": rng.random((3, 4)), "whole": np.arange(5, dtype=np.int16), "text": "a text", "complex": np.array([1 + 2j]), "sparse": scipy.sparse.csc_matrix(np.eye(4)), "flags": np.array([True, False])}
    nested = {**plain, "cell": np.array([1, "x", rng.random(2)], dtype=object), "structure": {"a": 1, "b": {"c": "größe"}}, "records": np.array([(1, 2.0)], dtype=[("x", int), ("y", float)]), "cube": rng.random((2, 3, 4))}
    path = lambda name, why: corpus.path("matlab", name, "clean", why)
    scipy.io.savemat(path("nested.mat", "scipy.io.savemat"), nested)
    scipy.io.savemat(path("packed.mat", "scipy.io.savemat, packed"), nested, do_compression=True)
    scipy.io.savemat(path("old.mat", "scipy.io.savemat, level 4"), plain, format="4")
    at = path("version-7.3.mat", "HDF5 behind the head that MATLAB writes")
    with h5py.File(at, "w", userblock_size=512) as file:
        file.create_dataset("numbers", data=rng.random((3, 4))).attrs["MATLAB_class"] = np.bytes_("double")
    content = bytearray(at.read_bytes())
    content[:128] = HEAD.ljust(116) + bytes(8) + b"\0\x02IM"
    at.write_bytes(content)
    weights = rng.normal(0, 0.05, 4000).astype("<f4").tobytes()
    corpus.benign("weights", "darknet.weights", struct.pack("<3iQ", 0, 2, 5, 32013312) + weights, "weights of Darknet")
    corpus.benign("weights", "darknet-old.weights", struct.pack("<4i", 0, 1, 0, 64000) + weights, "weights of Darknet, version 1")
    numbers = 3 * 4 + (8 + 32 + 16 + 72) + 4 + 4
    corpus.benign("weights", "llama2c.bin", struct.pack("<7i", 4, 6, 1, 2, 1, 3, 2) + weights[:4 * numbers], "a model of llama2.c")
