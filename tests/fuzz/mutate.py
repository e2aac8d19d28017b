"""Ways to break an input: bytes cut, doubled, moved and put in, words of a dictionary, and JSON of another shape.

Source: AFL's technical whitepaper (zalewski), "havoc" and "splice" stages: many small changes at once, and halves of two
inputs, find more than one change at a time.
"""

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

NUMBERS = (
    "0", "-1", "1", "255", "65536", "2147483648", "-2147483649", "9223372036854775808", "1e308", "1e999", "-1e999", "NaN",
    "Infinity", "-0", "0.1", "1e-320", "00", "+1", "0x10", "1_000", " 1", "9" * 30, "9" * 400, "9" * 5000, "٣", "²", "",
)  # fmt: skip
WORDS = (
    b"\0", b"\n", b"\r\n", b"\t", b"\x1b[31m", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", "é".encode(), "\u2028".encode(),
    b"\xef\xbb\xbf", b"'", b'"', b"\\", b"#", b"%[src]", b"${A}", b"$", b"{", b"}", b"[", b"]", b";", b",", b":", b"..",
    b"/", b"//", b"%2f", b"%00", b"%", b" ", b"-", b"()", b"(a+)+$", b"null", b"true", b"A" * 300, b"A" * 3000,
)  # fmt: skip
WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 1.5, -0.5, 1e308, float("inf"), float("nan"), "", "x",
    "0", "-1", "1e999", "\0", "a\nb", "\x1b[31m", "é\u2028", "\ud800", "9" * 400, "A" * 3000, [], [None], [1, "a"], [[]],
    {}, {"": None}, {"a": {"b": [{}]}}, [["a", "b"]],
)  # fmt: skip


def broken(random: Random, good: bytes, corpus: Sequence[bytes] = (), words: Sequence[bytes] = WORDS) -> bytes:
    """A good input with some changes, mostly few."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        good = _once(random, good, corpus, words)
    return good


def _once(random: Random, given: bytes, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start = random.randint(0, len(given))
    end = min(len(given), start + random.choice((0, 1, 1, 2, 4, 8, 20, 100)))
    before, stretch, after = given[:start], given[start:end], given[end:]
    match random.randrange(10):
        case 0:
            return before + bytes([random.randrange(256)]) + after
        case 1:
            return before + after
        case 2:
            return before + stretch * random.choice((2, 3, 40)) + after
        case 3:
            other = random.choice(corpus) if corpus else given
            return before + other[random.randint(0, len(other)) :]
        case 4:
            return before + bytes(random.randrange(256) for _ in range(random.randint(1, 8))) + after
        case 5:
            return before
        case 6:
            return _with_other_number(random, given)
        case 7:
            lines = given.split(b"\n")
            lines.insert(random.randint(0, len(lines)), lines.pop(random.randrange(len(lines))))
            return b"\n".join(lines)
        case _:
            return before + random.choice(words) + after


def _with_other_number(random: Random, given: bytes) -> bytes:
    """One run of digits stands for another number."""
    at = [place for place in range(len(given)) if given[place : place + 1].isdigit()]
    if not at:
        return given
    start = end = random.choice(at)
    while given[end : end + 1].isdigit():
        end += 1
    return given[:start] + random.choice(NUMBERS).encode() + given[end:]


# ---------------------------------------------------------------- JSON


def misshapen(random: Random, good: Any) -> Any:
    """A JSON value with some of its parts of another shape, missing, doubled or where others belong."""
    given = [copy.deepcopy(good)]
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        holder, key = random.choice(list(_places(given)))
        value = holder[key]
        match random.randrange(6):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(("", "\0", f"{key}x", key.upper(), "__class__"))] = holder.pop(key)
            case 2 if isinstance(value, list) and value:
                holder[key] = value * random.choice((2, 100))
            case 3:
                other, place = random.choice(list(_places(given)))
                holder[key] = copy.deepcopy(other[place])
            case _:
                holder[key] = copy.deepcopy(random.choice(WRONG))
    return given[0] if given else None


def _places(value: Any) -> Any:
    """Every place that holds a value: its container and the key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def as_json(random: Random, value: Any) -> bytes:
    """Its text, now and then broken once more, or nested beyond reason."""
    text = json.dumps(value).encode()
    match random.randrange(12):
        case 0:
            return broken(random, text)
        case 1:
            deep = random.choice((60, 1200, 30_000))
            return text.replace(b"null", b"[" * deep + b"]" * deep, 1)
        case 2:
            return text[: random.randint(0, len(text))]
        case _:
            return text
