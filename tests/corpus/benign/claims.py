"""Ordinary neighbours: what Keras says of layers, arrays with their chunks, lengths and paths as configurations have them."""

import json

from hostile.claims import layer
from hostile.tensors import entry, safetensors
from stores import NUMBERS, zarr


def make(corpus):
    corpus.folder("tensorflow", "layers-beside", {"keras_metadata.pb": layer({"class_name": "Dense", "config": {"name": "d", "units": 3}}) + layer({"class_name": "Own>Attention", "config": {"units": 3}})}, "clean", "what Keras says of layers, one of somebody's own")
    corpus.folder("stores", "chunks-there.zarr", zarr(NUMBERS), "clean", "an array with its chunks")
    padding = {"version": "1.0", "padding": {"strategy": {"Fixed": 128}, "pad_id": 0, "pad_token": "[PAD]"}, "model": {"type": "WordLevel", "vocab": {"[PAD]": 0}, "unk_token": "[PAD]"}}
    corpus.folder("tokenizers", "filled-up-128", {"tokenizer.json": json.dumps(padding)}, "clean", "a length as models have it")
    corpus.folder("repositories", "adapter", {"adapter_config.json": json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 4})}, "clean", "a base model by its name")
    said = {"note": "An assistant for code. Run it with `python serve.py`; do not use it for medical advice."}
    corpus.benign("safetensors", "said.safetensors", safetensors({"__metadata__": said, "w": entry(0, 16)}, bytes(16)), "a description that tells how to run it")
