"""NumPy and SciPy."""

import pickle

import numpy as np


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    arrays = {
        "float32": rng.normal(size=(4, 5)).astype(np.float32), "float16": np.arange(6, dtype=np.float16), "int64": np.arange(24).reshape(2, 3, 4),
        "fortran": np.asfortranarray(rng.normal(size=(3, 4))), "big-endian": np.arange(5, dtype=">f8"), "flags": np.array([True, False]),
        "complex": np.array([1 + 2j]), "text": np.array(["a", "bcd"]), "bytes": np.array([b"a", b"bcd"]), "time": np.array(["2026-01-02", "NaT"], dtype="datetime64[D]"),
        "record": np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]), "empty": np.zeros((0, 3)), "scalar": np.array(3.5),
        "long": rng.normal(size=20_000), "zeros": np.zeros(50_000), "random-bytes": rng.integers(0, 256, 60_000).astype(np.uint8),
    }
    for name, array in arrays.items():
        np.save(corpus.path("numpy", f"{name}.npy", "clean", "numpy.save"), array)
        for protocol in (0, 2, 4, 5):
            corpus.benign("numpy", f"{name}-{protocol}.pkl", pickle.dumps({"weights": array}, protocol), "pickle.dumps of an array")
    np.save(corpus.path("numpy", "objects.npy", "clean", "numpy.save of objects"), np.array([{"a": 1}, ["b"], None], dtype=object), allow_pickle=True)
    np.savez(corpus.path("numpy", "several.npz", "clean", "numpy.savez"), **arrays)
    np.savez_compressed(corpus.path("numpy", "compressed.npz", "clean", "numpy.savez_compressed"), **arrays)
    others = {
        "scalars": [np.float32(1), np.int8(2), np.bool_(True), np.float64("inf")], "dtype": [np.dtype("f4"), np.dtype([("a", "i4")])],
        "masked": np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]), "generator": np.random.default_rng(corpus.seed), "random-state": np.random.RandomState(corpus.seed),
        "philox": np.random.Generator(np.random.Philox(corpus.seed)), "polynomial": np.polynomial.Polynomial([1, 2]), "objects": np.array(["a", None, {1: 2}], dtype=object),
    }
    for name, value in others.items():
        for protocol in (2, 4, 5):
            corpus.benign("numpy", f"{name}-{protocol}.pkl", pickle.dumps(value, protocol), "pickle.dumps of NumPy values")
    import scipy.sparse

    for kind in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia"):
        matrix = scipy.sparse.random(20, 10, 0.2, format=kind, random_state=corpus.seed)
        corpus.benign("scipy", f"{kind}.pkl", pickle.dumps(matrix), "pickle.dumps of a sparse matrix")
    scipy.sparse.save_npz(corpus.path("scipy", "sparse.npz", "clean", "scipy.sparse.save_npz"), scipy.sparse.random(20, 10, 0.2, format="csr"))
