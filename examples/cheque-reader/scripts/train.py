#!/usr/bin/env python3
"""Train the cheque-digit classifier against an adversary and write it as ONNX.

Adversarial training after Madry et al. (2018): every batch is first moved, within an L-infinity ball of 0.10
of the grey scale, to where the model's loss is largest as far as seven steps of projected gradient descent
find it, and the model learns from that. It costs about eight times plain training.

The model in model/ was made with this recipe. Training is seeded, but floating-point sums depend on the
machine and the release of PyTorch, so another run gives other weights of the same quality, and another
digest. It is written to OUT, never over the released model.

    python scripts/train.py OUT.onnx

Needs PyTorch, onnx and pyarrow (written with torch 2.15.0).
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import nn
from torch.nn import functional as F

DATA = Path(__file__).resolve().parent.parent / "data"
EPS = 0.10
PGD_STEPS = 7
PGD_STEP = EPS / 4
EPOCHS = 60
BATCH = 64
SEED = 0


def load(name):
    """Images N x 1 x 8 x 8 in [0, 1] and their labels."""
    table = pq.read_table(DATA / name)
    pixels = np.stack([table[f"p{i:02d}"].to_numpy() for i in range(64)], axis=1)
    images = torch.from_numpy((pixels / 16).astype(np.float32)).reshape(-1, 1, 8, 8)
    return images, torch.from_numpy(table["label"].to_numpy().astype(np.int64))


def model():
    """Two convolutions and two dense layers, 13.7 thousand weights."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def pgd(net, images, labels):
    """Images within EPS of `images` and within [0, 1] on which the loss is large."""
    moved = (images + torch.empty_like(images).uniform_(-EPS, EPS)).clamp(0, 1)
    for _ in range(PGD_STEPS):
        moved.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(net(moved), labels), moved)
        with torch.no_grad():
            moved = moved + PGD_STEP * gradient.sign()
            moved = torch.min(torch.max(moved, images - EPS), images + EPS).clamp(0, 1)
    return moved.detach()


def train(net, images, labels):
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    steps = EPOCHS * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=5e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(BATCH):
            hard = pgd(net, images[rows], labels[rows])
            loss = F.cross_entropy(net(hard), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}")


def correct(net, images, labels):
    with torch.no_grad():
        return int((net(images).argmax(1) == labels).sum())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(SEED)
    net = model()
    train(net, *load("train.parquet"))
    net.eval()
    images, labels = load("test.parquet")
    print(f"test: {correct(net, images, labels)} of {len(images)} right")
    print(f"under PGD-{PGD_STEPS} at {EPS}: {correct(net, pgd(net, images, labels), labels)} right")
    torch.onnx.export(
        net,
        (torch.zeros(1, 1, 8, 8),),
        sys.argv[1],
        dynamo=False,
        opset_version=17,
        input_names=["x"],
        output_names=["logits"],
        dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}},
    )


if __name__ == "__main__":
    main()
