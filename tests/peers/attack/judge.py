"""judge.py FOLDER REPORT EPS: holds a report against the model itself, which never left this process."""

import json
import sys
from pathlib import Path

import joblib
import numpy as np

folder, report, eps = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), float(sys.argv[3])
model = joblib.load(folder / "model.joblib")
data = np.load(folder / "test.npz")
clean = int((model.predict(data["x"]) == data["y"]).sum())
found = report["report"]
assert found["n"] == len(data["y"]) and report.get("partial") is None, report.get("partial")
assert found["robust_correct"] + found["evaded"] == clean, (found["robust_correct"], found["evaded"], clean)
examples = found["examples"]
assert len(examples) == found["evaded"] > 5, len(examples)
for example in examples:
    row = np.asarray(example["adversarial"], dtype=np.float32)
    original = data["x"][example["index"]]
    assert model.predict(row[None])[0] == example["predicted"] != data["y"][example["index"]], example["index"]
    assert np.abs(row - original).max() <= eps * (1 + 1e-6) and 0 <= row.min() and row.max() <= 1, example["index"]
print(f"{found['evaded']} of {found['attacked']} rows evaded, each of them in scikit-learn, too")
