"""Chains and prompts as LangChain saves them, and MLflow models with a loader of their own."""

import json


def make(corpus):
    constructor = lambda path, **kwargs: {"lc": 1, "type": "constructor", "id": path.split("."), "kwargs": kwargs}
    prompt = constructor("langchain.prompts.prompt.PromptTemplate", input_variables=["q"], template="Answer {q}.", template_format="f-string")
    model = constructor("langchain.chat_models.openai.ChatOpenAI", model_name="small", openai_api_key={"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]})
    chain = constructor("langchain.schema.runnable.RunnableSequence", first=prompt, middle=[], last=model)
    corpus.benign("chains", "chain.json", json.dumps(chain, indent=2).encode(), "a chain as dumps() writes it")
    turns = "{% for turn in turns %}{{ turn.who }}: {{ turn.text }}\n{% endfor %}Answer {{ question }}."
    corpus.benign("chains", "jinja.json", json.dumps({"_type": "prompt", "input_variables": ["turns", "question"], "template_format": "jinja2", "template": turns}).encode(), "a prompt in Jinja")
    corpus.benign("chains", "by-path.json", json.dumps({"_type": "prompt", "input_variables": ["q"], "template_path": "prompts/answer.txt"}).encode(), "a prompt whose text lies beside it")
    built = "{%- set ns = namespace(text='') -%}{%- for m in messages -%}{%- set ns.text = ns.text + '<|' + m['role'] + '|>' + m['content'] -%}{%- endfor -%}{{ ns.text }}"
    files = {"tokenizer_config.json": json.dumps({"tokenizer_class": "LlamaTokenizer", "chat_template": built})}
    corpus.folder("templates", "collects", files, "clean", "a template that puts its text together before it prints it")
    loader = "import json\nfrom pathlib import Path\n\nimport numpy as np\n\n\nclass Linear:\n    def __init__(self, coef, bias):\n        self.coef = np.asarray(coef)\n        self.bias = bias\n\n    def predict(self, frame):\n        return frame.to_numpy() @ self.coef + self.bias\n\n\ndef _load_pyfunc(path):\n    return Linear(**json.loads((Path(path) / 'weights.json').read_text()))\n"
    mlmodel = "flavors:\n  python_function:\n    code: code\n    data: data\n    env:\n      conda: conda.yaml\n    loader_module: linear.loader\n    python_version: 3.12.4\nmlflow_version: 2.19.0\n"
    conda = "channels:\n- conda-forge\ndependencies:\n- python=3.12.4\n- pip\n- pip:\n  - mlflow==2.19.0\n  - numpy==2.2.0\nname: mlflow-env\n"
    files = {"MLmodel": mlmodel, "conda.yaml": conda, "code/linear/__init__.py": "", "code/linear/loader.py": loader, "data/weights.json": json.dumps({"coef": [0.5, -1.0], "bias": 0.25})}
    corpus.folder("mlflow", "own-loader", files, "clean", "an MLflow model with a loader of its own that computes")
