"""Files of variables, `.env` and `env_file`, as Compose reads them.

    # a comment              export NAME=value     NAME: value
    PLAIN=a b   # comment    SINGLE='as it is $X'  DOUBLE="a line\\nand ${OTHER:-another}"

Plain and double-quoted values are interpolated, from the environment and from the lines above; unset is empty here. Quoted
values may span lines. A name alone passes the environment's variable on.
Source: Docker, "Interpolation", .env file syntax.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.spec.interpolation import CannotInterpolate, Lookup, Variable, interpolate
from autoscaler.spec.nodes import Mark
from autoscaler.spec.problems import Problems

_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*([=:]?)[ \t]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_PLAIN_COMMENT = re.compile(r"(?:^|[ \t]+)#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_LONE_DOLLAR = re.compile(r"\$\$|\$(?![A-Za-z_{])")


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    end: int
    interpolated: bool = True


def parse(text: str, file: str, lookup: Lookup, problems: Problems) -> Mapping[str, Variable]:
    """The variables of a file, each with its line as source. `lookup` knows the environment, which wins inside of values."""
    text = text.replace("\r\n", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.add(Mark(file, line, 1), (), "a NUL", "remove it, and save the file as text")
        return {}
    found: dict[str, Variable] = {}
    position, line, counted = 0, 1, 0

    def known(name: str) -> Variable:
        return lookup(name) or found.get(name) or Variable("", file)

    while position < len(text):
        if blank := _BLANK.match(text, position):
            position = blank.end()
            continue
        line, counted = line + text.count("\n", counted, position), position
        name = _NAME.match(text, position)
        end_of_line = text.find("\n", position) + 1 or len(text)
        value = _value(text, name) if name else None
        if name is None or value is None:
            problems.add(Mark(file, line, 1), (), "not a variable", "write NAME=value, close quotes, start comments with #")
            position = end_of_line
            continue
        position = value.end
        if not name[2]:
            if passed := lookup(name[1]):
                found[name[1]] = passed
            continue
        try:
            told = interpolate(_LONE_DOLLAR.sub("$$", value.text), known)[0] if value.interpolated else value.text
        except CannotInterpolate as error:
            problems.add(Mark(file, line, 1), (name[1],), error.what, error.fix)
            continue
        found[name[1]] = Variable(told, f"{file}:{line}")
    return found


def _value(text: str, name: re.Match[str]) -> _Value | None:
    """What stands behind a name, None where it can't be read."""
    start = name.end()
    if not name[2]:
        blank = _BLANK.match(text, start)
        return _Value("", blank.end()) if blank else None
    if text.startswith("'", start):
        return _quoted(text, _SINGLE.match(text, start), escapes=False)
    if text.startswith('"', start):
        return _quoted(text, _DOUBLE.match(text, start), escapes=True)
    plain = _PLAIN.match(text, start)
    assert plain is not None  # it matches the empty text
    return _Value(_PLAIN_COMMENT.sub("", plain[0]).rstrip(), min(plain.end() + 1, len(text)))


def _quoted(text: str, quoted: re.Match[str] | None, escapes: bool) -> _Value | None:
    if not quoted or not (blank := _BLANK.match(text, quoted.end())):
        return None
    value = _ESCAPE.sub(_unescaped, quoted[1]) if escapes else quoted[1]
    return _Value(value, blank.end(), interpolated=escapes)


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1] == "$":
        return "$$"
    return _ESCAPES.get(escape[1], escape[1] if escape[1] in '"\\' else escape[0])
