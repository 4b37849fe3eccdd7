"""Repositories as transformers writes them: small models with random weights."""

import json

import numpy as np


def make(corpus):
    import torch
    import transformers

    torch.manual_seed(corpus.seed)
    transformers.logging.set_verbosity_error()
    configs = {
        "bert": lambda: transformers.BertForSequenceClassification(transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50)),
        "gpt2": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=50)),
        "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50)),
        "vit": lambda: transformers.ViTForImageClassification(transformers.ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=8, patch_size=4)),
        "t5": lambda: transformers.T5ForConditionalGeneration(transformers.T5Config(d_model=16, d_ff=16, num_layers=1, num_heads=2, d_kv=8, vocab_size=50)),
    }
    for name, build in configs.items():
        model = build()
        model.save_pretrained(corpus.path("repositories", name, "clean", "save_pretrained"))
        (corpus.out / "benign/repositories" / name / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n\n```python\nimport torch\nmodel = torch.load('x')\n```\n")
    model.save_pretrained(corpus.path("repositories", "sharded", "clean", "save_pretrained in shards"), max_shard_size="20KB")
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(["import os", "os.system eval exec", "a text of words"] * 20, trainers.BpeTrainer(vocab_size=80, special_tokens=["[UNK]", "[PAD]"]))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")
    fast.chat_template = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
    fast.save_pretrained(corpus.path("repositories", "tokenizer", "clean", "a tokenizer's save_pretrained"))
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    corpus.folder("repositories", "sentence-transformer", {"modules.json": json.dumps(modules), "1_Pooling/config.json": json.dumps({"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}), "config.json": json.dumps({"model_type": "bert"})},
                  "clean", "the layout of sentence-transformers")
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "unet": ["diffusers", "UNet2DConditionModel"], "tokenizer": ["transformers", "CLIPTokenizer"]}
    corpus.folder("repositories", "diffusion", {"model_index.json": json.dumps(index), "unet/config.json": json.dumps({"_class_name": "UNet2DConditionModel", "sample_size": 64})}, "clean", "the layout of diffusers")
    from sklearn.linear_model import LogisticRegression
    import pickle

    model = LogisticRegression().fit(np.arange(20.0).reshape(10, 2), np.arange(10) % 2)
    mlmodel = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    python_version: 3.11.4\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: pickle\n"
    corpus.folder("repositories", "mlflow", {"MLmodel": mlmodel, "model.pkl": pickle.dumps(model), "requirements.txt": "mlflow==3.1\nscikit-learn==1.9.1\n", "python_env.yaml": "python: 3.11.4\n"}, "clean", "the layout of MLflow")
