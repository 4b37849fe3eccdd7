"""Writes model bundles that break the standard, each validly signed: PRIVATE_KEY BUNDLE FOLDER.

They start from a bundle of the reference implementation. Each is what a careless or hostile signer could publish;
the signature is no defence against the signer.
"""

import base64
import copy
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

key_path, bundle_path, folder = map(Path, sys.argv[1:])
key = load_pem_private_key(key_path.read_bytes(), None)
bundle = json.loads(bundle_path.read_bytes())
statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def seal(statement: dict) -> None:
    """Makes the subject digest right again."""
    raw = b"".join(bytes.fromhex(r["digest"]) for r in statement["predicate"]["resources"])
    statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(raw).hexdigest()


def publish(name: str, statement: dict) -> None:
    payload = json.dumps(statement).encode()
    kind = bundle["dsseEnvelope"]["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    forged = copy.deepcopy(bundle)
    forged["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    forged["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(key.sign(signed, ec.ECDSA(SHA256()))).decode()
    (folder / f"{name}.sig").write_text(json.dumps(forged))


def resources(statement: dict) -> list:
    return statement["predicate"]["resources"]


def duplicate_name(s: dict) -> None:
    resources(s).insert(0, {**resources(s)[0], "digest": "00" * 32})


def dotted_name(s: dict) -> None:
    resources(s)[0]["name"] = "./" + resources(s)[0]["name"]


def extra_member(s: dict) -> None:
    s["predicate"]["note"] = "x"


def hidden_file(s: dict) -> None:
    s["predicate"]["serialization"]["ignore_paths"].append("cache")


def unchanged(s: dict) -> None:
    pass


for change in (unchanged, duplicate_name, dotted_name, extra_member, hidden_file):
    forged = copy.deepcopy(statement)
    change(forged)
    seal(forged)
    publish(change.__name__, forged)
