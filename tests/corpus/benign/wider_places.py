"""The near neighbours of `hostile.wider_places`: scripts, launchers, builds and data that do their ordinary work."""

import base64
import json
import sqlite3
import tempfile
from pathlib import Path


def make(corpus):
    for part in (scripts, others, tools, data):
        part(corpus)


def scripts(corpus):
    rows = {
        "slurm.py": "import subprocess\nfrom pathlib import Path\nfor lr in (1e-3, 3e-4):\n    p = Path('jobs') / f'{lr}.sh'\n    p.write_text(f'#!/bin/bash\\nsrun python train.py --lr {lr}\\n')\n    print(subprocess.run(['sbatch', str(p)], capture_output=True).stdout)\n",
        "video.py": "import os, sys\n\n\ndef cut(p, out):\n    os.system(f'ffmpeg -y -i \"{p}\" \"{out}/%05d.jpg\"')\n\n\nfor p in sys.argv[1:]:\n    cut(p, 'frames')\n",
        "convert.py": "import glob, torch\nfrom huggingface_hub import snapshot_download\nd = snapshot_download('a/b')\nfor f in glob.glob(d + '/*.bin'):\n    torch.save(torch.load(f, map_location='cpu'), f)\n",
        "configs.py": "import requests\nr = requests.get('https://datasets-server.huggingface.co/splits?dataset=a', timeout=5)\nprint(r.json())\n",
        "serve.py": "import os\nimport joblib\nfrom fastapi import FastAPI\napp = FastAPI()\nmodel = joblib.load(os.getenv('MODEL_PATH', 'model.joblib'))\n\n\n@app.post('/predict')\ndef predict(x: list):\n    return model.predict([x]).tolist()\n",
        "client.py": "import requests\n\n\nclass Client:\n    def __init__(self, url):\n        self.url = url\n\n    def ask(self, text):\n        return requests.post(self.url, json={'text': text}).json()\n",
    }
    for name, text in rows.items():
        corpus.benign("scripts", name, text.encode(), "a script of its own, which a person starts")


def others(corpus):
    rows = {
        "build.rs": 'use std::process::Command;\nfn main() {\n    let o = Command::new("git").args(["rev-parse", "HEAD"]).output();\n    println!("cargo:rustc-env=SHA={:?}", o.is_ok());\n}\n',
        "app.js": "const key = process.env.OPENAI_KEY;\nconst r = await fetch('https://example.test/v1', {headers: {key}});\nshow(await r.json());\n",
        "fit.R": "m <- lm(y ~ x, data = read.csv('x.csv'))\nprint(summary(m))\n",
        "install.ps1": "python -m venv venv\n.\\venv\\Scripts\\Activate.ps1\npip install -r requirements.txt\n",
        "run.bat": "@echo off\nset PYTHON=\ngit pull\ncall webui.bat\npause\n",
    }
    for name, text in rows.items():
        corpus.benign("languages", name, text.encode(), "a source of another language that does its work")
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": ["df <- read.csv('x.csv')\n", "summary(df)"]}]
    corpus.benign("languages", "r.ipynb", json.dumps({"cells": cells, "metadata": {"kernelspec": {"name": "ir", "language": "R"}}, "nbformat": 4, "nbformat_minor": 5}).encode(), "a notebook of R")


def tools(corpus):
    rows = {
        "Dockerfile": "FROM ubuntu:22.04\nRUN curl -fsSL https://ollama.com/install.sh | sh\nRUN pip install -r requirements.txt\n",
        "ci.yml": "steps:\n  - run: curl -LsSf https://astral.sh/uv/install.sh | sh\n  - run: |\n      curl -d @body.json https://example.test/v1 -H \"Authorization: Bearer $TOKEN\"\n",
        "env.sh": '#!/usr/bin/env bash\neval "$(conda shell.bash hook)"\nconda activate ml\nscp -i ~/.ssh/id_rsa model.pt me@example.test:/data\n',
        "mkdocs.yml": "markdown_extensions:\n  - pymdownx.emoji:\n      emoji_index: !!python/name:material.extensions.emoji.twemoji\n",
        "hydra.yaml": "model:\n  _target_: src.models.LitNet\nencoder:\n  _target_: timm.create_model\n  model_name: vit\n",
        "llm.json": json.dumps({"base_url": "http://localhost:8000/v1", "endpoint": "https://api.example.test"}),
    }
    for name, text in rows.items():
        corpus.benign("tools", f"near-{name}" if name != "Dockerfile" else name, text.encode(), "a file of a tool in everyday use")


def data(corpus):
    corpus.benign("kept", "image.json", json.dumps({"image": base64.b64encode(bytes(range(128, 250))).decode(), "expr_str": "Max(1, 2*s0 + 1) // 4", "names": "{0: 'person'}"}).encode(), "Base64, sizes and names in JSON")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.db"
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE cache (key TEXT, value BLOB)")
            database.execute("INSERT INTO cache VALUES ('k', ?)", (b"\x80\x04only bytes",))
        corpus.benign("kept", "cache.db", path.read_bytes(), "a database of bytes")
    corpus.benign("kept", "tokenizer.json", json.dumps({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}, {"type": "NFKC"}]}}).encode(), "a tokenizer that marks blanks")
