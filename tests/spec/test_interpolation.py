"""Variables in policy files, as Compose fills them in."""

from pathlib import Path

import pytest

from autoscaler.spec import dotenv
from autoscaler.spec.interpolation import CannotInterpolate, Lookup, Variable, interpolate
from autoscaler.spec.nodes import Mark
from autoscaler.spec.problems import Problems
from tests.support.policies import GOOD, changed, load_text, spec_of


def lookup(**variables: str) -> Lookup:
    return lambda name: Variable(variables[name], "test") if name in variables else None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$SET ${SET}", "x x"),
        ("$$SET $${SET}", "$SET ${SET}"),
        ("${SET:-d}${SET-d}", "xx"),
        ("${EMPTY:-d}|${EMPTY-d}", "d|"),
        ("${UNSET:-d}|${UNSET-d}|${UNSET:-}", "d|d|"),
        ("${UNSET:-${SET}y}", "xy"),
        ("${UNSET:-${ALSO:-{}}", "{"),
        ("${SET:?no}", "x"),
        ("${EMPTY?no}", ""),
        ("${SET:+a}|${EMPTY:+a}|${EMPTY+a}|${UNSET+a}", "a||a|"),
        ("http://${SET}:80/", "http://x:80/"),
    ],
)
def test_composes_expressions(text: str, value: str) -> None:
    assert interpolate(text, lookup(SET="x", EMPTY=""))[0] == value


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${UNSET}", "variable UNSET is not set"),
        ("${UNSET:?set it in .env}", "variable UNSET is not set: set it in .env"),
        ("${EMPTY:?}", "variable EMPTY is empty"),
        ("${", "`${` is not closed"),
        ("100$", "`$` without a variable's name"),
        ("${a b}", "'${a b}' is no variable"),
        ("${}", "'${}' is no variable"),
        ("${A:-" * 12 + "}" * 12, "variables nested more than 10 deep"),
    ],
)
def test_what_cannot_be_filled_in(text: str, what: str) -> None:
    with pytest.raises(CannotInterpolate) as error:
        interpolate(text, lookup(EMPTY=""))
    assert error.value.what == what


def test_a_variables_value_is_not_interpolated_again() -> None:
    assert interpolate("$A", lookup(A="$B"))[0] == "$B"


def test_dotenv_files() -> None:
    text = """\
# a comment
export PLAIN=a b   # a comment
COLON: value
SINGLE='as it is $PLAIN'
DOUBLE="a line\\nand ${PLAIN}, ${HOME}, \\$X"
LINES="one
two"
DOLLAR=pa$$w$1d$
HASH=a#b
EMPTY=
HOME
"""
    problems = Problems()
    found = dotenv.parse(text, ".env", lookup(HOME="/root"), problems)
    assert problems.found == []
    assert {name: variable.value for name, variable in found.items()} == {
        "PLAIN": "a b",
        "COLON": "value",
        "SINGLE": "as it is $PLAIN",
        "DOUBLE": "a line\nand a b, /root, $X",
        "LINES": "one\ntwo",
        "DOLLAR": "pa$w$1d$",
        "HASH": "a#b",
        "EMPTY": "",
        "HOME": "/root",
    }
    assert found["DOLLAR"].source == ".env:8"


def test_bad_lines_of_a_dotenv_file_are_told() -> None:
    problems = Problems()
    dotenv.parse("A=1\nno variable here\nB='open\n", ".env", lookup(), problems)
    assert [problem.mark for problem in problems.found] == [Mark(".env", 2, 1), Mark(".env", 3, 1)]


def test_the_environment_stands_before_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=file\nPORT=81\n")
    spec = spec_of(tmp_path, changed("app:1", "app:${TAG}").replace("5000", "${PORT}"), {"TAG": "environment"})
    assert (spec.replica.image, spec.replica.port) == ("app:environment", 81)


def test_a_quoted_variable_stays_a_text(tmp_path: Path) -> None:
    (problem,) = load_text(tmp_path, changed("5000", '"${PORT}"'), {"PORT": "81"}).problems
    assert (problem.key, problem.what) == ("replica.port", "found '81'")


def test_a_bad_dotenv_is_told_once_for_all_documents(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("oops oops\n")
    loaded = load_text(tmp_path, GOOD + "---\n" + GOOD.replace("web", "shop").replace("8080", "8081"))
    assert [str(problem.mark) for problem in loaded.problems] == [f"{tmp_path}/.env:1:1"]
