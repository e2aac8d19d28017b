"""Which files are read, what is said when they can't be, and what is kept of a document."""

import os
from pathlib import Path

import pytest

from autoscaler.spec.load import Loaded, load_document, load_policies
from autoscaler.spec.problems import as_error
from tests.support.policies import GOOD, changed, load_text, with_replica

OTHER = GOOD.replace("service: web", "service: shop").replace("8080", "8081")


def load(*paths: Path, allow_writable: bool = False) -> Loaded:
    return load_policies(paths, environ={}, allow_writable=allow_writable)


def names(loaded: Loaded) -> list[str]:
    return [document.spec.service for document in loaded.documents]


def test_a_folders_policies_in_order_without_editors_files(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(GOOD)
    (tmp_path / "a.yml").write_text(OTHER)
    for name in (".hidden.yaml", "#b.yaml#", "b.yaml~", ".b.yaml.swp", "~b.yaml", "notes.txt", "c.yaml.bak"):
        (tmp_path / name).write_text("broken: [")
    (tmp_path / "folder.yaml").mkdir()
    loaded = load(tmp_path)
    assert (names(loaded), loaded.problems, loaded.unread) == (["shop", "web"], (), {})


def test_a_config_maps_symbolic_links(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "web.yaml").write_text(GOOD)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "web.yaml").symlink_to("..data/web.yaml")
    assert names(load(tmp_path)) == ["web"]


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(GOOD)
    assert names(load(tmp_path, tmp_path / "web.yaml")) == ["web"]


def test_the_good_documents_stay_beside_a_bad_one(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, GOOD.replace("5000", "0") + "---\n# nothing\n---\n" + OTHER)
    assert names(loaded) == ["shop"]
    assert [(problem.service, problem.key) for problem in loaded.problems] == [("web", "replica.port")]


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(changed("5000", "0").replace("target: 50", "target: x"))
    (tmp_path / "b.yaml").write_text("oops: [")
    (tmp_path / "c.yaml").write_text(OTHER + "rollout: {}\n")
    loaded = load(tmp_path)
    assert [str(problem.mark).removeprefix(f"{tmp_path}/") for problem in loaded.problems] == [
        "a.yaml:4:3",
        "a.yaml:10:5",
        "b.yaml:2:1",
        "c.yaml:11:1",
    ]
    assert str(as_error(loaded.problems)).count("\n") == 3


def test_what_cannot_be_read_is_not_gone(tmp_path: Path) -> None:
    empty, blank = tmp_path / "empty", tmp_path / "blank.yaml"
    empty.mkdir()
    blank.write_text("# later\n---\n")
    loaded = load(tmp_path / "missing", empty, blank)
    assert loaded.problems == ()
    assert loaded.unread == {
        tmp_path / "missing": "can't be read: No such file or directory",
        empty: "holds no *.yaml or *.yml",
        blank: "holds no document",
    }


def test_what_was_looked_at_is_known_for_a_reload(tmp_path: Path) -> None:
    (tmp_path / "v.env").write_text("A=1\n")
    loaded = load_text(tmp_path, with_replica("env_file: v.env"))
    assert set(loaded.files) == {tmp_path / "p.yaml", tmp_path / ".env", tmp_path / "v.env"}


@pytest.mark.parametrize("what", ["file", "folder"])
def test_policies_that_everyone_can_write_are_refused(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "web.yaml").write_text(GOOD)
    path = folder if what == "folder" else folder / "web.yaml"
    path.chmod(0o777)
    refused = load(folder)
    (problem,) = refused.problems
    assert (names(refused), problem.mark.file) == ([], str(folder / "web.yaml"))
    assert problem.what == f"everyone can write {path} (mode 0777)"
    assert problem.fix == f"chmod o-w {path}, or start with --allow-writable-policies"
    allowed = load(folder, allow_writable=True)
    assert allowed.problems == ()
    assert (names(allowed), allowed.warnings) == (["web"], (f"everyone can write {path} (mode 0777)",))


def test_the_folder_of_a_file_counts_unless_sticky(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "web.yaml").write_text(GOOD)
    folder.chmod(0o777)
    assert [problem.what for problem in load(folder / "web.yaml").problems] == [f"everyone can write {folder} (mode 0777)"]
    folder.chmod(0o1777)
    assert load(folder / "web.yaml").problems == ()


def test_variables_that_everyone_can_write_are_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=1\n")
    (tmp_path / ".env").chmod(0o666)
    loaded = load_text(tmp_path, GOOD)
    assert (names(loaded), len(loaded.problems)) == ([], 1)
    assert loaded.problems[0].what == f"everyone can write {tmp_path / '.env'} (mode 0666)"


def test_a_folder_named_dotenv_is_no_file_of_variables(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert names(load_text(tmp_path, GOOD)) == ["web"]


def test_a_device_or_pipe_is_no_policy(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert [problem.what for problem in load(tmp_path).problems] == ["not a regular file"]


def test_a_document_can_be_read_again_from_its_own_text(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, OTHER + "---\n" + GOOD.replace("app:1", "app:${TAG}"), {"TAG": "2"})
    kept = loaded.documents[1]
    (again,) = load_document(kept.text, kept.path, environ={"TAG": "2"}).documents
    assert again == kept
    assert kept.line == 12
    assert "shop" not in kept.text


def test_a_kept_document_whose_folder_can_not_be_looked_into_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 300)
    (problem,) = load_document(GOOD, folder / "p.yaml", environ={}).problems
    assert (problem.mark.file, problem.what) == (str(folder / ".env"), "can't be read: File name too long")


def test_a_kept_text_that_is_no_longer_good_is_a_problem_not_an_error(tmp_path: Path) -> None:
    loaded = load_document("a: [", tmp_path / "p.yaml", environ={})
    assert (loaded.documents, len(loaded.problems)) == ((), 1)


def hash_of(folder: Path, text: str) -> str:
    return load_text(folder, text).documents[0].spec.spec_hash


def test_the_hash_is_of_what_replica_says(tmp_path: Path) -> None:
    first = hash_of(tmp_path, GOOD)
    assert first == hash_of(tmp_path, "# a comment\n" + GOOD + "replicas: {max: 3}\n")
    assert first == hash_of(tmp_path, changed("app:1", "${NONE:-app:1}"))
    assert first != hash_of(tmp_path, changed("app:1", "app:2"))
    assert hash_of(tmp_path, with_replica("labels: {v: 1.10}")) != hash_of(tmp_path, with_replica("labels: {v: 1.1}"))


def test_the_hash_never_changes_with_our_version(tmp_path: Path) -> None:
    assert hash_of(tmp_path, GOOD) == "2cf8ec30dd32"


def test_the_hash_follows_an_env_file(tmp_path: Path) -> None:
    (tmp_path / "v.env").write_text("A=1\n")
    before = hash_of(tmp_path, with_replica("env_file: v.env"))
    (tmp_path / "v.env").write_text("A=2\n")
    assert hash_of(tmp_path, with_replica("env_file: v.env")) != before


def test_services_clash_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD.replace("8080", "8081"))
    (tmp_path / "c.yaml").write_text(OTHER.replace("8081", "8080") + "replicas: {max: 2}\n")
    loaded = load(tmp_path)
    assert names(loaded) == ["web"]
    assert [(problem.key, problem.service) for problem in loaded.problems] == [("service", "web"), ("route.bind", "shop")]


@pytest.mark.parametrize("line", ["host: shop.example.com", "path: /shop"])
def test_services_may_share_a_bind(tmp_path: Path, line: str) -> None:
    shop = GOOD.replace("service: web", "service: shop").replace("8080\n", f"8080\n  {line}\n")
    assert names(load_text(tmp_path, GOOD + "---\n" + shop)) == ["web", "shop"]
