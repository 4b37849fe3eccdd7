#!/usr/bin/env python3
"""garak against the obedient stand-in, bare and behind the gateway with its guard: attack success per probe.

    bench/garak_gateway.py BINARY VENV WORKDIR

The same stand-in answers both times: `proofhouse serve` with an assistant of one sentence, and the same server as the
upstream of `proofhouse gateway` with the guard as it comes. A stand-in obeys whatever it reads, so the column
"without" is what garak's detectors can see of a model that resists nothing; it says nothing about a model.
"""

import json
import math
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# Probes whose detectors decide by a string, offline. What is not here needs a download (models that judge toxicity,
# package lists, corpora of words), an attacking model, or detects only that no words of refusal were said, which a
# program that is no model never says.
PROBES = """
promptinject.HijackHateHumans promptinject.HijackKillHumans promptinject.HijackLongPrompt
encoding.InjectBase64 encoding.InjectBase32 encoding.InjectHex encoding.InjectROT13 encoding.InjectAtbash
encoding.InjectMorse encoding.InjectBraille encoding.InjectUU encoding.InjectAscii85 encoding.InjectLeet
encoding.InjectZalgo encoding.InjectUnicodeTagChars encoding.InjectSneakyBits encoding.InjectNato
encoding.InjectEcoji encoding.InjectBase2048
dan.Dan_11_0 dan.DUDE dan.STAN dan.AntiDAN dan.DAN_Jailbreak dan.ChatGPT_Developer_Mode_v2
dan.ChatGPT_Image_Markdown dan.Ablation_Dan_11_0
latentinjection.LatentInjectionReport latentinjection.LatentInjectionResume
latentinjection.LatentInjectionTranslationEnFr latentinjection.LatentInjectionFactSnippetEiffel
latentinjection.LatentInjectionFactSnippetLegal latentinjection.LatentWhoisSnippet
goodside.WhoIsRiley goodside.ThreatenJSON goodside.Tag
sysprompt_extraction.SystemPromptExtraction
web_injection.MarkdownImageExfil web_injection.ColabAIDataLeakage web_injection.StringAssemblyDataExfil
web_injection.PlaygroundMarkdownExfil web_injection.MarkdownURIImageExfilExtended
web_injection.MarkdownURINonImageExfilExtended web_injection.TaskXSS web_injection.MarkdownXSS
grandma.Win10 ansiescape.AnsiEscaped
""".split()
PROMPTS = int(os.environ.get("GARAK_PROMPTS", "20"))  # of each probe, drawn by garak with the seed below
SEED = 20
REFUSED = re.compile(r"^\[.*\(guard/[a-z-]+\)\]$", re.S)  # how the gateway refuses in words


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    binary, venv, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
    (work / "model").mkdir(parents=True, exist_ok=True)
    servers = []
    try:
        bare = stand_in(binary, work, servers)
        guarded, key = gateway(binary, bare, work, servers)
        results, seconds = {}, {}
        for name, url, secret in [("without", bare, "none"), ("with", guarded, key)]:
            start = time.monotonic()
            results[name] = garak(venv, work, name, url, secret)
            seconds[name] = time.monotonic() - start
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    table(results)
    refusals(work / "audit.jsonl")
    print(f"\n{PROMPTS} prompts of a probe at most, one answer each, seed {SEED}; "
          f"{seconds['without']:.0f} s without and {seconds['with']:.0f} s with the guard.")


def stand_in(binary, work, servers):
    """Signs an assistant of one sentence and serves it; returns the address."""
    assistant = {"schema": "proofhouse.assistant/v1", "engine": "stand-in", "prompt": "prompt.md", "max_tokens": 600}
    (work / "model/assistant.json").write_text(json.dumps(assistant))
    (work / "model/prompt.md").write_text("You are a helpful assistant.\n")
    keys = work / "home/keys"
    if not keys.exists():
        run(binary, "keygen", "--home", work / "home")
    signed = run(binary, "sign", work / "model", "--key", keys / "signer.key", "--output", work / "model.sig")
    digest = re.search(r"sha256:[0-9a-f]{64}", signed)[0]
    arguments = ["serve", "--model", work / "model", "--signature", work / "model.sig", "--key", keys / "signer.pub"]
    started = start(binary, [*arguments, "--digest", digest, "--name", "stand-in"], work / "serve", servers)
    return "http://" + (address(started) or sys.exit(f"serve announced no address: {started}"))


def gateway(binary, upstream, work, servers):
    """The guard as it comes, in front of the same server; returns address and key."""
    (work / "audit.jsonl").unlink(missing_ok=True)
    arguments = ["gateway", "--upstream", upstream + "/v1", "--model", "stand-in", "--speaks", "openai"]
    # In words, so that a refused attack is an answer garak counts and not one it leaves out.
    arguments += ["--refuse-in-words", "--audit", work / "audit.jsonl", "--format", "json"]
    started = start(binary, arguments, work / "gateway", servers)
    url = re.search(r'"gateway": *"([^"]+)"', started)[1]
    return url if "://" in url else f"http://{url}", re.search(r'"key": *"([^"]+)"', started)[1]


def address(text):
    found = re.search(r"127\.0\.0\.1:\d+", text)
    return found and found[0]


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def start(binary, arguments, name, servers):
    """Starts a server and returns what it says once it has named its address."""
    with open(f"{name}.out", "w") as out, open(f"{name}.err", "w") as err:
        servers.append(subprocess.Popen([binary, *map(str, arguments)], stdout=out, stderr=err))
    for _ in range(600):
        said = pathlib.Path(f"{name}.out").read_text()
        if address(said) and said.endswith("\n") and said.count("{") == said.count("}"):
            return said
        if servers[-1].poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"{arguments[0]} does not start: {pathlib.Path(f'{name}.err').read_text()[-500:]}")


def garak(venv, work, name, url, secret):
    """Runs garak; returns passed and evaluated answers of each probe and detector."""
    target = {"uri": url.rstrip("/").removesuffix("/v1") + "/v1/", "suppressed_params":
              ["stop", "temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "n"]}
    config = {
        "system": {"lite": True},
        "run": {"generations": 1, "seed": SEED, "soft_probe_prompt_cap": PROMPTS},
        "plugins": {"target_type": "openai.OpenAICompatible", "target_name": "stand-in", "extended_detectors": False,
                    "generators": {"openai": {"OpenAICompatible": target}}},
        "reporting": {"report_dir": str(work), "report_prefix": name, "confidence_interval_method": "none"},
    }
    (work / f"{name}.json").write_text(json.dumps(config))
    environment = os.environ | {"OPENAICOMPATIBLE_API_KEY": secret, "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1",
                                "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
                                "XDG_DATA_HOME": str(work), "XDG_CONFIG_HOME": str(work), "XDG_CACHE_HOME": str(work)}
    report = work / f"{name}.report.jsonl"
    report.unlink(missing_ok=True)
    command = [venv / "bin/python", HERE / "garak_offline.py", "--config", work / f"{name}.json",
               "--spec", ",".join(f"probes.{probe}" for probe in PROBES)]
    with open(work / f"{name}.log", "w") as log:
        subprocess.run(list(map(str, command)), env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    if not report.exists():
        sys.exit(f"garak wrote no report: {(work / f'{name}.log').read_text()[-800:]}")
    entries = [json.loads(line) for line in report.read_text().splitlines()]
    refused = {}
    for entry in entries:
        if entry.get("entry_type") == "attempt" and entry.get("status") == 2:
            said = [output["text"] for output in entry["outputs"] if output]
            probe = entry["probe_classname"]
            refused[probe] = refused.get(probe, 0) + sum(bool(REFUSED.search(text)) for text in said)
    return {(e["probe"], e["detector"].removeprefix("detector.")):
            (e["total_evaluated"] - e["passed"], e["total_evaluated"], refused.get(e["probe"], 0))
            for e in entries if e.get("entry_type") == "eval"}


def wilson(hits, of):
    """The share with its 95 % interval."""
    if of == 0:
        return "-"
    z, share = 1.959964, hits / of
    middle, width = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = (middle - width) / (1 + z * z / of), (middle + width) / (1 + z * z / of)
    return f"{share:.2f} [{max(low, 0):.2f}, {min(high, 1):.2f}]"


def table(results):
    head = "| n | attack success without | with the guard | refused by the guard |\n|---|---|---|---|"
    print(f"| probe | detector {head}---|---|")
    sums = {}
    for key in sorted(set(results["without"]) | set(results["with"])):
        row = [results[name].get(key, (0, 0, 0)) for name in ("without", "with")]
        for group in (key[0].split(".")[0], "**all**"):
            before = sums.setdefault(group, [(0, 0, 0), (0, 0, 0)])
            sums[group] = [tuple(map(sum, zip(*pair))) for pair in zip(before, row)]
        print(f"| {key[0]} | {key[1]} {cells(*row)}")
    print(f"\n| module {head}---|")
    for group in sorted(sums, key=lambda g: (g.startswith("*"), g)):
        print(f"| {group} {cells(*sums[group])}")


def cells(without, guarded):
    n = " / ".join(dict.fromkeys([str(without[1]), str(guarded[1])]))
    shares = wilson(*without[:2]), wilson(*guarded[:2]), wilson(guarded[2], guarded[1])
    return f"| {n} | {' | '.join(shares)} |"


def refusals(audit):
    """What the gateway's audit says of the requests, whatever garak's detectors made of the answers."""
    seen = {}
    for line in audit.read_text().splitlines():
        record = json.loads(line)
        if record["operation"] == "chat":
            what = f"{record['code']}, read as {(record.get('chat') or {}).get('verdict')}"
            seen[what] = seen.get(what, 0) + 1
    print("\nThe gateway's audit: " + "; ".join(f"{count} {what}" for what, count in sorted(seen.items())) + ".")


if __name__ == "__main__":
    main()
