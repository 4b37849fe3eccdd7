"""judge.py FOLDER REPORT EPS DATA: holds a report against the model itself, which never left this process."""

import json
import sys
from pathlib import Path

import joblib
import numpy as np

folder, report, eps = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), float(sys.argv[3])
model = joblib.load(folder / "model.joblib")
data = np.load(folder / sys.argv[4])
if "offset" in data:
    rows, (low, high) = data["pixels"].astype(np.float32), (0, 64)
else:
    rows, (low, high) = data["x"], (0, 1)


def seen(rows, which):
    """Rows as the model sees them."""
    if "offset" not in data:
        return rows
    return ((np.rint(rows).astype(np.int64) - data["offset"][which]) / 16).astype(np.float32)


clean = int((model.predict(seen(rows, slice(None))) == data["y"]).sum())
found = report["report"]
assert found["n"] == len(data["y"]) and report.get("partial") is None, report.get("partial")
assert found["robust_correct"] + found["evaded"] == clean, (found["robust_correct"], found["evaded"], clean)
examples = found["examples"]
assert len(examples) == found["evaded"] > 5, len(examples)
for example in examples:
    row = np.asarray(example["adversarial"], dtype=np.float32)
    at = example["index"]
    assert model.predict(seen(row[None], [at]))[0] == example["predicted"] != data["y"][at], at
    assert np.abs(row - rows[at]).max() <= eps * (1 + 1e-6) and low <= row.min() and row.max() <= high, at
    if "offset" in data:
        assert example["survives_rounding"] and np.abs(np.rint(row) - rows[at]).max() <= eps, at
print(f"{found['evaded']} of {found['attacked']} rows evaded, each of them in scikit-learn, too")
