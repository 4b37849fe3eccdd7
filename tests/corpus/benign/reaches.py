"""Services that use a key and answer with something else, lists of sounds, and sparse tensors."""

import json

from hostile.reaches import CONFIG, HANDLER


def make(corpus):
    handlers = {
        "client": ("from openai import OpenAI; self.client = OpenAI(api_key=os.environ['OPENAI_API_KEY'])", "return self.client.chat.completions.create(model='m', messages=data['inputs']).choices[0].message.content"),
        "guarded": ("self.key = os.environ.get('SERVICE_API_KEY')", "return {'guarded': self.key is not None, 'ok': data.get('key') == self.key}"),
        "setting": ("self.name = os.environ.get('MODEL_NAME', 'm')", "return {'model': self.name, 'most': int(os.environ.get('MAX_NEW_TOKENS', '20'))}"),
        "json": ("self.path = path", "return __import__('json').loads(data['state'])"),
    }
    for label, (kept, answer) in handlers.items():
        files = {"config.json": CONFIG, "handler.py": HANDLER.format(kept=kept, answer=answer)}
        corpus.folder("repositories", f"reaches-{label}", files, "clean", "a service that keeps its key to itself")
    corpus.benign("text", "wav.scp", b"utt1 /data/a1.wav\nutt2 sox /data/a2.sph -t wav - |\nutt3 sph2pipe -f wav a3.sph | sox - -r 16000 -t wav - |\n", "a list of sounds")
    corpus.benign("config", "nested.json", json.dumps({"a": [[[[[[[[1]]]]]]]]}).encode(), "JSON of some depth")
    sparse(corpus)


def sparse(corpus):
    import torch

    dense = torch.tensor([[0.0, 1.0, 0.0, 2.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 4.0, 5.0], [0.0, 6.0, 0.0, 0.0]])
    kinds = {"coo": dense.to_sparse(), "csr": dense.to_sparse_csr(), "csc": dense.to_sparse_csc(), "bsr": dense.to_sparse_bsr((2, 2)), "batch": torch.stack([dense, dense]).to_sparse_csr()}
    for label, tensor in kinds.items():
        torch.save({"adjacency": tensor}, corpus.path("torch", f"sparse-{label}.pt", "clean", "a sparse tensor"))
