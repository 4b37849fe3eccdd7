"""DSSE and in-toto through their own Python libraries.

    dsse_peer.py check ENVELOPE PUBLIC_KEY FILE    reads our statement about FILE
    dsse_peer.py make  ENVELOPE PRIVATE_KEY FILE   writes a statement about FILE for us to read
"""

import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

TYPE = "application/vnd.in-toto+json"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"

action, envelope_path, key_path, file_path = sys.argv[1:]
envelope_path, key_bytes = Path(envelope_path), Path(key_path).read_bytes()
digest = hashlib.sha256(Path(file_path).read_bytes()).hexdigest()

if action == "check":
    key = SSlibKey.from_crypto(load_pem_public_key(key_bytes), keyid=hashlib.sha256(key_bytes).hexdigest())
    envelope = Envelope.from_dict(json.loads(envelope_path.read_bytes()))
    envelope.verify([key], 1)
    assert envelope.payload_type == TYPE, envelope.payload_type
    # Members that the in-toto definitions do not know raise an error here.
    statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    assert statement.predicate_type == PREDICATE, statement.predicate_type
    assert statement.subject[0].digest["sha256"] == digest
    result = json_format.ParseDict(json_format.MessageToDict(statement.predicate), test_result_pb2.TestResult())
    assert result.result == "PASSED" and list(result.passed_tests) == ["scan"], result
elif action == "make":
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": file_path, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": {"result": "PASSED", "configuration": [], "passedTests": ["scan"]},
    }
    private = load_pem_private_key(key_bytes, None)
    signer = CryptoSigner(private, SSlibKey.from_crypto(private.public_key()))
    envelope = Envelope(json.dumps(statement, indent=2).encode(), TYPE, {})
    envelope.sign(signer)
    envelope_path.write_text(json.dumps(envelope.to_dict()))
else:
    sys.exit(__doc__)
