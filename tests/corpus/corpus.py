"""The corpus under construction: files, and a manifest that says what each is.

Expected outcomes: clean (every byte accounted for), found (suspicious or malicious), malicious. A row may name a
folder; then the folder is scanned as one model.
"""

import csv
import random
from pathlib import Path

FIELDS = ("path", "category", "expected", "why", "source")


class Corpus:
    def __init__(self, out, seed):
        self.out, self.seed = Path(out), seed
        self.rows = []
        self.skipped = []

    def rng(self, *salt):
        """A generator that depends on the seed and on what it is for, not on what was made before."""
        return random.Random("/".join(map(str, (self.seed, *salt))))

    def path(self, category, name, expected, why, source=""):
        """Where a file goes that somebody else writes; the row is in the manifest already."""
        side = "benign" if expected == "clean" else "hostile"
        path = self.out / side / category / name
        path.parent.mkdir(parents=True, exist_ok=True)
        relative = path.relative_to(self.out).as_posix()
        assert not any(row[0] == relative for row in self.rows), f"{relative} is made twice"
        self.rows.append((relative, category, expected, why, source))
        return path

    def file(self, category, name, data, expected, why, source=""):
        self.path(category, name, expected, why, source).write_bytes(data)

    def folder(self, category, name, files, expected, why, source=""):
        root = self.path(category, name, expected, why, source)
        for relative, data in files.items():
            path = root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)

    def benign(self, category, name, data, why):
        self.file(category, name, data, "clean", why)

    def found(self, category, name, data, why, source=""):
        self.file(category, name, data, "found", why, source)

    def malicious(self, category, name, data, why, source=""):
        self.file(category, name, data, "malicious", why, source)

    def save(self):
        with open(self.out / "MANIFEST.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FIELDS)
            writer.writerows(sorted(self.rows))
