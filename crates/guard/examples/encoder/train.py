#!/usr/bin/env python3
"""Trains the second stage's encoder, once for each fold that leaves kinds of sources out and once on all rows.

    train.py DATA OUT [--steps N] [--folds 0,1,...] [--seed N] [--time]

DATA is what `prepare.py` wrote. OUT receives `final-*.npz` (the weights, float16, in parts), and for each fold
`fold-N.npz`: numbers of the rows that it left out and the highest logit of their windows; `unseen.npz` has those of
the rows that nothing is trained on, by the final weights. Needs torch and, to be done in minutes, an accelerator.
"""

import argparse
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

LAYERS, WIDTH, HEADS, INNER = 6, 384, 12, 1536
# Tokens of a window with its frame, and how many two neighbours share: as `EncoderDetector` cuts.
WINDOW, OVERLAP = 256, 64
# Lengths that are trained, and how often.
LENGTHS, SHARES = (64, 128, WINDOW), (0.35, 0.35, 0.3)
# A source's rows count as n to this power together; harmless rows weigh this much against attacks.
BALANCE, BENIGN = 0.6, 2.0
# Tokens replaced by [MASK], so that no verdict rests on one word.
MASKED = 0.1
# Beside the likelihood: attacks have to stand above this share of the harmless windows of their batch that score
# highest. What counts is recall where false alarms are rare, and the likelihood is content without.
TAIL, TAIL_WEIGHT = 0.05, 0.5
# The weights that are kept are an average over the last steps, so many of them.
AVERAGED = 150
BATCH = 512
RATE, HEAD_RATE = 7e-5, 7e-4
MEASURED_ONLY = "own_indirect"
MEASURED_ONLY_FOLD = 3


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x, mask, drop):
        n, length, _ = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        mixed = self.out(mixed.transpose(1, 2).reshape(n, length, WIDTH))
        x = self.norm1(x + F.dropout(mixed, drop, self.training))
        inner = self.down(F.gelu(self.up(x)))
        return self.norm2(x + F.dropout(inner, drop, self.training))


class Encoder(nn.Module):
    """BERT with a head over the mean, the maximum and the first of its outputs: an order between other sentences
    is a small part of the mean, and all of the maximum."""

    def __init__(self, vocabulary, positions):
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(positions, WIDTH)
        self.types = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.head = nn.Linear(3 * WIDTH, 1)

    def forward(self, ids, real, drop=0.1):
        x = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types
        x = F.dropout(self.norm(x), drop, self.training)
        mask = real[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask, drop)
        weight = real[:, :, None].to(x.dtype)
        mean = (x * weight).sum(1) / weight.sum(1)
        most = x.masked_fill(~real[:, :, None], -1e4).amax(1)
        pooled = torch.cat([mean, most, x[:, 0]], 1).float()
        with torch.autocast(x.device.type, enabled=False):
            return self.head(F.dropout(pooled, drop, self.training)).squeeze(1)


def from_base(base):
    model = Encoder(*(base[f"embeddings.{n}_embeddings.weight"].shape[0] for n in ("word", "position")))
    get = lambda name: torch.from_numpy(base[name].astype(np.float32))
    with torch.no_grad():
        model.words.weight.copy_(get("embeddings.word_embeddings.weight"))
        model.positions.weight.copy_(get("embeddings.position_embeddings.weight"))
        model.types.copy_(get("embeddings.token_type_embeddings.weight")[0])
        pairs = [(model.norm, "embeddings.LayerNorm")]
        for i, block in enumerate(model.blocks):
            at = f"encoder.layer.{i}."
            for part in ("weight", "bias"):
                three = [get(f"{at}attention.self.{n}.{part}") for n in ("query", "key", "value")]
                getattr(block.qkv, part).copy_(torch.cat(three))
            pairs += [
                (block.out, at + "attention.output.dense"),
                (block.norm1, at + "attention.output.LayerNorm"),
                (block.up, at + "intermediate.dense"),
                (block.down, at + "output.dense"),
                (block.norm2, at + "output.LayerNorm"),
            ]
        for module, name in pairs:
            module.weight.copy_(get(name + ".weight"))
            module.bias.copy_(get(name + ".bias"))
    return model


class Rows:
    def __init__(self, path, device):
        file = np.load(path)
        self.host = {name: file[name] for name in file.files}
        start = np.concatenate([[0], np.cumsum(self.host["length"].astype(np.int64))[:-1]])
        to = lambda array: torch.from_numpy(array).to(device)
        self.ids = to(self.host["ids"].astype(np.int32))
        self.start, self.length = to(start), to(self.host["length"].astype(np.int64))
        self.payload = to(self.host["payload"].astype(np.int64))
        self.attack = to(self.host["attack"].astype(np.float32))
        self.device = device

    def framed(self, start, length, width, special):
        """Windows `[CLS] tokens [SEP]`, padded to `width`."""
        places = torch.arange(width, device=self.device)
        inside = places[None] - 1
        tokens = self.ids[(start[:, None] + inside).clamp(0, len(self.ids) - 1)].long()
        real = places[None] < length[:, None] + 2
        ids = torch.where(inside < length[:, None], tokens, special["sep"])
        ids[:, 0] = special["cls"]
        return torch.where(real, ids, special["pad"]), real


def train(rows, base, special, use, steps, seed, report=False):
    torch.manual_seed(seed)
    generator = torch.Generator(rows.device).manual_seed(seed)
    model = from_base(base).to(rows.device)
    head = list(model.head.parameters())
    body = [p for n, p in model.named_parameters() if not n.startswith("head")]
    optimiser = torch.optim.AdamW([{"params": body, "lr": RATE}, {"params": head, "lr": HEAD_RATE}], weight_decay=0.01)
    shape = lambda step: min((step + 1) / (0.06 * steps), 1.0) * 0.5 * (1 + math.cos(math.pi * step / steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, shape)

    host = rows.host
    counts = np.bincount(host["source"][use], minlength=len(host["sources"]))
    weight = np.where(use, counts[host["source"]].clip(1) ** (BALANCE - 1.0), 0.0)
    for attack, times in ((True, 1.0), (False, BENIGN)):
        side = host["attack"] == attack
        weight[side] *= times / weight[side].sum()
    # An attack that is all of a text is not cut short: what is left might be harmless.
    payload = np.where(host["attack"], host["payload"][:, 1] - host["payload"][:, 0], 0)
    draws = {}
    for width in LENGTHS:
        fits = np.where((payload <= width - 2) | (width == WINDOW), weight, 0.0)
        draws[width] = torch.from_numpy(np.cumsum(fits) / fits.sum()).to(rows.device)

    averaged = [parameter.detach().clone() for parameter in model.parameters()]
    widths = np.random.default_rng(seed).choice(LENGTHS, steps, p=SHARES)
    model.train()
    began = time.monotonic()
    for step, width in enumerate(widths.tolist()):
        batch = BATCH * WINDOW // width // 2 if width < WINDOW else BATCH // 2
        points = torch.rand(batch, device=rows.device, generator=generator, dtype=torch.float64)
        chosen = torch.searchsorted(draws[width], points).clamp(max=len(payload) - 1)
        length, room = rows.length[chosen], width - 2
        # A window anywhere, but one that holds the attack where there is one.
        first, last = rows.payload[chosen].unbind(1)
        attack = rows.attack[chosen] > 0
        low = torch.where(attack, (last - room).clamp(min=0), 0)
        high = torch.where(attack, first, length - room).clamp(min=0)
        high = torch.minimum(high, (length - room).clamp(min=0))
        low = torch.minimum(low, high)
        at = low + (torch.rand(batch, device=rows.device, generator=generator) * (high - low + 1)).long()
        ids, real = rows.framed(rows.start[chosen] + at, (length - at).clamp(max=room), width, special)
        hide = (torch.rand(ids.shape, device=rows.device, generator=generator) < MASKED) & real
        hide[:, 0] = False
        ids = torch.where(hide, special["mask"], ids)
        with torch.autocast(rows.device.type, torch.bfloat16):
            logits = model(ids, real)
        loss = F.binary_cross_entropy_with_logits(logits, rows.attack[chosen])
        # The mean of the harmless tail, smoothly.
        harmless = torch.where(attack, -torch.inf, logits)
        tail = torch.logsumexp(harmless, 0) - torch.log(TAIL * (~attack).sum())
        loss = loss + TAIL_WEIGHT * torch.where(attack, F.softplus(tail - logits), 0.0).sum() / attack.sum().clamp(min=1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            keep = min(1 - 1 / AVERAGED, step / (step + 10))
            torch._foreach_lerp_(averaged, list(model.parameters()), 1 - keep)
        if report and step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f} {time.monotonic() - began:.1f} s", flush=True)
    with torch.no_grad():
        for parameter, average in zip(model.parameters(), averaged):
            parameter.copy_(average)
    return model.eval()


@torch.no_grad()
def best(model, rows, special, chosen):
    """The highest logit of each row's windows, and how many there are."""
    room, step = WINDOW - 2, WINDOW - 2 - OVERLAP
    length = rows.host["length"][chosen].astype(np.int64)
    windows = np.maximum(-(-np.maximum(length - OVERLAP, 0) // step), 1)
    owner = np.repeat(np.arange(len(chosen)), windows)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(windows) - windows, windows)
    size = np.minimum(length[owner] - number * step, room)
    order = np.argsort(-size, kind="stable")
    logits = np.empty(len(owner), np.float32)
    for at in range(0, len(order), 1024):
        part = order[at : at + 1024]
        rows_of = torch.from_numpy(chosen[owner[part]]).to(rows.device)
        offset, width = torch.from_numpy(number[part] * step).to(rows.device), int(-(-(size[part].max() + 2) // 16) * 16)
        ids, real = rows.framed(rows.start[rows_of] + offset, torch.from_numpy(size[part]).to(rows.device), width, special)
        with torch.autocast(rows.device.type, torch.bfloat16):
            logits[part] = model(ids, real).cpu().numpy()
    highest = np.full(len(chosen), -np.inf, np.float32)
    np.maximum.at(highest, owner, logits)
    return highest, windows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--folds", default="0,1,3,5,2,4,6")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--final", type=int, default=1)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    rows = Rows(options.data / "rows.npz", device)
    base = np.load(options.data / "base.npz")
    base = {name: base[name] for name in base.files}
    import json

    vocabulary = json.loads((options.data / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    special = {name: vocabulary[f"[{name.upper()}]"] for name in ("cls", "sep", "pad", "mask")}
    fold, sources = rows.host["fold"], rows.host["sources"]
    only = rows.host["source"] == int(np.flatnonzero(sources == MEASURED_ONLY)[0])
    trained = (fold != -1) & ~only

    if options.final:
        model = train(rows, base, special, trained, options.steps, options.seed, report=True)
        state = {name: value.half().cpu().numpy() for name, value in model.state_dict().items()}
        names, parts, size = sorted(state), [{}], 0
        for name in names:
            if size + state[name].nbytes > 14_000_000 and parts[-1]:
                parts.append({})
                size = 0
            parts[-1][name] = state[name]
            size += state[name].nbytes
        for number, part in enumerate(parts):
            np.savez(options.out / f"final-{number}.npz", **part)
        chosen = np.flatnonzero((fold == -1) | only)
        logits, windows = best(model, rows, special, chosen)
        np.savez_compressed(options.out / "unseen.npz", row=chosen, logit=logits, windows=windows)
        print("final weights written", flush=True)
    scores = {}
    for number in [int(n) for n in options.folds.split(",") if n]:
        began = time.monotonic()
        out = (fold == number) | (only if number == MEASURED_ONLY_FOLD else False)
        model = train(rows, base, special, trained & (fold != number), options.steps, options.seed)
        chosen = np.flatnonzero(out)
        logits, windows = best(model, rows, special, chosen)
        scores |= {f"row{number}": chosen, f"logit{number}": logits, f"windows{number}": windows}
        np.savez_compressed(options.out / "folds.npz", **scores)
        print(f"fold {number}: {len(chosen)} rows, {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
