"""What ONNX Runtime found as the engine, held against what the own engine found and against its own Python package.

    judge.py rows FIXTURES FOLDER       writes digits.npz and table.npz
    judge.py reports MODEL OWN ORT      two reports of the same attack
    judge.py hardened MODEL OWN ORT     a model that was trained in it, and two reports of that
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

verb, *paths = sys.argv[1:]
paths = [Path(path) for path in paths]

if verb == "rows":
    fixtures, folder = paths
    digits = np.frombuffer((fixtures / "digits_test.u8").read_bytes(), np.uint8).reshape(-1, 65)[:120]
    np.savez(folder / "digits.npz", x=(digits[:, 1:] / 16).astype(np.float32).reshape(-1, 1, 8, 8), y=digits[:, 0])
    table = np.frombuffer((fixtures / "tabular_test.f32").read_bytes(), np.uint8).reshape(-1, 121)[:60]
    rows = np.ascontiguousarray(table[:, 1:]).view("<f4")
    np.savez(folder / "table.npz", x=rows.clip(0, 1), y=table[:, 0])
elif verb == "reports":
    model, own, ort = paths
    own, ort = json.loads(own.read_text()), json.loads(ort.read_text())
    assert ort["engines"][0] == "ONNX Runtime" and ort["engines"][-1] == "own engine", ort["engines"]
    assert own["engines"][0] == "loaded model", own["engines"]
    mine, theirs = own["report"], ort["report"]
    # The last bits differ, and with them now and then a walk.
    assert mine["n"] == theirs["n"] and mine["attacked"] == theirs["attacked"]
    assert abs(mine["evaded"] - theirs["evaded"]) <= 2, (mine["evaded"], theirs["evaded"])
    assert theirs["unconfirmed"] == 0 and theirs["evaded"] > 3, theirs
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0]
    for example in theirs["examples"]:
        shape = [1, *(d for d in feed.shape[1:])]
        row = np.asarray(example["adversarial"], np.float32).reshape(shape)
        outputs = session.run(None, {feed.name: row})
        scores = next(o for o in outputs if getattr(o, "ndim", 0) == 2 and o.shape[1] > 1)
        assert scores[0].argmax() == example["predicted"] != example["label"], example["index"]
    print(f"{theirs['evaded']} of {theirs['attacked']} rows evaded, {mine['evaded']} with the own engine")
else:
    model, *reports = paths
    own, ort = (json.loads(report.read_text()) for report in reports)
    onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    losses = [[epoch["loss"] for epoch in report["epochs"]] for report in (own, ort)]
    assert np.allclose(*losses, rtol=1e-2), losses
    before, after = (ort[key]["robust"]["value"] for key in ("before", "after"))
    assert after > before, (before, after)
    print(f"{before:.2f} of the rows correct under attack before, {after:.2f} after ten epochs, by the losses of the own engine")
