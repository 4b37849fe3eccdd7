"""Holds what Proofhouse answers against what ONNX Runtime answered, case by case.

    judge.py FOLDER        `theirs.json` and `ours.json` of every case

Labels are equal, numbers within 1e-5 of the larger of 1 and their size, or within eight times the noise of the model
itself, if that is more. Scores of a row may leave that where the row
stands so near a bound that the last bit of a float32 sum decides (a leaf behind a computed number): at most one row in a
hundred, and then the model is told of. Prints what differs, and at the end how many agree.
"""

import json
import sys
from pathlib import Path

import numpy as np

TOLERANCE, EDGE = 1e-5, 0.01


def judged(case):
    """What is wrong with a case, how many of its rows stand at an edge, and whether none was allowed any noise."""
    theirs, ours = (json.loads((case / f"{who}.json").read_text()) for who in ("theirs", "ours"))
    if "error" in ours:
        return f"refused: {ours['error']}", 0, False
    edge, worst, strict = 0, 0.0, True
    for name, wanted in theirs.items():
        if name not in ours:
            return f"no output {name!r}", 0, False
        a = np.array(wanted["values"])
        b = np.array(ours[name]["values"])
        if a.size != b.size:
            return f"{name!r} has the shape {ours[name]['shape']} and not {wanted['shape']}", 0, False
        rows = wanted["shape"][0] if wanted["shape"] else 1
        a, b = a.reshape(rows, -1), b.reshape(rows, -1)
        far = np.abs(a - b) / np.maximum(1, np.abs(a))
        worst = max(worst, far.max(initial=0))
        strict = strict and not (far > TOLERANCE).any()
        allowed = np.maximum(TOLERANCE, 8 * wanted["noise"] / np.maximum(1, np.abs(a)))
        edge = max(edge, int((far > allowed).any(axis=1).sum()))
        if edge > EDGE * rows:
            return f"{name!r} differs in {edge} of {rows} rows, by {worst:.2g} at most", edge, False
    return (None, edge, strict)


def main():
    cases = sorted(p.parent for p in Path(sys.argv[1]).glob("*/theirs.json"))
    wrong = edges = noisy = 0
    for case in cases:
        why, edge, strict = judged(case)
        noisy += not strict and not why
        if why:
            wrong += 1
            print(f"{case.name}: {why}")
        elif edge:
            edges += 1
            print(f"{case.name}: {edge} rows at an edge", file=sys.stderr)
    print(
        f"{len(cases) - wrong} of {len(cases)} models answer as ONNX Runtime does, "
        f"{noisy} of them within the noise of their own sums, {edges} with a row at an edge")
    return wrong > 0 or len(cases) < 400


sys.exit(main())
