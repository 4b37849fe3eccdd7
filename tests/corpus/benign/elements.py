"""Whole numbers and texts that are what they seem: ids, arrays of texts, normalisers of signs, settings without secrets."""

import io
import json

import numpy as np

from hostile.tensors import entry, safetensors


def make(corpus):
    rng = np.random.default_rng(corpus.seed + 11)
    weights = (rng.normal(size=500) * 0.02).astype("<f4").tobytes()
    for label, dtype in {"I64": "<i8", "I32": "<i4", "U8": "u1"}.items():
        raw = rng.integers(0, 120, size=300).astype(dtype).tobytes()
        table = {"w": entry(0, len(weights)), "ids": entry(len(weights), len(weights) + len(raw)) | {"dtype": label, "shape": [300]}}
        corpus.benign("safetensors", f"small-ids-{label.lower()}.safetensors", safetensors(table, weights + raw), "small whole numbers")
    out = io.BytesIO()
    np.save(out, np.array(["a label of a class", "another one", "run the tests first"] * 20))
    corpus.benign("numpy", "array-of-texts.npy", out.getvalue(), "an array of texts, four bytes a character")
    steps = [{"type": "Nmt"}, {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": "\\s{2,}|[\\n\\r\\t]"}, "content": " "}, {"type": "Replace", "pattern": {"String": "``"}, "content": "\""}, {"type": "Replace", "pattern": {"Regex": "\\p{Other}"}, "content": ""}, {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
    tokenizer = json.dumps({"version": "1.0", "normalizer": {"type": "Sequence", "normalizers": steps}, "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"}})
    prompt = "_type: prompt\ninput_variables: [q]\ntemplate_format: f-string\ntemplate: |\n  Answer {q} as JSON: {{\"a\": 1}}.\n"
    corpus.benign("templates", "prompt-of-a-chain.yaml", prompt.encode(), "a prompt with braces of its own")
    config = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 8, "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "5.0.0"}, "hidden_act": "gelu"}
    settings = {"api_key": "${OPENAI_API_KEY}", "password": "<set me>", "storage": "postgresql://optuna:optuna@localhost/optuna", "access_token": "YOUR_ACCESS_TOKEN_GOES_HERE", "pad_token": "[PAD]", "revision": "8f3a1c9be07d4526a1f0c3d9e8b7a6c5d4e3f201"}
    files = {"config.json": json.dumps(config), "tokenizer.json": tokenizer, "settings.json": json.dumps(settings)}
    corpus.folder("repositories", "signs-and-settings", files, "clean", "a normaliser of signs, an activation of torch, settings with places for secrets")
    alias = "{% for turn in messages %}{% set said = turn.content %}{% if turn.role == 'assistant' and '</think>' in said %}{% set said = said.split('</think>')[-1] %}{% endif %}<|{{ turn.role }}|>{{ said }}{% endfor %}"
    corpus.folder("templates", "strips-by-alias", {"tokenizer_config.json": json.dumps({"chat_template": alias})}, "clean", "a template that leaves out what was thought")
