"""Rebuilds the signed bytes of a model bundle: BUNDLE PUBLIC_KEY SIGNED_OUT SIGNATURE_OUT.

The pre-authentication encoding of DSSE is written here a second time, so that an error in ours shows. Only the
standard library is used.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

bundle_path, key_path, signed_path, signature_path = map(Path, sys.argv[1:])
bundle = json.loads(bundle_path.read_bytes())
envelope = bundle["dsseEnvelope"]
payload = base64.b64decode(envelope["payload"], validate=True)
kind = envelope["payloadType"].encode()
signed_path.write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
(signature,) = envelope["signatures"]
signature_path.write_bytes(base64.b64decode(signature["sig"], validate=True))

hint = bundle["verificationMaterial"]["publicKey"]["hint"]
actual = hashlib.sha256(key_path.read_bytes()).hexdigest()
if hint != actual:
    sys.exit(f"hint is {hint}, the key file has {actual}")
statement = json.loads(payload)
resources = statement["predicate"]["resources"]
names = [resource["name"] for resource in resources]
if names != sorted(names):
    sys.exit(f"resources are not in code-point order: {names}")
root = hashlib.sha256(b"".join(bytes.fromhex(r["digest"]) for r in resources)).hexdigest()
if statement["subject"][0]["digest"]["sha256"] != root:
    sys.exit("the subject digest is not the digest over the resources' raw digests")
