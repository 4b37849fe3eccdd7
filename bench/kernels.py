#!/usr/bin/env python3
"""Times the native engine beside PyTorch: forward passes, and steps of projected gradient descent.

    bench/kernels.py EXAMPLE [ROUNDS] [SECONDS]

EXAMPLE is the example `kernels` of proofhouse-onnx, built for release:
    cargo build --release -p proofhouse-onnx --example kernels
PyTorch and NumPy must be importable. Both take turns, on one thread; figures are medians over the rounds of
processor milliseconds a call, which a busy machine stretches less than wall time. Writes a table for RESULTS.md.
"""

import statistics
import subprocess
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)


def mlp():
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)), (64,)


def cnn():
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10),
    )
    return model, (1, 28, 28)


class Block(nn.Module):
    def __init__(self, inward, outward, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inward, outward, 3, stride, 1, bias=False), nn.BatchNorm2d(outward), nn.ReLU(),
            nn.Conv2d(outward, outward, 3, 1, 1, bias=False), nn.BatchNorm2d(outward),
        )
        self.short = nn.Identity()
        if inward != outward:
            self.short = nn.Sequential(nn.Conv2d(inward, outward, 1, stride, bias=False), nn.BatchNorm2d(outward))

    def forward(self, x):
        return torch.relu(self.main(x) + self.short(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inward = 64
    for outward, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        layers += [Block(inward, outward, stride), Block(outward, outward, 1)]
        inward = outward
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    return nn.Sequential(*layers), (3, 32, 32)


def timed(call, seconds):
    call()
    call()
    calls, start, before = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds or calls < 3:
        call()
        calls += 1
    return (time.process_time() - before) * 1e6 / calls


def peer(make, batch, seconds):
    model, shape = make()
    model.eval()
    for weight in model.parameters():
        weight.requires_grad_(False)
    start = torch.rand(batch, *shape)
    target = torch.full((batch,), 3)
    now = start.clone()

    def forward():
        with torch.no_grad():
            model(start)

    def step():
        nonlocal now
        x = now.requires_grad_(True)
        loss = nn.functional.cross_entropy(model(x), target, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
        with torch.no_grad():
            moved = x + 0.01 * gradient.sign()
            now = torch.clamp(torch.min(torch.max(moved, start - 0.1), start + 0.1), 0, 1)

    return timed(forward, seconds), timed(step, seconds)


def ours(example, name, batch, seconds):
    out = subprocess.run([example, name, str(batch), str(seconds)], check=True, capture_output=True, text=True)
    return tuple(float(v) for v in out.stdout.split())


def main():
    example = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    cases = [("mlp", mlp, 1), ("mlp", mlp, 128), ("cnn", cnn, 1), ("cnn", cnn, 128), ("resnet18", resnet18, 32)]
    print("| model | batch | pass | native ms | min-max | torch ms | min-max | native / torch |")
    print("| ----- | ----- | ---- | --------- | ------- | -------- | ------- | -------------- |")
    for name, make, batch in cases:
        taken = [(ours(example, name, batch, seconds), peer(make, batch, seconds)) for _ in range(rounds)]
        for i, what in enumerate(["forward", "PGD step"]):
            a, b = [[side[i] / 1000 for side in pair] for pair in zip(*taken)]
            mid = statistics.median
            print(
                f"| {name} | {batch} | {what} | {mid(a):.3f} | {min(a):.3f}-{max(a):.3f} "
                f"| {mid(b):.3f} | {min(b):.3f}-{max(b):.3f} | {mid(a) / mid(b):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
