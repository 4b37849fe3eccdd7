"""Derivatives of models that torch exports: ours, torch's in float64, and our graphs in ONNX Runtime.

    compare.py DERIVE WORKDIR

For each model and exporter: the derivative of a random linear loss with respect to rows and weights. Per row (and per
weight tensor) the error is the norm of the difference over the norm. Float32 goes over kinks that float64 does not, so
an error above 1e-4 is held against torch's own float32. Signs are compared where the derivative is not 0 by rounding.
"""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

derive, work = sys.argv[1], Path(sys.argv[2])
warnings.filterwarnings("ignore")
failed = False


def check(passed, what):
    global failed
    failed |= not passed
    print(("PASS " if passed else "FAIL ") + what, flush=True)


class Residual(nn.Module):
    """A basic block whose batch normalisation comes first, so that no exporter can fold it away."""

    def __init__(self, channels):
        super().__init__()
        self.n1, self.n2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.c1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.c2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.c2(torch.relu(self.n2(self.c1(torch.relu(self.n1(x))))))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.width = heads, width
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        n, s, w = x.shape
        q, k, v = self.qkv(self.n1(x)).reshape(n, s, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2) / (w // self.heads) ** 0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, s, w))
        return x + self.down(nn.functional.gelu(self.up(self.n2(x))))


class Transformer(nn.Module):
    """Patches, a class token, positions, two blocks."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 32))
        self.position = nn.Parameter(torch.randn(1, 17, 32))
        self.blocks = nn.Sequential(Block(32, 4), Block(32, 4))
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


def models():
    yield "mlp", (64,), nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 10))
    yield "cnn", (3, 17, 17), nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.Conv2d(8, 12, 3, padding=2, dilation=2, groups=2), nn.LeakyReLU(0.1), nn.AvgPool2d(2, 1, 1),
        nn.ConvTranspose2d(12, 6, 3, stride=2, output_padding=1), nn.Hardswish(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 10))
    yield "resnet", (3, 16, 16), nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), Residual(16), Residual(16), nn.ReLU(), nn.MaxPool2d(2),
        Residual(16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    yield "transformer", (3, 16, 16), Transformer()


def gradients(model, x, seed):
    x = x.clone().requires_grad_()
    model.zero_grad()
    logits = model(x)
    (logits * seed).sum().backward()
    return logits.detach().numpy(), x.grad.numpy(), {k: p.grad.numpy().copy() for k, p in model.named_parameters()}


def error(have, want):
    return float(np.linalg.norm(have - want) / max(np.linalg.norm(want), 1e-30))


def signs(have, want):
    counts = np.abs(want) > 1e-5 * np.abs(want).max()
    return float((np.sign(have) != np.sign(want))[counts].mean())


def within(errors, own):
    return all(e <= max(1e-4, 2 * o) for e, o in zip(errors, own))


def floats(path, shape):
    return np.fromfile(path, np.float32).reshape(shape)


def in_onnxruntime(folder, x, seed):
    forward = onnxruntime.InferenceSession(folder / "forward.onnx")
    backward = onnxruntime.InferenceSession(folder / "backward.onnx")
    outputs = forward.run(None, {forward.get_inputs()[0].name: x})
    feeds = [seed]
    for line in (folder / "sources.txt").read_text().split("\n")[:-1]:
        kind, at = line.split()
        feeds.append(x if kind == "input" else outputs[int(at)])
    return backward.run(None, dict(zip([i.name for i in backward.get_inputs()], feeds)))[0]


def export(model, x, path, exporter):
    if exporter == "dynamo":
        batch = torch.export.Dim("N", min=2, max=4096)
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, optimize=False, verbose=False,
                          dynamic_shapes=({0: batch},), input_names=["x"], output_names=["logits"])
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=exporter, do_constant_folding=False,
                          training=torch.onnx.TrainingMode.PRESERVE, input_names=["x"], output_names=["logits"],
                          dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}})


for name, row, model in models():
    torch.manual_seed(7)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    # Exporters keep equal constants once, and what they share has the sum of the derivatives.
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    model.eval()
    x, seed = torch.randn(6, *row), torch.randn(6, 10)
    own = gradients(model, x, seed)
    true = gradients(model.double(), x.double(), seed.double())
    model.float()
    for exporter in [13, 17, "dynamo"]:
        label = f"{name} ({'torch.export' if exporter == 'dynamo' else f'opset {exporter}'})"
        folder = work / f"{name}-{exporter}"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            export(model, x, str(folder / "model.onnx"), exporter)
        except Exception as problem:
            print(f"SKIP {label}: torch does not export it: {str(problem).splitlines()[0]}")
            continue
        x.numpy().tofile(folder / "rows.f32")
        seed.numpy().tofile(folder / "seed.f32")
        command = [derive, folder / "model.onnx", ",".join(map(str, row)), "10", folder]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            check(False, f"{label}: {run.stderr.strip()}")
            continue
        dx = floats(folder / "dx.f32", x.shape)
        errors = [error(a, b) for a, b in zip(dx, true[1])]
        theirs = [error(a, b) for a, b in zip(own[1], true[1])]
        wrong = signs(dx, true[1])
        check(within(errors, theirs) and wrong <= 1e-3,
              f"{label}: input, worst row off by {max(errors):.1e} (torch float32 {max(theirs):.1e}), signs {wrong:.4f}")
        names = (folder / "weights.txt").read_text().split("\n")
        shapes = {i.name: tuple(i.dims) for i in onnx.load(folder / "model.onnx").graph.initializer}
        compared, off, kept = 0, [], []
        for at, weight in enumerate(names):
            ours = np.fromfile(folder / f"dw{at}.f32", np.float32)
            if weight not in true[2]:
                kept.append(weight)
                continue
            want = true[2][weight]
            off.append((error(ours.reshape(want.shape), want), error(own[2][weight], want)))
            compared += 1
        missing = sorted(set(true[2]) - set(names))
        passed = within(*zip(*off)) if off else False
        others = f"; {len(kept)} under other names, {len(missing)} parameters without" if kept or missing else ""
        check(passed and len(missing) <= len(kept),
              f"{label}: {compared} of {len(true[2])} weights, worst off by {max(o for o, _ in off):.1e}{others}")
        try:
            theirs = in_onnxruntime(folder, x.numpy(), seed.numpy())
            worst = max(error(a, b) for a, b in zip(theirs, true[1]))
            check(within([worst], [max(errors)]), f"{label}: the same graphs in ONNX Runtime, worst row off by {worst:.1e}")
        except Exception as problem:
            check(False, f"{label}: ONNX Runtime refuses our graphs: {problem}")
        for graph in ["forward.onnx", "backward.onnx"]:
            try:
                onnx.checker.check_model(onnx.load(folder / graph), full_check=True)
            except Exception as problem:
                check(False, f"{label}: {graph} does not pass onnx.checker: {problem}")

sys.exit(failed)
