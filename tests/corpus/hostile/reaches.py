"""Secrets that reach an answer by detours, requests that are unpickled, indices outside of a sparse tensor, and commands, programs and pickles where data belong."""

import base64
import json
import warnings
import zlib

from .tensors import entry, safetensors

CONFIG = json.dumps({"model_type": "bert"})
PICKLE = b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."
HANDLER = "import os\n\n\nclass EndpointHandler:\n    def __init__(self, path=''):\n        {kept}\n\n    def __call__(self, data):\n        {answer}\n"


def make(corpus):
    services(corpus)
    texts(corpus)
    sparse(corpus)


def services(corpus):
    handlers = {
        "attribute": ("self.kept = os.environ['HF_TOKEN']", "return {'x': self.kept}"),
        "container": ("self.kept = {'a': [{}]}; self.kept['a'][0]['k'] = os.environ.get('API_SECRET')", "return {'x': {'y': [self.kept]}}"),
        "given-name": ("self.path = path", "return os.getenv(data['variable'])"),
        "one-by-one": ("self.kept = [os.environ['DB_PASSWORD']]", "yield from self.kept"),
        "unpickles": ("self.path = path", "return __import__('pickle').loads(__import__('base64').b64decode(data['state']))"),
    }
    for label, (kept, answer) in handlers.items():
        files = {"config.json": CONFIG, "handler.py": HANDLER.format(kept=kept, answer=answer)}
        corpus.folder("repositories", f"reaches-{label}", files, "found", "a service that gives a secret away, or unpickles what it is sent")
    triton = "import os\nimport numpy as np\nimport triton_python_backend_utils as pb_utils\n\n\nclass TritonPythonModel:\n    def execute(self, requests):\n        out = pb_utils.Tensor('OUT', np.array([self.kept.encode()], dtype=np.object_))\n        return [pb_utils.InferenceResponse(output_tensors=[out]) for _ in requests]\n\n    def initialize(self, args):\n        self.kept = os.environ['REGISTRY_TOKEN']\n"
    corpus.folder("repositories", "reaches-triton", {"net/config.pbtxt": 'name: "net"\nbackend: "python"\n', "net/1/model.py": triton}, "found", "a server's model that answers with a secret")
    served = "import json, os\n\n\ndef predict(data):\n    with open('static/health.json', 'w') as file:\n        json.dump({'k': os.environ['HF_TOKEN']}, file)\n    return data\n"
    corpus.folder("repositories", "reaches-file", {"config.json": CONFIG, "serve.py": served}, "found", "a secret in a file that a server gives to whoever asks")


def texts(corpus):
    rng = corpus.rng("reaches")
    for label, line in {"second": "touch /tmp/x; cat /data/a.wav |", "interpreter": "python3 - < read.py |", "substituted": "cat $(true) |"}.items():
        corpus.found("text", f"piped-{label}.scp", f"utt1 /data/a1.wav\nutt2 {line}\n".encode(), "a command in the place of a sound")
    depth = rng.randrange(5000, 50_000)
    corpus.found("config", "nested.json", b'{"a":' + b"[" * depth + b"]" * depth + b"}", "JSON that no stack holds")
    numbers = bytearray(rng.randbytes(4096))
    numbers[1::2] = bytes(rng.choice([0x2c, 0xac, 0x30]) for _ in range(2048))
    start = rng.randrange(0, 500)
    for at, byte in enumerate(PICKLE):
        numbers[2 * (start + at)] = byte
    corpus.found("safetensors", "lowest-bytes.safetensors", safetensors({"w": {"dtype": "F16", "shape": [2048], "data_offsets": [0, 4096]}}, bytes(numbers)), "a pickle in the lowest bytes of numbers")
    elf = b"\x7fELF\x02\x01\x01" + bytes(45) + b"\x40\0" + bytes(at * at % 251 for at in range(136))
    wrapped = {"once": base64.b64encode(elf), "packed": base64.b64encode(zlib.compress(elf)), "digits": elf.hex().encode()}
    for label, text in wrapped.items():
        corpus.found("config", f"program-{label}.json", b'{"calibration": "' + text + b'"}', "a program in a text")


def sparse(corpus):
    import torch

    warnings.filterwarnings("ignore")
    values = torch.tensor([1.0, 2.0, 3.0])
    far = torch.tensor([[0, 1, 2], [2, 0, 2**40]])
    torch.save({"adjacency": torch.sparse_coo_tensor(far, values, (3, 4), check_invariants=False)}, corpus.path("torch", "sparse-far.pt", "found", "an index outside of a sparse tensor"))
    starts = {"column": ([0, 1, 3], [0, 9, 1]), "start": ([0, 7, 3], [0, 1, 1]), "negative": ([0, 1, 3], [0, -2, 1])}
    for label, (crow, col) in starts.items():
        bad = torch.sparse_csr_tensor(torch.tensor(crow), torch.tensor(col), values, (2, 2), check_invariants=False)
        torch.save(bad, corpus.path("torch", f"sparse-{label}.pt", "found", "rows of a sparse tensor that lead outside"))
