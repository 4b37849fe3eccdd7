"""The odd spellings of honest people: numbers that are none, aliases, comments in settings, headers for all entries."""

import json

from hostile.spellings import notebook, tarred


def make(corpus):
    state = {"best_metric": float("nan"), "log_history": [{"loss": float("inf"), "step": 10}]}
    corpus.folder("spellings", "trainer", {"trainer_state.json": json.dumps(state)}, "clean", "a training that diverged")
    corpus.benign("spellings", "results.ipynb", json.dumps({**notebook("import numpy as np\nprint(np.nan)"), "best": float("nan")}).encode(), "a notebook with a number that is none")
    corpus.benign("spellings", "aliases.yaml", b"base: &b {lr: 0.1}\nname: &n resnet\nfine:\n  <<: *b\n  label: *n\n", "aliases")
    corpus.benign("spellings", "breaks.ipynb", json.dumps(notebook("# a\x0cpage\nprint('a\u2028b')\n")).encode(), "a form feed and a line separator in Python")
    corpus.benign("spellings", "archive.tar", tarred(comment="0123456789abcdef"), "a commit in the header for all entries, as git writes it")
    corpus.folder("spellings", "settings", {".vscode/settings.json": '// ours\n{\n  "editor.rulers": [100], // wide\n  "python.testing.pytestEnabled": true,\n}\n'}, "clean", "settings with comments")
    docker = "# syntax=docker/dockerfile:1\nFROM python:3.12\nRUN --mount=type=cache,target=/var/cache/pip pip install torch\nRUN <<EOF\napt-get update\napt-get install -y git\nEOF\nENTRYPOINT [\"python\", \"serve.py\"]\n"
    corpus.folder("spellings", "image", {"Dockerfile": docker}, "clean", "a here-document and a mount")
    corpus.benign("spellings", "plain.pmml", b'<!-- exported -->\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary/></PMML>', "PMML behind a comment")
    corpus.benign("spellings", "graph.pbtxt", b'versions { producer: 1 }\nnode { name: "c" op: "Const" }\n', "a graph as text")
    corpus.benign("spellings", "fields.prompt", b"Answer {question} as {user.name}; {type.__name__} is fine.\n", "a prompt with fields")
