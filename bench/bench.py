"""bench.py TARGET [AREA…]: runs the areas and prints tables; see bench/run."""

import contextlib
import json
import os
import pickle
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


# -- measuring ---------------------------------------------------------------------------------------------


def measure(command, **environment):
    """Runs a command to its end: processor seconds, wall seconds, peak memory in MB, standard output.

    Peak memory comes from time(1), because what wait4(2) says of a child starts from the size of its parent.
    """
    with tempfile.NamedTemporaryFile() as peak, tempfile.TemporaryFile() as out:
        wrapped = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name, *map(str, command)]
        started = time.monotonic()
        child = subprocess.Popen(
            wrapped, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        out.seek(0)
        said = peak.read().split()
        return {
            "cpu": usage.ru_utime + usage.ru_stime,
            "wall": wall,
            "mb": int(said[-1]) / 1024 if said else float("nan"),
            "out": out.read().decode(errors="replace"),
            "code": child.returncode,
        }


def alternate(candidates, run):
    """Runs every candidate once a round and returns the rounds of each; one round before that warms up."""
    for candidate in candidates.values():
        run(candidate)
    rounds = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, candidate in candidates.items():
            rounds[name].append(run(candidate))
    return rounds


def median(rounds, key):
    return statistics.median(r[key] for r in rounds)


def spread(rounds, key):
    values = [r[key] for r in rounds]
    return f"{min(values):.2f}-{max(values):.2f}"


def table(title, header, rows):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    print(f"\n{title}\n")
    for row in [header, ["-" * w for w in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(w) for cell, w in zip(row, widths)) + " |")
    sys.stdout.flush()


def commands(title, candidates, floor):
    """A table of commands beside each other; `floor` is what ratios are to."""
    rounds = alternate(candidates, measure)
    base = median(rounds[floor], "cpu")
    table(
        title,
        ["what", "CPU s", "of " + floor, "CPU s min-max", "wall s", "peak MB", "exit"],
        [
            [
                name, f"{median(r, 'cpu'):.2f}", f"{median(r, 'cpu') / base:.2f}", spread(r, "cpu"),
                f"{median(r, 'wall'):.2f}", f"{median(r, 'mb'):.0f}", r[-1]["code"],
            ]
            for name, r in rounds.items()
        ],
    )


# -- hashing -----------------------------------------------------------------------------------------------


def hashing(target, work):
    ours = target / "release/examples/hash"
    one, many = work / "one", work / "many"
    one.mkdir()
    many.mkdir()
    noise = random.Random(7)
    block = noise.randbytes(1 << 20)
    with open(one / "weights.bin", "wb") as file:
        for _ in range(1024):
            file.write(block)
    for n in range(5000):
        at = noise.randrange(len(block) - 100_000)
        (many / f"{n:04d}.bin").write_bytes(block[at : at + 100_000])
    for title, folder in (("Hashing: one file of 1 GiB", one), ("Hashing: 5,000 files of 100 kB", many)):
        files = sorted(folder.iterdir())
        candidates = {"cat": ["cat", *files], "proofhouse": [ours, folder]}
        floor = "cat"
        if shutil.which("openssl"):
            floor = "openssl"
            candidates = {"openssl": ["openssl", "dgst", "-sha256", *files], **candidates}
        commands(title, candidates, floor)
        for file in files:
            file.unlink()


# -- the gates ---------------------------------------------------------------------------------------------


def opa_binary(target):
    built = sorted((target / "peers-go").glob("opa-*/opa"))
    return str(built[-1]) if built else shutil.which("opa")


def gates(target, work):
    ours, opa = target / "release/examples/gate_bench", opa_binary(target)
    rows = []
    for gate in ("release", "request"):
        document = work / f"{gate}.json"
        rule = f"data.proofhouse.{gate}.decision"
        mine, theirs = [], []
        for _ in range(ROUNDS):
            run = measure([ours, gate, "3", document])
            mine.append({**json.loads(run["out"]), "mb": run["mb"]})
            if opa:
                # One processor, so that its wall time is processor time with the garbage collector's share in it.
                bundle = ["--bundle", ROOT / "crates/policy/bundle"]
                run = measure([opa, "bench", *bundle, "--input", document, "--format", "json", rule], GOMAXPROCS="1")
                said = json.loads(run["out"])
                theirs.append({"us": said["T"] / said["N"] / 1e3, "mb": run["mb"]})
        size = f"{mine[0]['input_bytes']} B"
        us = median(mine, "cpu_us_per_decision")
        rows.append([
            gate, size, "proofhouse", f"{us:.0f}", spread(mine, "cpu_us_per_decision"), f"{1e6 / us:.0f}",
            f"{median(mine, 'p99_us'):.0f}", f"{median(mine, 'compile_ms'):.0f}", f"{median(mine, 'mb'):.0f}",
        ])
        if theirs:
            us = median(theirs, "us")
            rows.append([
                gate, size, "opa bench", f"{us:.0f}", spread(theirs, "us"), f"{1e6 / us:.0f}", "", "", f"{median(theirs, 'mb'):.0f}",
            ])
    header = ["gate", "input", "engine", "CPU us/decision", "min-max", "decisions/s", "p99 us (wall)", "compile ms", "peak MB"]
    table("Gates: the shipped bundle, one thread", header, rows)
    if not opa:
        print("(the Open Policy Agent is not at hand: tests/peers/policy/run builds it)")


# -- the gateway -------------------------------------------------------------------------------------------


def process_cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def process_peak_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


@contextlib.contextmanager
def running(command):
    """A process that announces itself by one line; ended when the block is."""
    child = subprocess.Popen(
        list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    guard = threading.Timer(30, child.kill)
    guard.start()
    try:
        line = child.stdout.readline().strip()
        guard.cancel()
        if not line:
            raise RuntimeError(f"{command[0]} did not start")
        yield child, line
    finally:
        guard.cancel()
        child.stdin.close()
        child.send_signal(signal.SIGINT)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def gateway(target, work):
    binary, examples = target / "release/proofhouse", target / "release/examples"
    model = work / "model"
    shutil.copytree(ROOT / "examples/cheque-reader/model", model)
    subprocess.run([binary, "keygen", "--home", work / "home"], check=True, capture_output=True, timeout=60)
    signed = subprocess.run(
        [binary, "sign", model, "--key", work / "home/keys/signer.key", "--output", work / "model.sig"],
        check=True, capture_output=True, text=True, timeout=60,
    )
    digest = signed.stdout.split()[0]
    body = work / "body.json"
    values = [round(n % 17 / 16, 4) for n in range(64)]
    body.write_text(json.dumps({"inputs": [{"name": "x", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": values}]}))
    key = work / "bench.key"
    path = "/v2/models/m/infer"
    serve = [
        binary, "serve", "--model", model, "--signature", work / "model.sig", "--key", work / "home/keys/signer.pub",
        "--digest", digest, "--name", "m",
    ]
    seconds = 5
    rows = []
    with running(serve) as (server, announced):
        instance = json.loads(announced)["addr"]
        with running([examples / "stand_before", instance, "m", digest, key]) as (front, address):
            for rate in (100, 400):
                candidates = {"direct": [instance], "through the gateway": [address, key]}

                def shoot(where, rate=rate):
                    before = process_cpu(server.pid), process_cpu(front.pid)
                    load = [examples / "open_loop", where[0], path, rate, seconds, body, *where[1:]]
                    run = measure(load)
                    if run["code"]:
                        raise RuntimeError("the load generator failed")
                    after = process_cpu(server.pid), process_cpu(front.pid)
                    said = json.loads(run["out"])
                    per_thousand = 1000 / said["sent"]
                    said["server"] = (after[0] - before[0]) * per_thousand
                    said["gateway"] = (after[1] - before[1]) * per_thousand
                    return said

                for name, r in alternate(candidates, shoot).items():
                    rows.append([
                        rate, name, f"{median(r, 'p50_ms'):.2f}", f"{median(r, 'p99_ms'):.2f}", spread(r, "p99_ms"),
                        f"{median(r, 'max_ms'):.1f}", f"{median(r, 'server'):.2f}", f"{median(r, 'gateway'):.2f}",
                        sum(x["failed"] for x in r),
                    ])
            peaks = f"peak memory: server {process_peak_mb(server.pid):.0f} MB, gateway {process_peak_mb(front.pid):.0f} MB"
    header = [
        "requests/s", "way", "p50 ms", "p99 ms", "p99 min-max", "worst ms", "server CPU s per 1,000", "gateway CPU s per 1,000",
        "failed",
    ]
    table(f"Gateway: open loop over loopback, {seconds} s a round, one row of 64 values", header, rows)
    print(f"\n{peaks}")


# -- conversations -----------------------------------------------------------------------------------------

ORDINARY = (
    "We want to move the summer party to the second week of July, because the hall is taken before. Could you write to "
    "the caterer and ask whether the menu of last year is still possible for sixty people, ten of whom eat no meat? "
)


def chat(target, work):
    talk = target / "release/examples/talk_before"
    seconds, rate = 5, int(os.environ.get("BENCH_RATE", "100"))
    rows = []
    with (
        running([talk, "answer"]) as (model, direct),
        running([talk, "open", direct, work / "open.key"]) as (unguarded, open_address),
        running([talk, "guarded", direct, work / "guarded.key"]) as (guarded, guarded_address),
    ):
        candidates = {
            "direct": (None, direct, []),
            "gateway without a guard": (unguarded, open_address, [work / "open.key"]),
            "gateway with its guard": (guarded, guarded_address, [work / "guarded.key"]),
        }
        for size in (1024, 8192):
            body = work / f"{size}.json"
            text = (ORDINARY * (size // len(ORDINARY) + 1))[: size - 120]
            messages = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": text}]
            body.write_text(json.dumps({"model": "m", "messages": messages}))

            def shoot(where, body=body):
                front, address, key = where
                before = process_cpu(front.pid) if front else 0
                run = measure([target / "release/examples/open_loop", address, "/v1/chat/completions", rate, seconds, body, *key])
                if run["code"]:
                    raise RuntimeError("the load generator failed")
                said = json.loads(run["out"])
                said["cpu"] = ((process_cpu(front.pid) if front else 0) - before) * 1000 / said["sent"]
                return said

            for name, r in alternate(candidates, shoot).items():
                rows.append([
                    body.stat().st_size, name, f"{median(r, 'p50_ms'):.2f}", f"{median(r, 'p99_ms'):.2f}",
                    spread(r, "p99_ms"), f"{median(r, 'cpu'):.2f}", sum(x["failed"] for x in r),
                ])
        peaks = f"peak memory: without {process_peak_mb(unguarded.pid):.0f} MB, with {process_peak_mb(guarded.pid):.0f} MB"
    header = ["bytes", "way", "p50 ms", "p99 ms", "p99 min-max", "gateway CPU ms a request", "failed"]
    table(f"Conversations: open loop over loopback, {rate} requests/s, {seconds} s a round", header, rows)
    print(f"\n{peaks}")


# -- scanning ----------------------------------------------------------------------------------------------


class Storage:
    """Stands in for a tensor storage of torch; pickles as the reference that torch writes."""

    def __init__(self, key, elements):
        self.key, self.elements = key, elements


def checkpoint(path, storages, elements):
    """A state dict of float32 tensors as torch.save writes it, without torch: the same block of random weights over and over."""
    import array
    import collections
    import io
    import types
    import zipfile

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    sys.modules.update({"torch": torch, "torch._utils": utils})
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    utils._rebuild_tensor_v2 = rebuild = lambda *_: None
    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = "torch._utils", "_rebuild_tensor_v2", "_rebuild_tensor_v2"

    class Tensor:
        def __init__(self, storage):
            self.storage = storage

        def __reduce__(self):
            return rebuild, (self.storage, 0, (self.storage.elements,), (1,), False, collections.OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                return ("storage", torch.FloatStorage, value.key, "cpu", value.elements)

    out = io.BytesIO()
    Pickler(out, 2).dump(collections.OrderedDict((f"layer.{n}", Tensor(Storage(str(n), elements))) for n in range(storages)))
    noise = random.Random(7)
    block = array.array("f", (noise.gauss(0, 0.02) for _ in range(1 << 20))).tobytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", out.getvalue())
        for n in range(storages):
            with archive.open(f"model/data/{n}", "w", force_zip64=True) as member:
                for _ in range(elements * 4 // len(block)):
                    member.write(block)
        archive.writestr("model/version", "3\n")


def scanning(target, work):
    folder = work / "pickles"
    folder.mkdir()
    noise = random.Random(7)
    for n in range(2000):
        state = {"epoch": n, "names": [f"layer.{i}" for i in range(20)], "weights": [noise.random() for _ in range(150)]}
        (folder / f"{n:04d}.pkl").write_bytes(pickle.dumps(state, noise.choice((2, 4, 5))))
    files = sorted(folder.iterdir())
    ours = target / "release/proofhouse"
    candidates = {"cat": ["cat", *files], "proofhouse": [ours, "scan", folder]}
    picklescan = Path(os.environ.get("PEERS_VENV", "")) / "bin/picklescan"
    if picklescan.exists():
        candidates["picklescan"] = [picklescan, "--path", folder]
    commands(f"Scanning: 2,000 pickles of {sum(f.stat().st_size for f in files) // 2000} bytes", candidates, "cat")
    if not picklescan.exists():
        print("(picklescan is not at hand: tests/peers/scan/run installs it)")

    # Few large tensors, and many of the size that most are: what is looked at in each costs the more.
    for storages, elements in ((16, 64 << 20), (256, 1 << 20)):
        path = work / "model.pt"
        checkpoint(path, storages, elements)
        candidates = {"openssl": ["openssl", "dgst", "-sha256", path], "proofhouse": [ours, "scan", path]}
        candidates["structure only"] = [ours, "scan", "--structure-only", path]
        if picklescan.exists():
            candidates["picklescan"] = [picklescan, "--path", path]
        commands(f"Scanning: a checkpoint of {path.stat().st_size / 2**30:.1f} GiB, {storages} tensors", candidates, "openssl")
        path.unlink()


AREAS = {"hash": hashing, "gate": gates, "gateway": gateway, "chat": chat, "scan": scanning}


def main(target, *areas):
    for area in areas:
        if area not in AREAS:
            sys.exit(f"there is no area {area}; there are {', '.join(AREAS)}")
    load = " ".join(f"{n:.1f}" for n in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load} before; {ROUNDS} rounds, medians")
    for area in areas or AREAS:
        with tempfile.TemporaryDirectory(prefix="bench-") as work:
            AREAS[area](Path(target), Path(work))
    print(f"\nload {' '.join(f'{n:.1f}' for n in os.getloadavg())} after")


if __name__ == "__main__":
    main(*sys.argv[1:])
