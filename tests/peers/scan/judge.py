"""judge.py BINARY WORKDIR: scans every file alone and compares the exit code with the folder it lies in.

benign/GROUP must be clean (0), hostile/runs must be findings (1), hostile/opaque must not be clean (1 or 2).
"""

import collections
import subprocess
import sys
from pathlib import Path

# What the scanner does not read yet and says so: (group, part of the name, reason). A SKIP line each; they never hide
# a file that is called malicious.
NOT_YET = [
    ("joblib", "arrays-", "compressed joblib files are not opened"),
]


def scan(binary, file):
    """Exit code and what was said."""
    done = subprocess.run(
        [binary, "scan", str(file)], capture_output=True, text=True, timeout=120, env={"NO_COLOR": "1"}, check=False
    )
    return done.returncode, done.stdout + done.stderr


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def check(binary, folder, allowed, what):
    """One line for a folder; the files that differ below it."""
    found = files(folder)
    wrong, not_yet = [], collections.Counter()
    for file in found:
        code, said = scan(binary, file)
        if code in allowed:
            continue
        reason = next((r for group, part, r in NOT_YET if group == folder.name and part in file.name), None)
        if reason and "malicious" not in said:
            not_yet[reason] += 1
        else:
            wrong.append((file.name, code, said))
    good = bool(found) and not wrong
    right = len(found) - len(wrong) - sum(not_yet.values())
    print(f"{'PASS' if good else 'FAIL'} {folder.name}: {right} of {len(found)} {what}")
    for reason, count in not_yet.items():
        print(f"SKIP {folder.name}: {count} files: {reason}")
    for name, code, said in wrong:
        reasons = [line.strip() for line in said.splitlines()[2:6] if line.strip()]
        print(f"     {name}: exit {code}: {' | '.join(reasons)[:300]}")
    return good


def beside(work):
    """What picklescan says of the same pickles."""
    try:
        from picklescan.scanner import scan_file_path
    except ImportError:
        return
    for folder in ("benign", "hostile"):
        found, flagged, unread = files(work / folder), 0, 0
        for file in found:
            try:
                result = scan_file_path(str(file))
                flagged += result.issues_count > 0
                unread += bool(result.scan_err) and result.issues_count == 0
            except Exception:  # A scanner that falls over has not answered.
                unread += 1
        print(f"---- picklescan beside us, {folder}: flags {flagged} of {len(found)}, cannot read {unread}")


def main(binary, work):
    work = Path(work)
    good = [check(binary, group, {0}, "files are clean") for group in sorted((work / "benign").iterdir())]
    good.append(check(binary, work / "hostile" / "runs", {1}, "hostile files are found"))
    good.append(check(binary, work / "hostile" / "opaque", {1, 2}, "hostile files in other wrappings are not clean"))
    beside(work)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
