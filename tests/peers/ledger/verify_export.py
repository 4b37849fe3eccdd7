"""Checks an exported ledger with nothing of Proofhouse: RFC 6962 from the standard library, Ed25519 from
`cryptography` (PyPI), the note format from C2SP signed-note.

    python3 verify_export.py EXPORT_DIRECTORY PROOFS_JSON
"""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(hashes):
    """MTH of RFC 6962 section 2.1, from leaf hashes."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\x01", root_of(hashes[:split]), root_of(hashes[split:]))


def root_by_path(index, size, leaf, path):
    """The root an audit path leads to, by the recursion that defines PATH(m, D[n])."""
    if size == 1:
        assert not path, "the path is too long"
        return leaf
    split = 1 << ((size - 1).bit_length() - 1)
    if index < split:
        return sha256(b"\x01", root_by_path(index, split, leaf, path[:-1]), path[-1])
    return sha256(b"\x01", path[-1], root_by_path(index - split, size - split, leaf, path[:-1]))


def open_note(note, vkey):
    """Checks the signature; returns size and root."""
    name, key_hash, key = vkey.split("+", 2)
    key = base64.b64decode(key, validate=True)
    assert key[0] == 1, "not an Ed25519 key"
    assert sha256(name.encode() + b"\n" + key)[:4].hex() == key_hash, "the key hash does not fit"
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    dash, signer, signature = signatures.rstrip("\n").split(" ")
    signature = base64.b64decode(signature, validate=True)
    assert (dash, signer, signature[:4].hex()) == ("\u2014", name, key_hash), "signed by another key"
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text.encode())
    origin, size, root = text.splitlines()
    assert origin == name, "another log"
    return int(size), base64.b64decode(root, validate=True)


def main():
    export, proofs = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    note = (export / "checkpoint").read_text(encoding="utf-8")
    size, root = open_note(note, proofs["verifier"])
    try:
        open_note(note.replace(f"\n{size}\n", f"\n{size + 1}\n"), proofs["verifier"])
        raise AssertionError("a changed note was accepted")
    except Exception as error:
        assert type(error).__name__ == "InvalidSignature", error

    leaves = (export / "leaves.jsonl").read_bytes().split(b"\n")[:-1]
    assert len(leaves) == size, "the number of leaves is another"
    for seq, leaf in enumerate(leaves):
        assert json.loads(leaf)["seq"] == seq
    hashes = [sha256(b"\x00", leaf) for leaf in leaves]
    assert root_of(hashes) == root, "the leaves give another root"
    assert (export / "tile/0/000").read_bytes() == b"".join(hashes[:256]), "the first tile is another"

    old_size, old_root = open_note(proofs["older"], proofs["verifier"])
    assert root_of(hashes[:old_size]) == old_root, "the older checkpoint is of another log"

    inclusion = proofs["inclusion"]
    raw = lambda digest: bytes.fromhex(digest.removeprefix("sha256:"))
    assert raw(inclusion["leaf_hash"]) == hashes[inclusion["seq"]]
    path = [raw(digest) for digest in inclusion["path"]]
    assert root_by_path(inclusion["seq"], size, hashes[inclusion["seq"]], path) == root, "the proof fails"
    print(f"{size} leaves, root {root.hex()}")


main()
