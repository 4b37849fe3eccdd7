"""Pickles put together by hand, so that no library has to have what they name."""

import pickle

COMMAND = "true"


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def text(value):
    """SHORT_BINUNICODE or BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + len(raw).to_bytes(4, "little") + raw


def data(value):
    """SHORT_BINBYTES or BINBYTES."""
    return b"C" + bytes([len(value)]) + value if len(value) < 256 else b"B" + len(value).to_bytes(4, "little") + value


def tuple_of(*parts):
    return b"(" + b"".join(parts) + b"t"


def name(module, attribute):
    """STACK_GLOBAL, without a header."""
    return text(module) + text(attribute) + b"\x93"


def apply(callee, *arguments):
    return callee + tuple_of(*arguments) + b"R"


def proto(body, version=4):
    return b"\x80" + bytes([version]) + body + b"."


def call(module, attribute, *arguments):
    return proto(apply(name(module, attribute), *map(text, arguments)))


SYSTEM_0 = b"cos\nsystem\n(S'true'\ntR"  # as protocol 0 writes a call; leaves its result on the stack
SYSTEM = apply(name("os", "system"), text(COMMAND))


def host(rng, body):
    """A dictionary of harmless things around `body`, which leaves one value on the stack."""
    plain = [text("weights") + b"](" + b"".join(b"K" + bytes([rng.randrange(256)]) for _ in range(rng.randrange(3, 40))) + b"e",
             text("name") + text("".join(rng.choices("abcdefgh", k=rng.randrange(4, 30)))),
             text("shape") + b"K" + bytes([rng.randrange(256)]) + b"K\x03\x86"]
    rng.shuffle(plain)
    at = rng.randrange(len(plain) + 1)
    plain.insert(at, text(rng.choice(["hook", "state", "dtype", "meta"])) + body)
    return proto(b"}(" + b"".join(plain) + b"u", rng.choice([4, 5]))


def dumps(value, protocol=4):
    return pickle.dumps(value, protocol)
