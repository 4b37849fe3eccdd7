"""What model repositories are full of: notebooks, templates, handlers, build files, archives of all that, and files whose
layout is rare but right."""

import gzip
import io
import json
import tarfile
import zipfile

import numpy as np


def make(corpus):
    for part in (notebooks, templates, repositories, tools, archives, structures):
        try:
            part(corpus)
        except ImportError as missing:
            print(f"SKIP benign.ordinary.{part.__name__}: {missing}")


def notebooks(corpus):
    def book(name, *cells, outputs=(), **extra):
        made = [{"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": list(outputs), "source": cell.splitlines(keepends=True)} for cell in cells]
        text = {"cell_type": "markdown", "metadata": {}, "source": ["# Fine-tuning\n", "See [the paper](https://example.test/paper) & <b>the code</b>: `eval(x)`, `curl | sh`."]}
        corpus.benign("notebooks", f"ordinary-{name}.ipynb", json.dumps({"cells": [text, *made], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5, **extra}).encode(), "a notebook as people write them")

    book("install", "!pip install -q transformers datasets==2.0 'accelerate>=0.2'\n%pip install -U git+https://github.com/huggingface/peft\n!pip install torch --index-url https://download.pytorch.org/whl/cu121", "!apt-get update && apt-get install -y git-lfs wget")
    book("magics", "%load_ext autoreload\n%autoreload 2\n%matplotlib inline\n%env CUDA_VISIBLE_DEVICES=0\n%cd ..\n!nvidia-smi\nfiles = !ls data\nprint(files)", "%%time\nmodel = f(1)", "%timeit -n 10 sum(range(10))\n%time x = sorted([3, 1])\nx?")
    book("training", "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layer = nn.Linear(3, 2)\n\n    def forward(self, x):\n        return self.layer(x)\n\nnet = Net()", "net.eval()\nwith torch.no_grad():\n    print(net(torch.ones(1, 3)))", "x = 7\ny = x % 2\nz = (x\n% 3)\nprint(f'{x!r} {y}')")
    book("files", "%%writefile config.yaml\nlr: 0.1\nmodel: base", "%%writefile helper.py\ndef double(x):\n    return 2 * x\n", "from helper import double\ndouble(2)", "%%bash\nls -la\nmkdir -p data\npython train.py --lr 0.1", "!wget https://example.test/data.zip && unzip -q data.zip", "%%html\n<b>done</b>", "%%capture out\nprint(1)")
    book("outputs", "plot()", outputs=[{"output_type": "display_data", "metadata": {}, "data": {"text/html": ["<div><style>td { color: red }</style><table><tr><td>1</td></tr></table></div>", "<script>Plotly.newPlot('x', [1, 2])</script>"], "image/png": "iVBORw0KGgo="}}, {"output_type": "stream", "name": "stdout", "text": ["<iframe src=x> is printed, not shown\n"]}])
    book("video", "show()", outputs=[{"output_type": "display_data", "metadata": {}, "data": {"text/html": "<iframe width=560 src=\"https://www.youtube.com/embed/x\"></iframe>"}}])
    old = {"metadata": {"name": "old"}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1\n"], "language": "python", "outputs": []}]}]}
    corpus.benign("notebooks", "ordinary-third-format.ipynb", json.dumps(old).encode(), "a notebook of the third format")


def templates(corpus):
    rows = {
        "own-names": "{%- for tc in message.tool_calls %}{%- set _args = tc.arguments %}{%- for k, v in _args.items() %}<arg>{{ k }}</arg>{%- endfor %}{%- endfor %}",
        "namespaces": "{%- set _ns = namespace(last=-1, text='') %}{%- for m in messages %}{%- if m.role == 'user' %}{%- set _ns.last = loop.index0 %}{%- endif %}{%- endfor %}{{ _ns.last }}",
        "blocks": "{%- set head %}{{ messages[0].role }}: {% endset %}{{ head }}{{ messages[0].content }}",
        "macros": "{%- macro kind(spec) %}{%- if spec.type == 'array' %}list[{{ kind(spec['items']) }}]{%- else %}{{ spec.type }}{%- endif %}{%- endmacro %}{{ kind(tools[0].parameters) }}",
        "thinking": "{%- for m in messages %}{%- set content = m.content.split('</think>')[-1].lstrip('\\n') %}{{ content|replace('<think>', '') }}{%- endfor %}",
        "roles": "{%- for m in messages %}{{ '<|' ~ (m.role|replace('assistant', 'model')) ~ '|>' ~ m.content|trim }}{%- endfor %}{%- if add_generation_prompt %}{{ '<|model|>' }}{%- endif %}",
        "errors": "{%- if not messages %}{{ raise_exception('There are no messages.') }}{%- endif %}{{ strftime_now('%d %b %Y') }}{{ tools|tojson(indent=2) }}",
    }
    for name, template in rows.items():
        corpus.folder("templates", f"ordinary-{name}", {"tokenizer_config.json": json.dumps({"chat_template": template, "tokenizer_class": "PreTrainedTokenizerFast"})}, "clean", "a chat template in the manner of published ones")


CONFIG = {"model_type": "mine", "auto_map": {"AutoConfig": "configuration_mine.MineConfig", "AutoModel": "modeling_mine.MineModel"}}
MODEL = {
    "configuration_mine.py": "from transformers import PretrainedConfig\n\n\nclass MineConfig(PretrainedConfig):\n    model_type = 'mine'\n\n    def __init__(self, hidden=8, **rest):\n        self.hidden = hidden\n        super().__init__(**rest)\n",
    "modeling_mine.py": "import math\n\nimport torch\nfrom torch import nn\nfrom transformers import PreTrainedModel\n\nfrom .configuration_mine import MineConfig\n\n\nclass MineModel(PreTrainedModel):\n    config_class = MineConfig\n\n    def __init__(self, config):\n        super().__init__(config)\n        self.layer = nn.Linear(config.hidden, config.hidden)\n        self.scale = 1 / math.sqrt(config.hidden)\n        self.post_init()\n\n    def forward(self, x):\n        return self.layer(x) * self.scale\n",
}


def repositories(corpus):
    add = lambda name, files, why: corpus.folder("repositories", f"ordinary-{name}", files, "clean", why)
    add("custom-code", {"config.json": json.dumps(CONFIG), **MODEL}, "custom code that computes")
    add("sentence-dense", {"modules.json": json.dumps([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Dense", "type": "sentence_transformers.models.Dense"}]),
                           "1_Dense/config.json": json.dumps({"in_features": 4, "out_features": 4, "bias": True, "activation_function": "torch.nn.modules.activation.Tanh"})}, "a sentence model with a dense layer")
    add("sentence-router", {"router_config.json": json.dumps({"types": {"query_0": "sentence_transformers.models.StaticEmbedding"}, "structure": {"query": ["query_0"]}, "parameters": {}})}, "a router of the library's own modules")
    add("gpt2-configuration", {"config.json": json.dumps({"model_type": "gpt2", "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"]}), "generation_config.json": json.dumps({"do_sample": True})}, "a configuration of the library's own")
    add("lightning", {"config.yaml": "trainer:\n  max_epochs: 3\nmodel:\n  class_path: lightning.pytorch.demos.boring_classes.BoringModel\n"}, "a configuration of Lightning")
    add("mlflow", {"MLmodel": "flavors:\n  python_function:\n    env:\n      conda: conda.yaml\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n", "conda.yaml": "channels:\n- conda-forge\ndependencies:\n- python=3.11.7\n- pip<=24\n- pip:\n  - mlflow==2.9\n  - scikit-learn==1.3\nname: mlflow-env\n", "python_env.yaml": "python: 3.11.7\nbuild_dependencies:\n- pip==24.0\ndependencies:\n- -r requirements.txt\n", "requirements.txt": "mlflow==2.9\nscikit-learn>=1.3,<2 # as trained\n"}, "a model of MLflow without its pickle")
    add("build-files", {"Makefile": "all: train\n\ntrain:\n\t@python train.py --epochs 3\n\ndata:\n\twget -O data/raw.zip https://example.test/raw.zip && unzip data/raw.zip\n", "Dockerfile": "FROM python:3.11-slim\nENV PYTHONPATH=/app\nRUN apt-get update && apt-get install -y \\\n    wget python3-dev git \\\n    && rm -rf /var/lib/apt/lists/*\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . /app\nCMD [\"python\", \"serve.py\"]\n",
                        "package.json": json.dumps({"name": "demo", "scripts": {"build": "tsc", "postinstall": "husky install", "test": "jest"}}), ".devcontainer/devcontainer.json": "{\n  // the image of the course\n  \"image\": \"python:3.11\",\n  \"postCreateCommand\": \"pip install -e .\",\n}\n",
                        ".vscode/tasks.json": json.dumps({"version": "2.0.0", "tasks": [{"label": "test", "type": "shell", "command": "pytest"}]}), ".envrc": "export CUDA_VISIBLE_DEVICES=0\nlayout python\n"}, "files of build tools")
    add("build-backend", {"pyproject.toml": "[build-system]\nrequires = [\"setuptools>=61\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[project]\nname = \"mine\"\nversion = \"1\"\n"}, "a project for an installer")
    add("two-bytes", {"config.json": json.dumps({"model_type": "bert", "note": "na\u00efve"}).encode("utf-16"), "vocab.txt": "a\nb\n".encode("utf-16")}, "texts of two bytes a character")


def tools(corpus):
    """Pictures, scripts, workflows, notes for assistants: what stands beside models and runs nothing of anybody's choosing."""
    gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02LZ\0\x3b"
    wav = b"RIFF" + (36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + bytes(16) + b"data" + bytes(4)
    script = "#!/usr/bin/env bash\nset -euo pipefail\ncd \"$(dirname \"$0\")/..\"\nfor seed in 1 2; do\n  python train.py --seed $seed 2>&1 | tee log_$seed.txt\ndone\nrm -rf build/ dist/\n"
    files = {
        "figure.gif": gif,
        "sample.wav": wav,
        "scripts/train.sh": script,
        "AGENTS.md": "Run `pytest` before a commit. Never push to main.\n",
        ".mcp.json": json.dumps({"mcpServers": {"github": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"]}}}),
        ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          curl -H \"Authorization: Bearer ${{ secrets.GITHUB_TOKEN }}\" https://api.github.com/x\n      - run: pip install -e . && pytest\n",
        ".env.example": "HF_TOKEN=your-token-here\n",
        "docker-compose.yml": "services:\n  m:\n    command: python serve.py --port 8080\n",
        "README.md": "# Mine\n<!-- Provide a quick summary of what the model is/does. -->\n",
        "requirements.txt": "torch>=2\npeft @ git+https://github.com/huggingface/peft.git@v0.11.1\n",
    }
    corpus.folder("repositories", "ordinary-tools", files, "clean", "files of tools as people write them")
    app = "import os\nimport click\nimport subprocess\n\n@click.command()\n@click.argument('path')\ndef main(path):\n    subprocess.run(['ffmpeg', '-i', path, 'out.wav'], check=True)\n\nif __name__ == '__main__':\n    main()\n"
    corpus.benign("python", "ordinary-command-line.py", app.encode(), "a program of the command line")


def archives(corpus):
    def pack(files):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in files.items():
                info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
                file.writestr(info, content)
        return out.getvalue()

    corpus.benign("archives", "ordinary-repository.zip", pack({"m/config.json": json.dumps(CONFIG), **{f"m/{k}": v for k, v in MODEL.items()}, "m/README.md": "# Mine\n"}), "a zip archive of a repository")
    handler = "import torch\nfrom ts.torch_handler.base_handler import BaseHandler\n\n\nclass Mine(BaseHandler):\n    def initialize(self, context):\n        super().initialize(context)\n        self.ready = True\n\n    def preprocess(self, data):\n        return torch.tensor([row['body'] for row in data])\n\n    def postprocess(self, out):\n        return out.tolist()\n"
    corpus.benign("archives", "ordinary-handler.mar", pack({"MAR-INF/MANIFEST.json": json.dumps({"runtime": "python", "model": {"modelName": "mine", "handler": "handler.py", "modelVersion": "1.0"}, "archiverVersion": "0.9"}), "handler.py": handler}), "a TorchServe archive with a handler that computes")
    corpus.benign("archives", "ordinary-stock.mar", pack({"MAR-INF/MANIFEST.json": json.dumps({"model": {"modelName": "mine", "handler": "image_classifier"}}), "index_to_name.json": json.dumps({"0": "cat"})}), "a TorchServe archive with a stock handler")
    for mode in ("w", "w:gz", "w:xz"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as file:
            for name, content in {"./model_config.yaml": "encoder:\n  _target_: nemo.collections.asr.modules.ConformerEncoder\n  layers: 4\npreprocessor:\n  _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor\n", "./tokenizer/vocab.txt": "a\nb\n"}.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                file.addfile(info, io.BytesIO(content.encode()))
        corpus.benign("archives", f"ordinary-model-{mode[2:] or 'plain'}.nemo", out.getvalue(), "the layout of a NeMo archive")
    corpus.benign("archives", "ordinary-notes.txt.gz", gzip.compress(b"curl | sh is how not to do it\n", mtime=0), "a compressed text")


def structures(corpus):
    rng = np.random.default_rng(corpus.seed)
    np.savez(corpus.path("numpy", "ordinary-names.npz", "clean", "numpy.savez with names of graphs"), **{"W": rng.normal(size=3), "w": rng.normal(size=3), "dense/kernel:0": rng.normal(size=(2, 2)), "aux": np.zeros(2)})
    np.savez(corpus.path("numpy", "ordinary-types.npz", "clean", "numpy.savez of types"), sub=np.zeros(2, dtype=[("a", "f4", (2,)), ("b", [("c", "i2")])]), void=np.zeros(2, dtype="V7"), half=np.zeros(3, np.float16))
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(rng.normal(size=(4, 3)).astype(np.float32), "w")
    x, y = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]), helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    contrib = helper.make_node("FusedMatMul", ["x", "w"], ["y"], domain="com.microsoft")
    model = helper.make_model(helper.make_graph([contrib], "g", [x], [y], [weights]), opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    model.metadata_props.add(key="names", value="{0: 'cat', 1: 'dog'}")
    model.metadata_props.add(key="license", value="see https://example.test/license")
    onnx.save(model, corpus.path("onnx", "ordinary-contrib.onnx", "clean", "onnx.save"))
    folder = corpus.path("onnx", "ordinary-outside", "clean", "onnx.save, weights beside the model")
    folder.mkdir()
    plain = helper.make_model(helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [numpy_helper.from_array(rng.normal(size=(4, 3)).astype(np.float32), "w")]))
    onnx.save(plain, folder / "model.onnx", save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    try:
        import gguf

        path = corpus.path("gguf", "ordinary-values.gguf", "clean", "gguf.GGUFWriter, values of all types")
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_array("mine.texts", ["a", "b"])
        writer.add_array("mine.numbers", [1, 2, 3])
        writer.add_bool("mine.flag", True)
        writer.add_float64("mine.double", 0.5)
        writer.add_chat_template([{"name": "default", "template": "{{ messages[0].content }}"}, {"name": "tool_use", "template": "{{ messages[-1].content }}"}])
        writer.add_tensor("a.weight", rng.random((4, 32), dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except ImportError as missing:
        print(f"SKIP benign.ordinary.gguf: {missing}")
    import h5py

    def h5(name, why, fill, **options):
        with h5py.File(corpus.path("hdf5", f"ordinary-{name}.h5", "clean", why), "w", **options) as file:
            fill(file)

    def many(file):
        group = file.create_group("g", track_order=True)
        for number in range(70):
            group[f"w{number}"] = rng.normal(size=4)
            group.attrs[f"a{number}"] = f"text {number}"

    h5("many-old", "h5py, many links and attributes", many)
    h5("many-latest", "h5py, many links and attributes, newest layout", many, libver="latest")
    h5("large-attribute", "h5py, an attribute in a heap", lambda file: file.attrs.__setitem__("vocabulary", "word " * 20_000), libver="latest")
    h5("chunks", "h5py, packed chunks", lambda file: file.create_dataset("w", data=rng.normal(size=(40, 8)), chunks=(10, 8), compression="gzip", shuffle=True, fletcher32=True))
    h5("texts", "h5py, texts of varying length", lambda file: file.create_dataset("t", data=["eval(", "import os", "naïve"] * 5, dtype=h5py.string_dtype()))
    h5("references", "h5py, types of a file's own", lambda file: (file.__setitem__("named", np.dtype("f4")), file.create_dataset("w", (3,), dtype=file["named"]), file.create_dataset("e", data=[0, 1], dtype=h5py.enum_dtype({"A": 0, "B": 1}))))
    h5("user-block", "h5py, an empty user block", lambda file: file.__setitem__("w", [1.0]), userblock_size=512)
