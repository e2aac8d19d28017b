"""Compose's interpolation: variables in the strings of a policy file.

    $VAR ${VAR}        its value            ${VAR:-default} ${VAR-default}   where it is empty or unset / unset
    $$                 a dollar sign        ${VAR:?message} ${VAR?message}   an error where it is empty or unset / unset
                                            ${VAR:+other}   ${VAR+other}     where it is set and not empty / set

Values come from the environment, then from `.env` beside the file. Unlike in Compose a variable that is set nowhere and has
no default is an error, not an empty text. A plain scalar is read by YAML's rules again afterwards, so `port: ${PORT}` is a
number.
Source: Compose specification, "Interpolation".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from autoscaler.spec.nodes import Entry, ListNode, MapNode, Node, Path, Scalar, shown
from autoscaler.spec.problems import Problems
from autoscaler.spec.yaml12 import resolve

MOST_NESTED = 10

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's value and where it comes from."""

    value: str
    source: str


Lookup = Callable[[str], Variable | None]


class CannotInterpolate(ValueError):
    """A text whose variables can't be filled in: what, and how to put it right."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


def interpolate(text: str, lookup: Lookup, depth: int = 0) -> tuple[str, tuple[str, ...]]:
    """The text with its variables filled in, and where their values came from."""
    if depth > MOST_NESTED:
        raise CannotInterpolate(f"variables nested more than {MOST_NESTED} deep", "use fewer defaults in defaults")
    parts: list[str] = []
    sources: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        parts.append(text[position:dollar])
        if text.startswith("$$", dollar):
            parts.append("$")
            position = dollar + 2
            continue
        expression, position = _expression(text, dollar)
        value, where = _evaluate(expression, lookup, depth)
        parts.append(value)
        sources.extend(where)
    parts.append(text[position:])
    return "".join(parts), tuple(dict.fromkeys(sources))


def _expression(text: str, dollar: int) -> tuple[str, int]:
    """What stands behind a dollar sign (without braces), and where it ends."""
    if not text.startswith("{", dollar + 1):
        name = _NAME.match(text, dollar + 1)
        if not name:
            raise CannotInterpolate("`$` without a variable's name", "write `$$` for a dollar sign")
        return name[0], name.end()
    open_braces, position = 1, dollar + 2
    while position < len(text):
        if text.startswith("${", position):
            open_braces, position = open_braces + 1, position + 2
            continue
        if text[position] == "}":
            open_braces -= 1
            if not open_braces:
                return text[dollar + 2 : position], position + 1
        position += 1
    raise CannotInterpolate("`${` is not closed", "write `${NAME}`, or `$$` for a dollar sign")


def _evaluate(expression: str, lookup: Lookup, depth: int) -> tuple[str, tuple[str, ...]]:
    match = _BRACED.fullmatch(expression)
    if not match:
        what = f"{shown('${' + expression + '}')} is no variable"
        raise CannotInterpolate(what, "write `${NAME}`, `${NAME:-default}` or `${NAME:?message}`")
    name, operator, word = match[1], match[2] or "", match[3] or ""
    short = shown(name)[1:-1]
    variable = lookup(name)
    there = variable is not None and (variable.value != "" or not operator.startswith(":"))
    if operator.endswith("+"):
        return interpolate(word, lookup, depth + 1) if there else ("", ())
    if variable is not None and there:
        return variable.value, (variable.source,)
    if operator.endswith("-"):
        return interpolate(word, lookup, depth + 1)
    if operator.endswith("?"):
        told, _ = interpolate(word, lookup, depth + 1)
        state = "is empty" if variable else "is not set"
        what = f"variable {short} {state}" + (f": {shown(told)[1:-1]}" if told else "")
        raise CannotInterpolate(what, f"set {short}")
    raise CannotInterpolate(f"variable {short} is not set", f"set it, or write `${{{short}:-default}}`")


def fill_in(node: Node, lookup: Lookup, problems: Problems, path: Path = ()) -> Node:
    """A tree with the variables of all its values filled in. Keys are left alone, as in Compose."""
    match node:
        case MapNode():
            entries = {
                key: Entry(entry.mark, fill_in(entry.value, lookup, problems, (*path, key)))
                for key, entry in node.entries.items()
            }
            return replace(node, entries=entries)
        case ListNode():
            items = tuple(fill_in(item, lookup, problems, (*path, index)) for index, item in enumerate(node.items))
            return replace(node, items=items)
        case Scalar(value=str()) if "$" in node.text:
            return _filled(node, lookup, problems, path)
        case _:
            return node


def _filled(node: Scalar, lookup: Lookup, problems: Problems, path: Path) -> Scalar:
    try:
        text, sources = interpolate(node.text, lookup)
    except CannotInterpolate as error:
        problems.add(node.mark, path, error.what, error.fix)
        return node
    value = resolve(text) if node.plain and text else text
    return replace(node, value=value, text=text, source=", ".join(sources))
