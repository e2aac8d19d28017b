"""What the engine is asked for to remove a container, by what it answers."""

import pytest
import requests
from docker.errors import APIError, NotFound

from autoscaler.runtimes.docker.end import remove_replica


def refused(status: int, words: str) -> APIError:
    response = requests.Response()
    response.status_code = status
    return (NotFound if status == 404 else APIError)(words, response, words)


class Engine:
    """An SDK client that gives these answers in turn, None where it does as it is told."""

    def __init__(self, *answers: APIError | None) -> None:
        self.by_force: list[bool] = []
        self._answers = list(answers)

    def remove_container(self, id: str, *, v: bool, force: bool) -> None:
        assert (id, v) == ("abc", True)
        self.by_force.append(force)
        if answer := self._answers.pop(0):
            raise answer


@pytest.mark.parametrize(
    ("answers", "by_force"),
    [
        pytest.param([None], [False], id="one that has ended needs no force"),
        pytest.param([refused(404, "no such container")], [False], id="gone already"),
        pytest.param([refused(409, "removal of abc is already in progress")], [False], id="going"),
        pytest.param([refused(409, "cannot remove a running container"), None], [False, True], id="one that runs"),
        pytest.param([refused(500, "driver failed to remove"), None], [False, True], id="its files can't be removed"),
        pytest.param([refused(409, "it is running"), refused(404, "no such container")], [False, True], id="gone meanwhile"),
    ],
)
def test_force_comes_only_after_a_removal_without_it_was_refused(
    answers: list[APIError | None], by_force: list[bool]
) -> None:
    engine = Engine(*answers)
    remove_replica(engine, "abc")  # type: ignore[arg-type]
    assert engine.by_force == by_force


def test_a_removal_that_is_refused_by_force_too_has_failed() -> None:
    engine = Engine(
        refused(409, "it is running"), refused(500, "tried to kill container, but did not receive an exit event")
    )
    with pytest.raises(APIError, match="did not receive an exit event"):
        remove_replica(engine, "abc")  # type: ignore[arg-type]
    assert engine.by_force == [False, True]
