"""Numbers that are more than numbers: texts and programs in their lowest bits, values far beyond all others, values that
are none, programs in place of them; in each format that keeps raw tensors."""

import io
import struct

import numpy as np

from .tensors import ELF, entry, gguf, safetensors
from .torch import archive

TEXT = b"import os; os.system('true')  # and a second line of some length, so that there is something to see"


def hidden(values, count=1, start=0, payload=TEXT):
    """`payload` in the `count` lowest bits of each float32 from element `start` on, the highest bits first."""
    raw = values.astype("<f4").view("<u4").copy()
    bits = "".join(f"{byte:08b}" for byte in payload)
    for number, at in enumerate(range(0, len(bits), count)):
        raw[start + number] = raw[start + number] >> count << count | int(bits[at:at + count], 2)
    return raw.view("<f4")


def state(elements):
    """`data.pkl` of one float32 tensor."""
    count = b"M" + struct.pack("<H", elements)
    return (b"\x80\x02ccollections\nOrderedDict\n)R(X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu"
            + count + b"tQK\0" + count + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)Rtu.")


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    fresh = lambda: rng.normal(size=4000).astype(np.float32) * 0.02
    outlier, none = fresh(), fresh()
    outlier[rng.integers(4000)] = 3e9
    none[rng.integers(4000)] = np.nan
    start = int(rng.integers(1, 500))
    program = np.frombuffer(bytes(ELF) + b"\0" * (-len(ELF) % 4), "<f4")
    tensors = {
        "bits": (hidden(fresh()), "a text in the lowest bits"), "bits-later": (hidden(fresh(), 1, start), "a text in the lowest bits, from some element on"),
        "pairs": (hidden(fresh(), 2), "a text in the two lowest bits"), "nibbles": (hidden(fresh(), 4, start), "a text in the four lowest bits"), "bytes": (hidden(fresh(), 8), "a text in the lowest bytes"),
        "program-bits": (hidden(fresh(), 1, 0, bytes(ELF)), "a program in the lowest bits"), "outlier": (outlier, "a weight far beyond all others"), "none": (none, "a weight that is no number"), "program": (program, "a program in place of weights"),
    }
    for label, (values, why) in tensors.items():
        raw = values.tobytes()
        add = lambda suffix, data: corpus.found("weights", f"{label}.{suffix}", data, why)
        add("safetensors", safetensors({"w": entry(0, len(raw))}, raw))
        add("pt", archive(state(len(values)), {"0": raw}))
        out = io.BytesIO()
        np.save(out, values)
        # Arrays of NumPy are data as often as weights: measurements are missing, and have any size.
        if label not in ("outlier", "none"):
            add("npy", out.getvalue())
            out = io.BytesIO()
            np.savez_compressed(out, a=np.arange(3), w=values)
            add("npz", out.getvalue())
        arch = (b"general.architecture", 8, struct.pack("<Q", 5) + b"llama")
        add("gguf", gguf([arch], [(b"w", [len(values)], 0, 0)], raw + b"\0" * (-len(raw) % 32)))
        try:
            import onnx
            from onnx import TensorProto, helper, numpy_helper

            y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(values)])
            graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [y], [numpy_helper.from_array(values, "w")])
            onnx.save(helper.make_model(graph), corpus.path("weights", f"{label}.onnx", "found", why))
        except ImportError:
            pass
        try:
            import h5py

            with h5py.File(corpus.path("weights", f"{label}.h5", "found", why), "w") as file:
                file.attrs["keras_version"] = "2.15.0"
                file["w"] = values
        except ImportError:
            pass
