"""MAT-files and bare weights that hold what runs: a payload of `true`."""

import struct
import zlib

import numpy as np

PICKLE = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


def tagged(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(kind, body, name=b"x"):
    return tagged(14, tagged(6, struct.pack("<II", kind, 0)) + tagged(5, struct.pack("<II", 1, 1)) + tagged(1, name) + body)


def octets(content):
    return tagged(14, tagged(6, struct.pack("<II", 9, 0)) + tagged(5, struct.pack("<II", 1, len(content))) + tagged(1, b"x") + tagged(2, content))


def opaque(system, name):
    return tagged(14, tagged(6, struct.pack("<II", 17, 0)) + tagged(1, b"o") + tagged(1, system) + tagged(1, name) + octets(b"\xac\xed\0\x05"))


def file(*elements):
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\x01IM" + b"".join(elements)


def squeezed(element, behind=b""):
    content = zlib.compress(element) + behind
    return struct.pack("<II", 15, len(content)) + content


def make(corpus):
    add = lambda name, content, why: corpus.found("matlab", name, content, why)
    number = array(6, tagged(9, bytes(8)))
    corpus.malicious("matlab", "pickle.mat", file(octets(PICKLE)), "an array of bytes that is a pickle with a command")
    corpus.malicious("matlab", "packed.mat", file(squeezed(octets(PICKLE))), "the same, packed")
    add("function.mat", file(array(16, number)), "a function, whose text runs")
    add("packed-function.mat", file(squeezed(array(16, number))), "the same, packed")
    add("java.mat", file(opaque(b"java", b"java.util.PriorityQueue")), "an object of Java, which is deserialized")
    add("object.mat", file(opaque(b"MCOS", b"Loader")), "an object whose class has code of its own")
    add("old-object.mat", file(array(3, tagged(1, b"loader") + struct.pack("<HHI", 5, 4, 2) + tagged(1, b"a\0") + number)), "an object of the old kind")
    add("behind.mat", file(squeezed(number, PICKLE)), "bytes behind a packed element")
    add("between.mat", file(array(6, tagged(9, bytes(8)) + tagged(1, b"more"))), "bytes in an array that has its values")
    add("script.mat", file(octets(b"#!/bin/sh\ntrue\n")), "an array of bytes that is a script")
    weights = np.random.default_rng(corpus.seed).normal(0, 0.05, 4000).astype("<f4").tobytes()
    head = struct.pack("<3iQ", 0, 2, 5, 32013312)
    corpus.found("weights", "darknet-pickle.weights", head + weights + PICKLE.ljust(32, b"\0"), "a pickle behind the weights of Darknet")
    corpus.found("weights", "darknet-script.weights", head + b"#!/bin/sh\ntrue\n\0" + weights, "weights of Darknet that are a script")
