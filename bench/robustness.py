"""Robustness beside others, in one run: steps beside PyTorch, attacks beside torchattacks, foolbox and ART, exact
distances of trees beside a mixed integer program.

    python3 bench/robustness.py PEERS_PYTHON EXAMPLES [FILTER]

PEERS_PYTHON is an interpreter with torch, torchattacks, foolbox, adversarial-robustness-toolbox, multiprocess, scipy and
onnx (what runs without its dependencies can be installed with `pip install --no-deps`); EXAMPLES is the folder of
`cargo build --release -p proofhouse-onnx -p proofhouse-robustness --examples`. FILTER is `steps`, `trees`, or a part of
"MODEL NORM EPS ATTACK".

Every attack is a process of its own on one thread; processor seconds are those of the attack alone, peak memory that
of the whole process. A row counts as robust if it was right before and is right after; what a peer returns outside of
the ball is counted for it, and said. Of attacks that look for the nearest counterexample, what lies further than the
radius is no counterexample and not counted for anybody. AutoAttack's own package is not published; torchattacks
carries its four attacks. ART's ensemble of that name has others: APGD-CE, APGD-DLR, DeepFool and Square.
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
    ("cnn_at010", "linf", 0.1, "fgsm", ["torchattacks", "foolbox", "art"]),
    ("cnn_at010", "linf", 0.1, "pgd", ["torchattacks", "foolbox", "art"]),
    ("cnn_at010", "linf", 0.1, "apgd-ce-once", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "apgd-t", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "fab-t", ["torchattacks"]),
    ("cnn_at010", "linf", 0.1, "square", ["torchattacks", "art"]),
    ("cnn_at010", "linf", 0.1, "hopskipjump", ["art"]),
    ("cnn_at010", "l2", 0.5, "deepfool", ["torchattacks", "foolbox", "art"]),
    ("cnn_at010", "l2", 0.5, "carlini-wagner", ["foolbox", "art"]),
    ("cnn_at010", "linf", 0.1, "standard", ["torchattacks"]),
    ("cnn_at010", "l2", 0.5, "standard", ["torchattacks"]),
    ("mlp_at010", "linf", 0.1, "standard", ["torchattacks"]),
    ("mask_scaled", "linf", 0.03, "standard", ["torchattacks"]),
    # Minutes: last, so that whoever ends the run has the rest.
    ("cnn_at010", "linf", 0.1, "standard", ["art"]),
]


# They look for the nearest counterexample, which may lie further than the radius.
NEAREST = ["deepfool", "carlini-wagner", "hopskipjump"]


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
        "fgsm": lambda: torchattacks.FGSM(net, eps=eps),
        "deepfool": lambda: torchattacks.DeepFool(net, steps=50, overshoot=0.02),
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

    model = foolbox.PyTorchModel(net, bounds=(0, 1))
    made = {
        "fgsm": lambda: foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "pgd": lambda: foolbox.attacks.LinfPGD(rel_stepsize=0.25, steps=40),
        "deepfool": lambda: foolbox.attacks.L2DeepFoolAttack(steps=50, overshoot=0.02, candidates=10),
        "carlini-wagner": lambda: foolbox.attacks.L2CarliniWagnerAttack(
            binary_search_steps=5, steps=100, stepsize=0.01, initial_const=0.01),
    }[attack]()
    nearest = eps if attack in ("fgsm", "pgd") else None
    return lambda rows, labels: made(model, rows, labels, epsilons=nearest)[1]


def art_attack(net, norm, eps, attack):
    import numpy
    import torch
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier

    class Single(torch.nn.Module):
        """HopSkipJump asks in float64."""

        def forward(self, x):
            return x.float()

    loss, single = torch.nn.CrossEntropyLoss(), torch.nn.Sequential(Single(), net)
    model = PyTorchClassifier(single, loss, (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu")
    name = {"linf": numpy.inf, "l2": 2}[norm]
    # APGD and Square of this ensemble take other step sizes and budgets than AutoAttack's; they are its defaults.
    made = {
        "fgsm": lambda: evasion.FastGradientMethod(model, name, eps, batch_size=200),
        "pgd": lambda: evasion.ProjectedGradientDescentPyTorch(
            model, name, eps, eps / 4, max_iter=40, num_random_init=1, batch_size=200, verbose=False),
        "square": lambda: evasion.SquareAttack(model, name, 5000, eps, nb_restarts=1, batch_size=200, verbose=False),
        "hopskipjump": lambda: evasion.HopSkipJump(model, norm=name, max_iter=10, max_eval=1000, init_eval=100, verbose=False),
        "deepfool": lambda: evasion.DeepFool(model, max_iter=50, epsilon=0.02, nb_grads=10, batch_size=200, verbose=False),
        "carlini-wagner": lambda: evasion.CarliniL2Method(
            model, binary_search_steps=5, max_iter=100, learning_rate=0.01, initial_const=0.01, batch_size=200, verbose=False),
        "standard": lambda: evasion.AutoAttack(model, name, eps, eps / 4, batch_size=200),
    }[attack]()
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
    change = (found - rows).flatten(1)
    size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    far = size > eps * (1 + 1e-4)
    outside = far | (found < 0).flatten(1).any(1) | (found > 1).flatten(1).any(1)
    kept = net(found).argmax(1) == labels
    if attack in NEAREST:
        kept, outside = kept | far, outside & ~far
    print(json.dumps({"robust": int((right & kept).sum()), "cpu_s": cpu, "outside": int(outside.sum())}))


def measured(command):
    """The last line that a command says, as JSON, and its peak memory in MB."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RTEN_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    wrapped = ["/usr/bin/time", "-q", "-f", "%M", *map(str, command)]
    done = subprocess.run(wrapped, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        print(f"{' '.join(map(str, command))} failed:\n{done.stderr}", file=sys.stderr)
        return {"robust": "failed", "cpu_s": float("nan")}, 0.0
    return json.loads(done.stdout.strip().splitlines()[-1]), int(done.stderr.split()[-1]) / 1024


def milp(points):
    """The program of Kantchelian, Tygar and Joseph (2016) for the boosted trees, solved by HiGHS: distances of the first
    rows that are classified correctly, and processor seconds a point."""
    import numpy
    import onnx
    from scipy.optimize import Bounds, LinearConstraint, milp as solve
    from scipy.sparse import coo_array

    node = next(n for n in onnx.load(fixture("gbt.onnx")).graph.node if n.op_type == "TreeEnsembleClassifier")
    a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
    base = float(a["base_values"][-1]) if "base_values" in a else 0.0
    nodes = list(zip(a["nodes_treeids"], a["nodes_nodeids"], a["nodes_modes"], a["nodes_featureids"], a["nodes_values"],
                     a["nodes_truenodeids"], a["nodes_falsenodeids"]))
    weight = {(t, n): w for t, n, w in zip(a["class_treeids"], a["class_nodeids"], a["class_weights"])}
    children = {(t, n): ((t, y), (t, f)) for t, n, mode, _, _, y, f in nodes if mode != b"LEAF"}
    split = {(t, n): (feature, value) for t, n, mode, feature, value, _, _ in nodes if mode != b"LEAF"}
    leaves = [key for key in weight]
    splits = sorted(set(split.values()))
    p_of = {s: i for i, s in enumerate(splits)}
    l_of = {leaf: len(splits) + i for i, leaf in enumerate(leaves)}
    radius = len(splits) + len(leaves)

    def below(key):
        found, work = [], [key]
        while work:
            at = work.pop()
            work.extend(children.get(at, ()))
            if at in l_of:
                found.append(l_of[at])
        return found

    fixed = []  # (columns and factors, low, high)
    for tree in sorted({t for t, _ in leaves}):
        fixed.append(({l_of[leaf]: 1.0 for leaf in leaves if leaf[0] == tree}, 1.0, 1.0))
    for key, (yes, no) in children.items():
        p = p_of[split[key]]
        fixed.append(({**{i: 1.0 for i in below(yes)}, p: -1.0}, -numpy.inf, 0.0))
        fixed.append(({**{i: 1.0 for i in below(no)}, p: 1.0}, -numpy.inf, 1.0))
    for one, two in zip(splits, splits[1:]):
        if one[0] == two[0]:
            fixed.append(({p_of[one]: 1.0, p_of[two]: -1.0}, -numpy.inf, 0.0))

    def score(row):
        total = base
        for tree in {t for t, _ in leaves}:
            at = (tree, 0)
            while at in split:
                feature, value = split[at]
                at = children[at][0 if row[feature] <= value else 1]
            total += weight[at]
        return total

    records = numpy.frombuffer(fixture("tabular_test.f32").read_bytes(), numpy.uint8).reshape(-1, 121)
    distances, started = [], time.process_time()
    for record in records:
        if len(distances) == points:
            break
        row, label = record[1:].copy().view("<f4").astype(float), int(record[0])
        above = score(row) > 0
        if above != bool(label):
            continue
        rows = list(fixed)
        rows.append(({l_of[leaf]: weight[leaf] for leaf in leaves}, *((-numpy.inf, -base) if above else (-base, numpy.inf))))
        for (feature, value), p in p_of.items():
            if value < row[feature]:
                rows.append(({radius: 1.0, p: value - row[feature]}, 0.0, numpy.inf))
            else:
                rows.append(({radius: 1.0, p: value - row[feature]}, value - row[feature], numpy.inf))
        i, j, v = zip(*((i, j, v) for i, (terms, _, _) in enumerate(rows) for j, v in terms.items()))
        matrix = coo_array((v, (i, j)), shape=(len(rows), radius + 1)).tocsr()
        cost = numpy.zeros(radius + 1)
        cost[radius] = 1.0
        found = solve(cost, constraints=LinearConstraint(matrix, [r[1] for r in rows], [r[2] for r in rows]),
                      bounds=Bounds(0, 1), integrality=[1] * len(splits) + [0] * (len(leaves) + 1))
        distances.append(float(found.x[radius]))
    print(json.dumps({"distances": distances, "cpu_s": (time.process_time() - started) / max(len(distances), 1)}))


def trees(python, examples):
    print("\n" + subprocess.run([Path(examples) / "exact_distance"], capture_output=True, text=True, check=True).stdout)
    said, mb = measured([python, __file__, "--milp", "20"])
    middle = sorted(said["distances"])[len(said["distances"]) // 2]
    print(f"The mixed integer program (HiGHS) on the boosted trees, {len(said['distances'])} points: "
          f"{1e3 * said['cpu_s']:.0f} CPU ms a point, {mb:.0f} MB, median {middle:.6f}")


def main(python, examples, wanted=""):
    example = Path(examples) / "reference"
    if wanted in ("", "steps"):
        kernels = [python, Path(__file__).with_name("kernels.py"), Path(examples) / "kernels", "3", "0.4"]
        print(subprocess.run(list(map(str, kernels)), capture_output=True, text=True, check=True).stdout)
    if wanted == "trees":
        return trees(python, examples)
    if wanted == "steps":
        return None
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
    if not wanted:
        trees(python, examples)
    return None


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        tool, model, norm, eps, attack = sys.argv[2:]
        worker(tool, model, norm, float(eps), attack)
    elif sys.argv[1] == "--milp":
        milp(int(sys.argv[2]))
    else:
        main(*sys.argv[1:])
