"""The state dir is ours alone, and says why where it isn't."""

import os
import stat
from pathlib import Path

import pytest

from autoscaler.errors import StateError
from autoscaler.store.state_dir import prepare_state_dir, read_or_make_token


def test_a_new_dir_is_ours_alone_with_its_parents_made(tmp_path: Path) -> None:
    made = prepare_state_dir(tmp_path / "a" / "b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert prepare_state_dir(made) == made


def test_an_empty_dir_made_for_us_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    assert stat.S_IMODE(prepare_state_dir(tmp_path / "state").stat().st_mode) == 0o700


def test_a_full_dir_that_others_can_read_is_refused_with_its_mode_and_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "passwd").touch()
    state.chmod(0o755)
    with pytest.raises(StateError, match=rf"{state}: mode 0755 lets others in; chmod 700 {state}"):
        prepare_state_dir(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o755


def test_another_users_dir_is_refused_with_both_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(StateError, match=rf"belongs to user {mine} \(mode 0700\), this is user {mine + 1}"):
        prepare_state_dir(tmp_path / "state")


def test_a_path_too_long_for_sockets_is_refused_before_it_is_made(tmp_path: Path) -> None:
    long = tmp_path / ("d" * 80)
    with pytest.raises(StateError, match="more than 80, too long for sockets; name a shorter one with --state-dir"):
        prepare_state_dir(long)
    assert not long.exists()


def test_a_file_in_the_way_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=f"{tmp_path}/file: file exists; name a folder"):
        prepare_state_dir(tmp_path / "file")


def test_a_token_is_made_once_and_only_ours(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = read_or_make_token(path)
    assert len(token) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_token(path) == token
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_token_that_others_can_use_is_refused_with_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.write_text("secret\n")
    path.chmod(mode)
    with pytest.raises(StateError, match=rf"mode {mode:04o} lets others read the token; chmod 600 {path}") as refused:
        read_or_make_token(path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "holds no token", id="empty"),
        pytest.param(b"\n", "holds no token", id="a blank line"),
        pytest.param(b"\xff\xfe", "is no text", id="bytes"),
    ],
)
def test_a_token_file_without_a_token_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StateError, match=what):
        read_or_make_token(path)
