"""scanners.py CORPUS BINARY PEERS_PYTHON: other people's scanners beside ours over one corpus; see bench/scanners.

scanners.py --worker TOOL CORPUS is what runs inside the peers' environment: one process per tool, through the tool's
Python interface, so that starting Python a thousand times is not what is measured.
"""

import collections
import contextlib
import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

SECONDS = 30  # a file that takes longer counts as not answered


def rows_of(corpus):
    with open(Path(corpus) / "MANIFEST.csv", newline="") as file:
        return list(csv.DictReader(file))


# -- one function per tool: "flagged", "clean" or "error" ---------------------------------------------------


def picklescan(path):
    from picklescan.scanner import scan_directory_path, scan_file_path

    result = scan_directory_path(str(path)) if path.is_dir() else scan_file_path(str(path))
    return "flagged" if result.issues_count else "error" if result.scan_err else "clean"


def modelscan(path):
    from modelscan.modelscan import ModelScan

    result = ModelScan().scan(path)
    if result["issues"]:
        return "flagged"
    return "error" if result["errors"] or not result["summary"]["scanned"]["total_scanned"] else "clean"


def fickling(path):
    from fickling.analysis import Severity, check_safety
    from fickling.fickle import StackedPickle

    def judge(data):
        return max((check_safety(pickled).severity for pickled in StackedPickle.load(io.BytesIO(data))), default=Severity.LIKELY_SAFE)

    answers = []
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        data = file.read_bytes()
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                answers += [judge(archive.read(name)) for name in archive.namelist() if name.endswith((".pkl", ".bin"))]
        elif path.is_file() or file.suffix in (".pkl", ".bin", ".pt"):
            answers.append(judge(data))
    return "flagged" if any(answer > Severity.LIKELY_SAFE for answer in answers) else "clean"


def modelaudit(path):
    from modelaudit.core import scan_model_directory_or_file

    result = scan_model_directory_or_file(str(path))
    issues = result["issues"] if isinstance(result, dict) else result.issues
    severities = {str(getattr(issue, "severity", None) or issue.get("severity")).lower().rpartition(".")[2] for issue in issues}
    if severities & {"warning", "critical"}:
        return "flagged"
    success = result.get("success") if isinstance(result, dict) else getattr(result, "success", True)
    failed = result.get("has_errors") if isinstance(result, dict) else getattr(result, "has_errors", False)
    return "error" if failed or success is False else "clean"


TOOLS = {f.__name__: f for f in (picklescan, modelscan, fickling, modelaudit)}


def worker(tool, corpus):
    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    answers, slowest = {}, 0.0
    for row in rows_of(corpus):
        started = time.monotonic()
        signal.alarm(SECONDS)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                answers[row["path"]] = TOOLS[tool](Path(corpus) / row["path"])
        except BaseException:  # a scanner that falls over has not answered
            answers[row["path"]] = "error"
        signal.alarm(0)
        slowest = max(slowest, time.monotonic() - started)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({"answers": answers, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024, "slowest": slowest}, sys.__stdout__)


# -- ours ---------------------------------------------------------------------------------------------------


def proofhouse(binary, corpus):
    answers, slowest, cpu, peak = {}, 0.0, 0.0, 0
    for row in rows_of(corpus):
        started = time.monotonic()
        child = subprocess.Popen([binary, "scan", str(Path(corpus) / row["path"])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        answers[row["path"]] = {0: "clean", 1: "flagged"}.get(child.returncode, "error")
        slowest = max(slowest, time.monotonic() - started)
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
    return {"answers": answers, "cpu": cpu, "mb": peak / 1024, "slowest": slowest}


def main(corpus, binary, python):
    rows = rows_of(corpus)
    results = {"proofhouse": proofhouse(binary, corpus)}
    for tool in TOOLS:
        environment = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
        done = subprocess.run([python, __file__, "--worker", tool, corpus], capture_output=True, text=True, env=environment, check=False)
        try:
            results[tool] = json.loads(done.stdout[done.stdout.index("{"):])
        except ValueError:
            print(f"SKIP {tool}: {done.stderr.strip()[-200:]}")
    hostile, benign = [r for r in rows if r["expected"] != "clean"], [r for r in rows if r["expected"] == "clean"]
    print(f"\n{len(hostile)} hostile and {len(benign)} benign rows\n")
    print("| tool | hostile flagged | hostile not answered | hostile silently clean | benign flagged | benign not answered | CPU s | slowest row s | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for tool, result in results.items():
        count = lambda these: collections.Counter(result["answers"][r["path"]] for r in these)
        bad, good = count(hostile), count(benign)
        share = lambda n, of: f"{n} ({100 * n / len(of):.1f} %)"
        print(f"| {tool} | {share(bad['flagged'], hostile)} | {bad['error']} | {share(bad['clean'], hostile)} | {share(good['flagged'], benign)} | {good['error']} | {result['cpu']:.1f} | {result['slowest']:.2f} | {result['mb']:.0f} |")
    print("\nHostile rows flagged, by category:\n")
    print("| category | rows | " + " | ".join(results) + " |\n| --- | --- | " + " | ".join("---" for _ in results) + " |")
    for category in sorted({r["category"] for r in hostile}):
        these = [r for r in hostile if r["category"] == category]
        cells = [str(sum(result["answers"][r["path"]] == "flagged" for r in these)) for result in results.values()]
        print(f"| {category} | {len(these)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    worker(*sys.argv[2:]) if sys.argv[1] == "--worker" else main(*sys.argv[1:])
