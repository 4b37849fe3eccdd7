"""judge.py BINARY CORPUS SEED: scans every row of a corpus alone and holds the answers against its manifest.

No hostile file may be clean but those in KNOWN, 97 % of them must be found (exit 1), at most 1 % of the benign ones may
be. KNOWN is what the scanner is known to miss: each is told in every run, and one that is found has to leave the list.
"""

import collections
import csv
import json
import subprocess
import sys
from pathlib import Path

KNOWN = {}


def scan(binary, path):
    done = subprocess.run([binary, "scan", "--format", "json", str(path)], capture_output=True, text=True, timeout=120, env={"NO_COLOR": "1"}, check=False)
    return done.returncode, done.stdout, done.stderr


def main(binary, corpus, seed):
    corpus = Path(corpus)
    with open(corpus / "MANIFEST.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    table, said = collections.defaultdict(collections.Counter), {"clean": [], "alarm": [], "missed": [], "unread": []}
    for row in rows:
        code, out, error = scan(binary, corpus / row["path"])
        benign = row["expected"] == "clean"
        answer = {0: "clean", 1: "found"}.get(code, "unscannable")
        table[benign, row["category"]][answer] += 1
        if (answer == "clean") == benign:
            continue
        kind = ("alarm" if answer == "found" else "unread") if benign else ("missed" if answer == "clean" else None)
        if not benign and answer == "unscannable":
            said["unread"].append((row["path"], "hostile, not understood"))
        if kind:
            try:
                rules = sorted({f["rule"] for scanned in json.loads(out) for f in scanned["report"]["findings"]})
            except ValueError:
                rules = [error.strip()[:100]]
            said[kind].append((row["path"], ", ".join(rules) or row["why"]))
    total = collections.defaultdict(collections.Counter)
    print(f"---- seed {seed}: category, files, found, unscannable, clean")
    for (benign, category), counts in sorted(table.items()):
        total[benign] += counts
        kind = "benign" if benign else "hostile"
        print(f"---- {kind} {category}: {counts.total()}, {counts['found']}, {counts['unscannable']}, {counts['clean']}")
    hostile, benign = total[False], total[True]
    missed = {path for path, _ in said["missed"]}
    surprises = missed - KNOWN.keys()
    mended = sorted(KNOWN.keys() & {row["path"] for row in rows} - missed)
    checks = [
        (not surprises, f"{len(surprises)} hostile files are called clean that are not known for it; {hostile['clean']} of {hostile.total()} are clean"),
        (not mended, f"{len(mended)} files are known as missed and are found: {', '.join(mended)}"),
        (hostile["found"] >= 0.97 * hostile.total(), f"{hostile['found']} of {hostile.total()} hostile files are found, {hostile['unscannable']} more are not called clean"),
        (benign["found"] <= 0.01 * benign.total(), f"{benign['found']} of {benign.total()} benign files raise an alarm, {benign['unscannable']} more are not understood"),
    ]
    for good, what in checks:
        print(f"{'PASS' if good else 'FAIL'} seed {seed}: {what}")
    for path in sorted(missed & KNOWN.keys()):
        print(f"---- known as missed: {path}: {KNOWN[path]}")
    for kind in ("missed", "alarm", "unread"):
        for path, why in said[kind][:25]:
            print(f"     {kind} {path}: {why}")
    beside(corpus, rows)
    return 0 if all(good for good, _ in checks) else 1


def beside(corpus, rows):
    """What picklescan says of the same files."""
    try:
        from picklescan.scanner import scan_directory_path, scan_file_path
    except ImportError:
        return
    flagged, unread, of = collections.Counter(), collections.Counter(), collections.Counter()
    for row in rows:
        path = corpus / row["path"]
        benign = row["expected"] == "clean"
        of[benign] += 1
        try:
            result = scan_directory_path(str(path)) if path.is_dir() else scan_file_path(str(path))
            flagged[benign] += result.issues_count > 0
            unread[benign] += bool(result.scan_err) and result.issues_count == 0
        except Exception:  # A scanner that falls over has not answered.
            unread[benign] += 1
    for benign in (False, True):
        print(f"---- picklescan beside us, {'benign' if benign else 'hostile'}: flags {flagged[benign]} of {of[benign]}, cannot read {unread[benign]}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
