"""Attacks on the reference digits beside torchattacks, foolbox and ART: what each leaves robust, at what cost.

    python3 bench/robustness.py PEERS_PYTHON EXAMPLES [FILTER]

PEERS_PYTHON is an interpreter with torch, torchattacks, foolbox, adversarial-robustness-toolbox and onnx (what
runs without its dependencies can be installed with `pip install --no-deps`); EXAMPLES is the folder of
`cargo build --release -p proofhouse-robustness --examples`. Every attack is a process of its own on one thread;
processor seconds are those of the attack alone, peak memory that of the whole process. A row counts as robust if
it was right before and is right after; what a peer returns outside of the ball is counted for it, and said.
AutoAttack's own package is not published; torchattacks carries its four attacks. ART's ensemble of that name has
others: APGD-CE, APGD-DLR, DeepFool and Square. The last table is ours alone: exact distances of trees.
Passes or fails nothing.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = [ROOT / "crates/robustness/tests/fixtures", ROOT / "crates/onnx/tests/fixtures"]
# Model, norm, radius, attack, tools beside ours.
ROWS = [
    ("mlp_naive", "linf", 0.06, "pgd", ["torchattacks", "foolbox", "art"]),
    ("cnn_at010", "linf", 0.1, "pgd", ["torchattacks", "foolbox", "art"]),
    ("cnn_at010", "linf", 0.1, "apgd-ce-once", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "apgd-t", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "fab-t", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "square", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "standard", ["torchattacks", "art"]),
    ("cnn_at010", "l2", 0.5, "standard", ["torchattacks"]),
    ("mlp_at010", "linf", 0.1, "standard", ["torchattacks"]),
    ("mask_scaled", "linf", 0.03, "standard", ["torchattacks"]),
]


def fixture(name):
    return next(folder / name for folder in FIXTURES if (folder / name).exists())


def digits():
    import numpy

    records = numpy.frombuffer(fixture("digits_test.u8").read_bytes(), numpy.uint8).reshape(-1, 65)
    return (records[:, 1:] / 16).astype("float32").reshape(-1, 1, 8, 8), records[:, 0].astype("int64")


def network(name):
    """The chain of an ONNX file as a torch module."""
    import onnx
    import torch
    from onnx import numpy_helper

    graph = onnx.load(fixture(f"{name}.onnx")).graph
    values = {i.name: torch.tensor(numpy_helper.to_array(i).copy()) for i in graph.initializer}

    class Scale(torch.nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            return x * self.factor

    layers = []
    for node in graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = torch.tensor(numpy_helper.to_array(node.attribute[0].t).copy())
        elif node.op_type in ("Conv", "Gemm"):
            weight, bias = values[node.input[1]], values[node.input[2]]
            if node.op_type == "Conv":
                layer = torch.nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            else:
                layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight, bias
            layers.append(layer)
        elif node.op_type == "Mul":
            layers.append(Scale(float(values[node.input[1]])))
        else:
            layers.append({"Relu": torch.nn.ReLU, "MaxPool": lambda: torch.nn.MaxPool2d(2), "Flatten": torch.nn.Flatten}[node.op_type]())
    return torch.nn.Sequential(*layers).eval()


def torchattacks_attack(net, norm, eps, attack):
    import torchattacks

    name = {"linf": "Linf", "l2": "L2"}[norm]
    once = {"norm": name, "eps": eps, "n_restarts": 1}
    made = {
        "pgd": lambda: torchattacks.PGD(net, eps=eps, alpha=eps / 4, steps=40, random_start=True),
        "apgd-ce-once": lambda: torchattacks.APGD(net, steps=100, loss="ce", **once),
        "apgd-t": lambda: torchattacks.APGDT(net, steps=100, n_classes=10, **once),
        "fab-t": lambda: torchattacks.FAB(net, steps=100, multi_targeted=True, n_classes=10, **once),
        "square": lambda: torchattacks.Square(net, n_queries=5000, loss="margin", **once),
        "standard": lambda: torchattacks.AutoAttack(net, norm=name, eps=eps, n_classes=10, seed=0),
    }
    return made[attack]()


def foolbox_attack(net, norm, eps, attack):
    import foolbox

    assert attack == "pgd"
    model = foolbox.PyTorchModel(net, bounds=(0, 1))
    pgd = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm](rel_stepsize=0.25, steps=40)
    return lambda rows, labels: pgd(model, rows, labels, epsilons=eps)[1]


def art_attack(net, norm, eps, attack):
    import numpy
    import torch
    from art.attacks.evasion import AutoAttack, ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    loss = torch.nn.CrossEntropyLoss()
    model = PyTorchClassifier(net, loss, (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu")
    name = {"linf": numpy.inf, "l2": 2}[norm]
    if attack == "pgd":
        made = ProjectedGradientDescentPyTorch(
            model, name, eps, eps / 4, max_iter=40, num_random_init=1, batch_size=200, verbose=False
        )
    else:
        made = AutoAttack(model, name, eps, eps / 4, batch_size=200)
    return lambda rows, labels: torch.tensor(made.generate(rows.numpy(), labels.numpy()))


def worker(tool, name, norm, eps, attack):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    net, (x, y) = network(name), digits()
    rows, labels = torch.tensor(x), torch.tensor(y)
    right = net(rows).argmax(1) == labels
    made = {"torchattacks": torchattacks_attack, "foolbox": foolbox_attack, "art": art_attack}[tool]
    made = made(net, norm, eps, attack)
    # torch's first passes cost more than the others, and an attack is not to pay for them.
    for _ in range(3):
        warm = rows.clone().requires_grad_(True)
        torch.autograd.grad(torch.nn.functional.cross_entropy(net(warm), labels), warm)
    started = time.process_time()
    found = made(rows, labels)
    cpu = time.process_time() - started
    robust = int((right & (net(found).argmax(1) == labels)).sum())
    change = (found - rows).flatten(1)
    size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    outside = (size > eps * (1 + 1e-4)) | (found < 0).flatten(1).any(1) | (found > 1).flatten(1).any(1)
    print(json.dumps({"robust": robust, "cpu_s": cpu, "outside": int(outside.sum())}))


def measured(command):
    """The last line that a command says, as JSON, and its peak memory in MB."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RTEN_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    wrapped = ["/usr/bin/time", "-q", "-f", "%M", *map(str, command)]
    done = subprocess.run(wrapped, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        print(f"{' '.join(map(str, command))} failed:\n{done.stderr}", file=sys.stderr)
        return {"robust": "failed", "cpu_s": float("nan")}, 0.0
    return json.loads(done.stdout.strip().splitlines()[-1]), int(done.stderr.split()[-1]) / 1024


def main(python, examples, wanted=""):
    example = Path(examples) / "reference"
    header = ["model", "norm", "eps", "attack", "tool", "robust of 200", "CPU s", "of ours", "peak MB"]
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for model, norm, eps, attack, tools in ROWS:
        if wanted not in f"{model} {norm} {eps} {attack}":
            continue
        case = [model, norm, str(eps), attack]
        ours, mb = measured([example, *case])
        lines = [("proofhouse", ours, mb)]
        for tool in tools:
            lines.append((tool, *measured([python, __file__, "--worker", tool, *case])))
        for tool, said, mb in lines:
            ratio = said["cpu_s"] / max(ours["cpu_s"], 1e-3)
            robust = f"{said['robust']} ({said['outside']} outside)" if said.get("outside") else said["robust"]
            cells = [*case, tool, robust, f"{said['cpu_s']:.3f}", f"{ratio:.1f}", f"{mb:.0f}"]
            print("| " + " | ".join(map(str, cells)) + " |")
            sys.stdout.flush()
    if not wanted or wanted in "trees":
        print(f"\n{subprocess.run([Path(examples) / 'exact_distance'], capture_output=True, text=True, check=True).stdout}")


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        tool, model, norm, eps, attack = sys.argv[2:]
        worker(tool, model, norm, float(eps), attack)
    else:
        main(*sys.argv[1:])
