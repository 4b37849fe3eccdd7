"""Hostile NumPy files."""

import io
import os
import struct
import zipfile

import numpy as np

from .assembly import Call, SYSTEM_0


def npy(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def header(text, body=b"", version=1):
    raw = text.encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + body


def make(corpus):
    hostile = Call(os.system, "true")
    corpus.malicious("numpy", "object.npy", npy(np.array([hostile], dtype=object)), "a call in an object array", "CVE-2019-6446")
    corpus.malicious("numpy", "object-2d.npy", npy(np.array([[1, hostile], [None, "a"]], dtype=object)), "a call in an object array", "CVE-2019-6446")
    record = np.zeros(2, dtype=[("a", "i4"), ("b", "O")])
    record[1] = (1, hostile)
    corpus.malicious("numpy", "record.npy", npy(record), "a call in a field of a record")
    for label, save in {"npz": np.savez, "npz-compressed": np.savez_compressed}.items():
        out = io.BytesIO()
        save(out, good=np.zeros(3), bad=np.array([hostile], dtype=object))
        corpus.malicious("numpy", f"{label}.npz", out.getvalue(), "a call in one of the arrays")
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3))
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("b.npy", SYSTEM_0 + b".")
    corpus.malicious("numpy", "pickle-member.npz", out.getvalue(), "a pickle where an array would be; numpy loads those too")
    good = npy(np.arange(12.0))
    corpus.found("numpy", "behind.npy", good + SYSTEM_0 + b".", "a pickle behind the array")
    corpus.found("numpy", "short.npy", good[:-8], "fewer bytes than the shape takes")
    corpus.found("numpy", "padding.npy", good + b"\0" * 64, "bytes behind the array")
    corpus.found("numpy", "code-header.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (len('ab'),)}", b"\0" * 16), "an expression in the header")
    corpus.found("numpy", "twice.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'descr': '|O'}", SYSTEM_0 + b"."), "a key that stands twice")
    corpus.found("numpy", "huge.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999)}"), "a shape of 10^22 elements")
    corpus.found("numpy", "deep.npy", header("{'descr': " + "[('a', " * 5000 + "'<f8'" + ")]" * 5000 + ", 'fortran_order': False, 'shape': (1,)}", b"\0" * 8, 2), "a type nested 5,000 deep")
    corpus.found("numpy", "negative.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", b"\0" * 8), "a dimension below zero")
