#!/usr/bin/env python3
"""Train the loan model and write it as ONNX.

A dense network, 12-24-12-2. Two things are asked of it beside being right:

* it must not remember applicants: little capacity, weight decay, few epochs;
* it must not be bought: half of every batch is written anew, before the model learns from it, as applicants would who
  gain by it: in those fields that they can change, at the prices that it would cost them, to where the model would
  rather grant the loan.

The model in model/ was made with this recipe. Training is seeded, but floating-point sums depend on the machine and
the release of PyTorch, so another run gives other weights of the same quality, and another digest. It is written to
OUT, never over the released model.

    python scripts/train.py OUT.onnx
    python scripts/train.py REFERENCE.onnx 5000    # from the first applications alone, before brokers filed any

Needs PyTorch, onnx and pyarrow (written with torch 2.15).
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

from make_data import COLUMNS

DATA = Path(__file__).resolve().parent.parent / "data"
AT = {name: i for i, name in enumerate(COLUMNS)}
# What an applicant can change: EUR once, for each unit up, for each unit down.
PRICES = {
    "amount": (0, 0, 100),
    "term": (0, 2, 2),
    "employed": (800, 5, 0),
    "used": (50, 0, 10),
}
TRIES = 24
EPOCHS, BATCH, RATE, DECAY, SEED = 30, 256, 4e-3, 1e-3, 0


def load(name):
    """Applications N x 12 in [0, 1] and whether each was repaid."""
    table = pq.read_table(DATA / name)
    rows = np.stack([table[c].to_numpy() for c in COLUMNS], axis=1).astype(np.float32) / 100
    return torch.from_numpy(rows), torch.from_numpy(table["repaid"].to_numpy().astype(np.int64))


def network():
    return nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 2))


def embellished(model, rows, chance):
    """The rows as applicants would write them to be granted the loan, where that costs less than it brings."""
    worth = rows[:, AT["amount"]] * 10_000
    best = rows
    with torch.no_grad():
        most = granted(model, rows)
        for _ in range(TRIES):
            tried, cost = moved(rows, chance)
            score = granted(model, tried)
            better = (cost < worth) & (score > most)
            best = torch.where(better[:, None], tried, best)
            most = torch.where(better, score, most)
    return best


def granted(model, rows):
    return model(rows).diff(dim=1)[:, 0]


def moved(rows, chance):
    """One way of writing each application anew, and what it costs in EUR (the prices of proofhouse.yaml)."""
    draw = lambda: torch.rand(len(rows), generator=chance)
    tried, cost = rows.clone(), torch.zeros(len(rows))
    for name, (once, up, down) in PRICES.items():
        at, old = AT[name], rows[:, AT[name]]
        if name == "term":
            new = 0.12 + 0.72 * draw()
        elif up:
            new = old + (1 - old) * draw() ** 2
        else:
            new = old * draw() ** 0.5
        new = (new * 100).round() / 100
        change = (draw() < 0.5) & (new != old)
        new = torch.where(change, new, old)
        step = (new - old) * 100
        cost += change * once + step.clamp(min=0) * up + (-step).clamp(min=0) * down
        tried[:, at] = new
    purpose = F.one_hot((draw() * 3).long().clamp(max=2), 3).float()
    tried[:, AT["for_car"] :] = purpose
    cost += 10 * (purpose != rows[:, AT["for_car"] :]).any(dim=1)
    return tried, cost


def train(rows, labels):
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * ((len(rows) + BATCH - 1) // BATCH)
    chance = torch.Generator().manual_seed(SEED)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(rows)).split(BATCH):
            x, y = rows[batch], labels[batch]
            half = len(x) // 2
            x = torch.cat([embellished(model, x[:half], chance), x[half:]])
            optimiser.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def write(model, path):
    """ONNX, opset 17: input `x` N x 12, output `logits` N x 2."""
    weights, nodes, last = [], [], "x"
    layers = [m for m in model if isinstance(m, nn.Linear)]
    for i, layer in enumerate(layers):
        for name, value in (("w", layer.weight), ("b", layer.bias)):
            weights.append(numpy_helper.from_array(value.detach().numpy(), f"{name}{i}"))
        out = "logits" if i + 1 == len(layers) else f"h{i}"
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [out], transB=1))
        if out != "logits":
            nodes.append(helper.make_node("Relu", [out], [f"r{i}"]))
            last = f"r{i}"
    graph = helper.make_graph(
        nodes,
        "loan-desk",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 12])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])],
        weights,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    onnx.save(made, path)


def main():
    rows, labels = load("train.parquet")
    first = int(sys.argv[2]) if len(sys.argv) > 2 else len(rows)
    model = train(rows[:first], labels[:first])
    for name in ("train", "test", "traffic-normal", "traffic-downturn"):
        x, y = load(f"{name}.parquet")
        said = model(x).argmax(1)
        recall = [(said[y == c] == c).float().mean().item() for c in (0, 1)]
        print(f"{name}: {(said == y).float().mean():.4f} right, recall {recall[0]:.3f} {recall[1]:.3f}, {len(y)} rows")
    write(model, sys.argv[1])


if __name__ == "__main__":
    main()
