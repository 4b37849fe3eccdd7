"""Ordinary neighbours: compressed datasets, models with categories, scripts that join texts, arrays that pack well."""

import io
import json

import h5py
import numpy as np

from hostile.torch import STATE, archive
from hostile.wider_formats import field, package, tar, xgboost


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    for label, how in {"gzip": dict(compression="gzip", shuffle=True), "lzf": dict(compression="lzf"), "checksum": dict(compression="gzip", fletcher32=True), "pieces": dict(compression="gzip", chunks=(16, 8))}.items():
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            file.create_dataset("kernel", data=rng.normal(size=(64, 8)).astype(np.float32), **how)
            file.create_dataset("mask", data=np.zeros((128, 8), dtype=np.uint8), **how)
        corpus.benign("hdf5", f"filtered-{label}.h5", out.getvalue(), "compressed datasets")
    weights = field(1, rng.normal(size=16).astype(np.float32).tobytes())
    layer = field(1, b"fc") + field(140, field(1, 4) + field(2, 4) + field(20, weights))
    corpus.benign("coreml", "layer.mlmodel", field(1, 4) + field(2, b"") + field(500, field(1, layer)), "a layer with weights")
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": {"a": {"path": "com.apple.CoreML/model.mlmodel", "name": "model.mlmodel"}}, "rootModelIdentifier": "a"}
    corpus.folder("coreml", "inside.mlpackage", {"Manifest.json": json.dumps(manifest)}, "clean", "items of the package lie inside")
    corpus.benign("boosters", "column-2.json", xgboost(2), "a tree that splits by the last column")
    out = io.BytesIO()
    np.savez_compressed(out, zeros=np.zeros((2048, 2048)))
    corpus.benign("arrays", "zeros.npz", out.getvalue(), "an array of zeros packs a thousand to one")
    scripts = {
        "join.js": "log('a' + 'b');\nconst s = 'file ' + name + ' in the system';\n", "codes.js": "const c = String.fromCharCode(65, 66);\n",
        "paste.R": "m <- paste0('model_', 'fit')\nprint(m)\n", "dots.lua": "print('sys' .. 'log')\n",
    }
    for name, text in scripts.items():
        corpus.benign("scripts", f"pieces-{name}", text.encode(), "texts that are joined")
    listing = "import glob, os, torch\n\nclass P(torch.nn.Module):\n    def load(self, folder):\n        for p in glob.glob(os.path.join(folder, '*.pt')):\n            self.load_state_dict(torch.load(p, weights_only=True))\n"
    config = {"architectures": ["P"], "auto_map": {"AutoModel": "modeling.P"}, "model_type": "p"}
    corpus.folder("repositories", "lists-weights", {"config.json": json.dumps(config), "modeling.py": listing}, "clean", "weights of a folder are read")
    head = "import gc, jinja2, os, pathlib\nimport torch\n\n\nclass P(torch.nn.Module):\n    def forward(self, x):\n        "
    for label, body in {
        "variable": "os.environ['TOKENIZERS_PARALLELISM'] = 'false'", "allocator": "os.environ['LD_PRELOAD'] = '/usr/lib/x86_64-linux-gnu/libjemalloc.so.2'", "template": "jinja2.Template('{{ x }}').render(x=1)",
        "collected": "print(sum(o.numel() for o in gc.get_objects() if torch.is_tensor(o)))", "path-read": "pathlib.Path('prompt.txt').read_text()",
    }.items():
        corpus.folder("repositories", f"method-{label}", {"config.json": json.dumps(config), "modeling.py": head + body + "\n        return x\n"}, "clean", "what methods of models do")
    model = archive(STATE + b".")
    for label, target in {"beside": "model.pt", "dotted": "./model.pt", "above": "../best.pt"}.items():
        corpus.benign("archives", f"link-{label}.tar", tar([("best.pt", model), ("run/model.pt", model), ("run/last.pt", (target,))]), "a second name of a checkpoint")
    corpus.benign("torch", "shards.distcp", model * 3, "a shard of a distributed checkpoint")
    corpus.benign("torch", "package.pt", package({"0.storage": b"\0" * 16}), "a package with its storages")
    corpus.benign("pickle", "sympy.pkl", b"\x80\x04csympy.core.add\nAdd\ncsympy.core.symbol\nSymbol\n\x8c\x01x\x85\x81csympy.core.numbers\nInteger\nK\x02\x85\x81\x86\x81.", "an expression of sympy")
    corpus.benign("pickle", "picture.pkl", b"\x80\x04cPIL.Image\nImage\n)\x81](}\x8c\x01LK\x02K\x02\x86NC\x04\0\1\2\3eb.", "a picture of Pillow")
