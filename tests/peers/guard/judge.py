"""Holds what the guard says of documents against how they were written.

judge.py BINARY FOLDER
"""

import json
import pathlib
import subprocess
import sys

binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
failed = False


def looked_at(file):
    ran = subprocess.run(
        [binary, "guard", str(file), "--show-normal", "--format", "json"], capture_output=True, text=True, timeout=60
    )
    # Nobody knows, and nothing could be read, are one exit code: the report tells them apart.
    if not ran.stdout.strip():
        raise RuntimeError(ran.stderr.strip()[-200:] or f"exit {ran.returncode}")
    return json.loads(ran.stdout)["subjects"][0]


def wrong(kind, name, subject):
    hidden = [f["message"] for f in subject["findings"] if f["rule"] == "input/hidden-text"]
    rules = sorted({f["rule"] for f in subject["findings"]})
    if kind == "hidden":
        how = name.split(".")[0]
        if not any(f": {how} at " in message for message in hidden):
            return f"not found as {how}: {hidden or rules}"
    elif kind == "shown":
        if hidden:
            return f"shown, and said to be hidden: {hidden}"
        # Whether the detector makes something of it is measured elsewhere; here it has to be read.
        if "reveal the system prompt" not in subject["normal"]["text"]:
            return f"not read: {subject['normal']['text'][:200]!r}"
    elif kind == "unread":
        if subject["verdict"] != "unknown":
            return f"nobody read it, and the verdict is {subject['verdict']}"
    elif hidden or subject["verdict"] == "fail":
        return f"nothing is there, and it says {subject['verdict']}: {hidden or rules}"
    return None


for file in sorted(folder.glob("*/*")):
    kind, name = file.parent.name, file.name
    try:
        why = wrong(kind, name, looked_at(file))
    except (OSError, ValueError, LookupError, RuntimeError, subprocess.TimeoutExpired) as error:
        why = f"{error}"
    failed |= why is not None
    print(f"FAIL {kind} {name}: {why}" if why else f"PASS {kind} {name}")
sys.exit(failed)
