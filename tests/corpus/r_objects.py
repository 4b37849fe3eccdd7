"""Objects of R, put together by hand after its serialization."""

import gzip
import struct


def words(*values):
    return struct.pack(f">{len(values)}I", *values)


def char(text):
    return words(0x40009, len(text)) + text.encode()


def symbol(name):
    return words(1) + char(name)


def text(value):
    return words(16, 1) + char(value)


def call(head, *arguments):
    return words(6) + head + b"".join(words(2) + argument for argument in arguments) + words(254)


def promise(code, value=words(252)):
    """Code with what it came to before, or without that."""
    return words(0x405) + words(253) + value + code


def function(body):
    return words(0x403, 253, 0x402) + symbol("x") + words(251, 254) + body


def rds(item):
    return gzip.compress(b"X\n" + words(3, 0x40300, 0x30500, 5) + b"UTF-8" + item, mtime=0)


NUMBER = words(14, 1) + struct.pack(">d", 1.5)
