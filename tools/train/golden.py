"""States the hashing of features apart from the Swift code, and prints the values that FeatureTests expects."""

MASK = 0xFFFFFFFF
START = 0x51515151
EDGE = 0x20


def add(scalar, value):
    return ((value ^ scalar) * 0x01000193) & MASK


def join(first, second):
    return ((((first * 0x9E3779B1) & MASK) ^ second) * 0x85EBCA6B) & MASK


def mix(value):
    value ^= value >> 15
    value = value * 0x2C1B3C6D & MASK
    value ^= value >> 12
    value = value * 0x297A2D39 & MASK
    return value ^ value >> 15


def word(text):
    value = 0x811C9DC5
    for sign in text:
        value = add(ord(sign), value)
    return value


def show(name, values):
    print(name, ", ".join(f"0x{mix(value):08X}" for value in values))


bad, app, evil = word("bad"), word("app"), word("übel")
show("Bad app:", [bad, join(START, bad), app, join(bad, app)])
four = join(join(ord("ü"), ord("b")), join(ord("e"), ord("l")))
show("ÜBEL:", [four, evil, join(START, evil)])
a, b = ord("a"), ord("b")
end = join(b, EDGE)
show(
    "ab, as letters:",
    [join(EDGE, a), join(a, b), join(EDGE, join(a, b)), end, join(a, end), join(EDGE, join(a, end)), word("ab")],
)
