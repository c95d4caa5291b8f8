"""What a run record says of the code it came from."""

import inspect
import subprocess
from pathlib import Path

import pytest

import lenet1998
from lenet1998.training.environment import project_state


@pytest.fixture
def checkout(tmp_path):
    """A repository with a package of its own and another folder; git, and the package's folder."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")

    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        call = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    project_state.cache_clear()
    yield git, package
    project_state.cache_clear()


def test_a_clean_checkout_is_known_by_its_commit(checkout):
    git, package = checkout
    (package.parent / "results.json").write_text("{}")  # results are no code
    assert project_state(package) == {"commit": git("rev-parse", "HEAD"), "dirty": False}


@pytest.mark.parametrize("file", ["__init__.py", "new.py"])
def test_changed_or_added_code_makes_it_dirty(checkout, file):
    _, package = checkout
    (package / file).write_text("changed = True")
    assert project_state(package)["dirty"] is True


def test_code_that_lies_in_another_repository_has_no_commit(checkout):
    _, package = checkout
    (package.parent / ".gitignore").write_text("venv\n")
    installed = package.parent / "venv" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert project_state(installed) == {"commit": None, "dirty": None}


def test_without_git_nothing_is_claimed(checkout, monkeypatch):
    _, package = checkout
    monkeypatch.setenv("PATH", "")
    assert project_state(package) == {"commit": None, "dirty": None}


def test_it_is_the_whole_package_that_may_differ_from_the_commit():
    (folder,) = inspect.signature(project_state.__wrapped__).parameters.values()
    assert folder.default == Path(lenet1998.__file__).parent
