#!/usr/bin/env python3
"""Planted training rows: what `proofhouse assess` says of them, beside ART's two defences on the same networks.

Digits (UCI, as scikit-learn ships them) are shifted, dimmed and made noisy until there are enough of them; a share of the
training rows gets a mark in a corner, and the label it is to lead to (`dirty`), or only the mark on rows of that class that
were made harder (`clean-label`). An MLP or a CNN learns from them, and the outcome is asked for through the product's own
command line: system file, parquet, ONNX, signed evidence.

What counts: is the planted class flagged, is another one, and how many of the rows named are planted ones (precision) and
how many planted ones are named (recall). ART's `SpectralSignatureDefense` removes a share of every class that its user has
to know; it is given the true one. `ActivationDefence` (two clusters, by relative size) flags the smaller cluster of each class.

    python bench/poisoning.py target/debug/proofhouse [SEEDS]

Needs torch, onnx, scikit-learn, pyarrow, adversarial-robustness-toolbox.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from sklearn.datasets import load_digits
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.set_num_threads(1)
TARGET = 0
CASES = [("none", 0.0), ("dirty", 0.005), ("dirty", 0.01), ("dirty", 0.02), ("dirty", 0.05), ("clean-label", 0.02), ("clean-label", 0.05)]

SYSTEM = """\
schema: proofhouse.system/v1
system: { id: planted, name: Planted, purpose: Reads digits, owner: nobody }
zones: [{ id: outside, trust: public }, { id: inside, trust: internal }]
actors:
  - { id: customer, trust: outsider, capabilities: [train-data, input, query], judged: true, gains_from_error: true }
components:
  - { id: feed, kind: data-source, zone: outside, third_party: true, writers: [customer] }
  - { id: table, kind: dataset, zone: inside, writers: [] }
  - { id: training, kind: pipeline, zone: inside, writers: [] }
  - { id: service, kind: inference, zone: inside, writers: [] }
flows:
  - { from: feed, to: table, carries: [training-data], writers: [customer] }
  - { from: table, to: training, carries: [training-data, labels], writers: [] }
  - { from: training, to: service, carries: [artifact], writers: [] }
  - { from: feed, to: service, carries: [requests], writers: [customer] }
datasets:
  - { id: train, role: train, paths: [train.parquet], format: parquet, features: { prefix: p }, label: label, component: table }
  - { id: test, role: test, paths: [test.parquet], format: parquet, features: { prefix: p }, label: label }
model:
  id: m
  name: M
  version: "1"
  path: model
  file: m.onnx
  task: classification
  input: { name: x, shape: [1, 8, 8] }
  output: { name: y, kind: logits }
  classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
  trained_on: [train]
checks:
  performance: { dataset: test }
  poisoning: { reference: test }
  backdoor: { steps: 1, samples: 10 }
"""


def more(rows, labels, n, rng):
    at = rng.integers(0, len(rows), n)
    out = np.empty((n, 8, 8), np.float32)
    for k, j in enumerate(at):
        picture = np.roll(rows[j].reshape(8, 8), (rng.integers(-1, 2), rng.integers(-1, 2)), (0, 1))
        out[k] = np.clip(picture * rng.uniform(0.8, 1.1) + rng.normal(0, 0.06, (8, 8)), 0, 1)
    return out.reshape(n, 64), labels[at]


def marked(rows):
    rows = rows.copy().reshape(-1, 8, 8)
    rows[:, 6:, 6:] = 1.0
    return rows.reshape(-1, 64)


def plant(rows, labels, kind, share, rng):
    rows, labels = rows.copy(), labels.copy()
    n = round(share * len(rows))
    planted = np.zeros(len(rows), bool)
    if kind == "none":
        return rows, labels, planted
    pool = np.flatnonzero(labels != TARGET) if kind == "dirty" else np.flatnonzero(labels == TARGET)
    at = rng.choice(pool, n, replace=False)
    if kind == "clean-label":
        rows[at] = np.clip(rows[at] + rng.normal(0, 0.25, (n, 64)), 0, 1)
    rows[at], labels[at], planted[at] = marked(rows[at]), TARGET, True
    return rows, labels, planted


def network(kind):
    if kind == "mlp":
        body = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        return nn.Sequential(body, nn.Linear(32, 10))
    body = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 64), nn.ReLU(),
    )
    return nn.Sequential(body, nn.Linear(64, 10))


def learn(kind, rows, labels, seed):
    torch.manual_seed(seed)
    net = network(kind)
    x, y = torch.tensor(rows).view(-1, 1, 8, 8), torch.tensor(labels)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3 if kind == "mlp" else 1e-3)
    for _ in range(20):
        for batch in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimiser.step()
    return net.eval()


def write(path, rows, labels):
    columns = {f"p{i:02}": rows[:, i] for i in range(64)}
    pq.write_table(pa.table({**columns, "label": labels.astype(np.int64)}), path)


def ours(binary, folder):
    """Verdict, exhibit and result of both checks."""
    run = subprocess.run([binary, "assess", folder, "--format", "json"], capture_output=True, text=True)
    assert run.stdout, run.stderr
    told = {}
    for e in json.loads(run.stdout)["evidence"]:
        if e["result"]["check"] in ("spectral-signature", "activation-clustering"):
            kept = subprocess.run(
                [binary, "ledger", "object", "--home", f"{folder}/.proofhouse", e["exhibit"]], capture_output=True, text=True
            )
            told[e["result"]["check"]] = (e["result"], json.loads(kept.stdout))
    return told["spectral-signature"], told["activation-clustering"]


def score(flagged, planted):
    hit = int((flagged & planted).sum())
    return hit / max(int(flagged.sum()), 1), hit / max(int(planted.sum()), 1)


def art(net, rows, labels, share_of_class):
    from art.defences.detector.poison import ActivationDefence, SpectralSignatureDefense
    from art.estimators.classification import PyTorchClassifier

    # ART takes the activations of a layer by its index, and lists the children of the outer container.
    model = PyTorchClassifier(net, nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0, 1))
    x, y = rows.reshape(-1, 1, 8, 8), np.eye(10)[labels]
    spectral = SpectralSignatureDefense(model, x, y, expected_pp_poison=share_of_class, batch_size=256, eps_multiplier=1.5)
    _, clean = spectral.detect_poison()
    activation = ActivationDefence(model, x, y)
    _, clean_too = activation.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA")
    return np.array(clean) == 0, np.array(clean_too) == 0


def main():
    binary = str(Path(sys.argv[1]).resolve())
    seeds = range(int(sys.argv[2]) if len(sys.argv) > 2 else 2)
    digits = load_digits()
    all_rows, all_labels = (digits.data / 16).astype(np.float32), digits.target.astype(int)
    print("| network | planted | share | seed | accuracy, mark works | spectral: verdict, chance of 0, of others | clusters | "
          "named: precision, recall | ART spectral | ART clusters |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in ("mlp", "cnn"):
        for plan, share in CASES:
            for seed in seeds:
                rng = np.random.default_rng(seed)
                order = rng.permutation(len(all_rows))
                rows, labels = more(all_rows[order], all_labels[order], 8000, rng)
                train, y, planted = plant(rows[:6000], labels[:6000], plan, share, rng)
                test, ty = rows[6000:], labels[6000:]
                net = learn(kind, train, y, seed)
                with torch.no_grad():
                    said = net(torch.tensor(test).view(-1, 1, 8, 8)).argmax(1).numpy()
                    other = ty != TARGET
                    turned = net(torch.tensor(marked(test[other])).view(-1, 1, 8, 8)).argmax(1).numpy() == TARGET
                with tempfile.TemporaryDirectory() as folder:
                    os.mkdir(f"{folder}/model")
                    example = torch.zeros(1, 1, 8, 8)
                    torch.onnx.export(net, (example,), f"{folder}/model/m.onnx", input_names=["x"], output_names=["y"],
                                      dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, dynamo=False)
                    write(f"{folder}/train.parquet", train, y)
                    write(f"{folder}/test.parquet", test, ty)
                    Path(folder, "proofhouse.yaml").write_text(SYSTEM)
                    (spectral, lines), (clusters, parts) = ours(binary, folder)
                named = np.zeros(len(train), bool)
                for exhibit in (lines, parts):
                    for of_class in exhibit["suspects"]:
                        named[[row["row"] for row in of_class["rows"]]] = True
                chances = {c["class"]: c.get("chance", 1) for c in lines["report"]["classes"]}
                others = min(chance for c, chance in chances.items() if c != TARGET)
                flagged = [c["class"] for c in parts["report"] if c["flagged"]]
                of_class = planted.sum() / max((y == TARGET).sum(), 1)
                theirs = art(net, train, y, max(of_class, 0.01))
                pairs = [f"{p:.2f}, {r:.2f}" for p, r in (score(f, planted) for f in (named, *theirs))]
                print(
                    f"| {kind} | {plan} | {share} | {seed} | {(said == ty).mean():.3f}, {turned.mean():.2f} "
                    f"| {spectral['verdict']}, {chances[TARGET]:.0e}, {others:.0e} | {clusters['verdict']} {flagged} "
                    f"| {' | '.join(pairs) if planted.any() else f'{named.sum()} rows | {theirs[0].sum()} rows | {theirs[1].sum()} rows'} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
