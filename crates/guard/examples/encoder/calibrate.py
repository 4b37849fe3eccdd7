#!/usr/bin/env python3
"""Fixes the thresholds of the joint verdict on the scores of rows that neither stage had been trained on.

    calibrate.py ROWS.jsonl.gz HELD.jsonl WEIGHTS DATA TRAINED OUT

ROWS and HELD are what the example `train` writes with `--rows` and `--held`, WEIGHTS the first stage's file, DATA what
`prepare.py` wrote, TRAINED what `train.py` left. OUT receives `calibration.json`. Prints recall and false alarms of
each kind of source, at thresholds fixed without it: of the first stage alone, of the encoder alone, of both.

Thresholds are the lowest at which, over the kinds of harmless sources that other people wrote and the families of our own,
each left out of training as a whole, 1 % of the texts of a kind are called an attack on average, of no kind more than 3 %,
and of near misses no more than 5 %. A family of our own may have three times as many. Grey is twice all that.
"""

import collections
import gzip
import json
import math
import pathlib
import sys
import typing

import numpy as np

from prepare import CARRIERS, OWN_BENIGN

# What the encoder's logit counts against the first stage's margin, and how far below the first stage's grey threshold it is
# asked. Chosen among 0.5 to 4 and among 0 to 4 by recall on held-out attacks and by how many harmless texts it is asked about.
WEIGHT = {"chat": 1.0, "document": 2.0, "code": 2.0}
BELOW = {"chat": 2.0, "document": 3.0, "code": 1.0}


class Shares(typing.NamedTuple):
    """Of the texts of harmless kinds of sources: the mean of the kinds, the most of any, the most of near misses."""

    mean: float
    most: float
    near: float


ATTACK, GREY = Shares(0.01, 0.03, 0.05), Shares(0.02, 0.06, 0.1)
KINDS = ("tldr", "messages", "said", "in tldr", "in messages", "django", "manual", "written")
# Harmless texts that were each written to look like an attack: they have a share of their own and no part in the mean.
NEAR_MISSES = "written"


def kind(source):
    return next((k for k in KINDS if source.startswith(k + " ")), source)


def first_stage(rows_path, held_path, count):
    """The first stage's logit and number of windows for each prepared row that a fold left out."""
    kept, folds, prepared = collections.Counter(), collections.defaultdict(list), 0
    with gzip.open(rows_path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            is_kept = True
            if row["source"].startswith("own/") and not row["attack"]:
                kept[row["source"]] += 1
                is_kept = kept[row["source"]] % OWN_BENIGN == 0
            if row["fold"] is not None and row["fold"] >= 0:
                folds[row["fold"]].append((prepared if is_kept else None, row["source"]))
            prepared += is_kept
    assert prepared == count, "the rows are not those that were prepared"
    logit, windows = np.full(count, np.nan, np.float32), np.ones(count, np.int64)
    in_order = [place for fold in sorted(folds) for place in folds[fold]]
    with open(held_path, encoding="utf-8") as lines:
        for (row, source), line in zip(in_order, lines, strict=True):
            held = json.loads(line)
            assert held["source"] == source, "the scores are not those of the rows"
            if row is not None:
                logit[row], windows[row] = held["logit"], held["windows"]
    return logit, windows


def header(weights):
    """The calibration in the header of a weights file."""
    data = pathlib.Path(weights).read_bytes()
    start = data.index(b"{")
    return json.JSONDecoder().raw_decode(data[start : start + (1 << 20)].decode("utf-8", "ignore"))[0]["calibration"]


class Held:
    def __init__(self, attack, carrier, kinds):
        self.attack, self.carrier, self.kinds = attack, carrier, kinds

    def sources(self, attack, carrier):
        return sorted(set(self.kinds[(self.attack == attack) & (self.carrier == carrier)]))

    def threshold(self, score, carrier, shares, without=None):
        """The lowest threshold at which harmless kinds of sources but `without` reach it no more often than allowed."""
        of = lambda name: np.sort(score[~self.attack & (self.carrier == carrier) & (self.kinds == name)])
        names = [name for name in self.sources(False, carrier) if name not in (without, NEAR_MISSES)]
        kinds = [(of(name), 3 if name.startswith("own/") else 1) for name in names]
        near = of(NEAR_MISSES) if without != NEAR_MISSES else np.empty(0)
        reach = lambda scores, at: (len(scores) - np.searchsorted(scores, at)) / max(len(scores), 1)

        def holds(at):
            reached = [reach(scores, at) / times for scores, times in kinds]
            return np.mean(reached) <= shares.mean and max(reached) <= shares.most and reach(near, at) <= shares.near

        # The score that is just not reached by too many; more of them reach a lower one.
        candidates = np.unique(np.concatenate([scores for scores, _ in kinds] + [near]))
        candidates = np.nextafter(candidates.astype(np.float32), np.float32(np.inf))
        low, high = 0, len(candidates) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(candidates[middle]) else (middle + 1, high)
        return float(candidates[low])


def interval(hits, n, z=1.96):
    p = hits / n
    middle, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - reach) / (1 + z * z / n)), (middle + reach) / (1 + z * z / n)


def main(rows_path, held_path, weights, data, trained, out):
    rows = np.load(pathlib.Path(data) / "rows.npz")
    folds = np.load(pathlib.Path(trained) / "folds.npz")
    numbers = sorted(int(name[3:]) for name in folds.files if name.startswith("row"))
    row = np.concatenate([folds[f"row{n}"] for n in numbers])
    encoder = np.concatenate([folds[f"logit{n}"] for n in numbers]).astype(np.float32)
    logit, windows = (values[row] for values in first_stage(rows_path, held_path, len(rows["length"])))
    assert not np.isnan(logit).any()
    kinds = np.array([kind(source) for source in rows["sources"]])
    attack, carrier = rows["attack"][row], rows["carrier"][row]
    held = Held(attack, carrier, kinds[rows["source"][row]])

    shipped = header(weights)
    constant = lambda name: np.array([shipped[c][name] for c in CARRIERS], np.float32)[carrier]
    first = logit - constant("per_log_window") * np.log(windows)
    margin = first - constant("attack")
    weight = np.array([WEIGHT[c] for c in CARRIERS], np.float32)[carrier]
    asked = first >= constant("grey") - np.array([BELOW[c] for c in CARRIERS], np.float32)[carrier]
    # About other texts nobody asks the encoder.
    both = np.where(asked, margin + weight * encoder, -np.inf).astype(np.float32)

    print("| source | carrier | label | texts | first | encoder | both | 95 % interval | grey or worse | asked |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    means = collections.defaultdict(list)
    for is_attack in (False, True):
        for c, name in enumerate(CARRIERS):
            for source in held.sources(is_attack, c):
                chosen = (attack == is_attack) & (carrier == c) & (held.kinds == source)
                without = None if is_attack else source
                reach = lambda score, most: score[chosen] >= held.threshold(score, c, most, without)
                shares = [reach(score, ATTACK).mean() for score in (first, encoder, both)]
                hits, n = int(reach(both, ATTACK).sum()), int(chosen.sum())
                low, high = interval(hits, n)
                label = "attack" if is_attack else "benign"
                print(f"| {source} | {name} | {label} | {n} | {shares[0]:.3f} | {shares[1]:.3f} | {shares[2]:.3f} | "
                      f"{low:.3f} to {high:.3f} | {reach(both, GREY).mean():.3f} | {asked[chosen].mean():.3f} |")
                if is_attack and not source.startswith("own/") and n >= 25:
                    means[name].append(shares)
    for name, shares in means.items():
        print(f"mean recall over {len(shares)} sources of attacks, {name}: first, encoder, both", np.mean(shares, 0).round(3))
    joint = {}
    for c, name in enumerate(CARRIERS):
        lowest = shipped[name]["grey"] - shipped[name]["attack"] - BELOW[name]
        joint[name] = {"asked": round(lowest, 3), "weight": WEIGHT[name]}
        joint[name] |= {s: round(held.threshold(both, c, q), 3) for s, q in (("grey", GREY), ("attack", ATTACK))}
    print(joint)
    calibration = {"temperature": 1.0, "grey": 0.2, "attack": 0.5, "joint": joint}
    (pathlib.Path(out) / "calibration.json").write_text(json.dumps(calibration, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
