"""What is imported is declared, so that an installation has all it needs."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import lenet1998

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {"distributed": "cluster"}
"""What is imported only when it is asked for, and the extra that brings it."""


def imported(folder: Path, ours=("lenet1998", "experiments")) -> dict[str, set[str]]:
    """The packages of others that the code in a folder imports, and where."""
    found: dict[str, set[str]] = {}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(file.name)
    ours = {*ours, *sys.stdlib_module_names}
    return {name: files for name, files in found.items() if name not in ours}


def declared(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}


USED = imported(ROOT / "lenet1998")
DISTRIBUTIONS = packages_distributions()


@pytest.mark.parametrize("package", USED)
def test_what_is_imported_is_declared(package):
    distributions = {name.lower() for name in DISTRIBUTIONS[package]}
    extras = PROJECT["optional-dependencies"]
    wanted = extras[EXTRAS[package]] if package in EXTRAS else PROJECT["dependencies"]
    assert distributions & declared(wanted), f"imported in {', '.join(sorted(USED[package]))}"


def test_only_what_fills_a_checkouts_pages_imports_its_studies():
    """Who installed the package has no ``experiments/``."""
    assert imported(ROOT / "lenet1998", {"lenet1998"}).get("experiments") == {"pages.py"}


def test_nothing_is_declared_that_is_not_imported():
    used = {name.lower() for package in USED for name in DISTRIBUTIONS[package]}
    assert declared(PROJECT["dependencies"]) <= used


def test_editors_see_every_public_name_where_it_lives():
    """What ``TYPE_CHECKING`` imports is what is loaded when first used."""
    tree = ast.parse((ROOT / "lenet1998" / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module.removeprefix("lenet1998.")
        for node in block.body
        for alias in node.names
    }
    assert seen == lenet1998._HOME
    assert sorted(seen) == sorted(lenet1998.__all__)
    for name in seen:
        assert getattr(lenet1998, name)


def test_the_committed_results_stay_small_and_few():
    call = ["git", "ls-files", "-z", "experiments/results"]
    listed = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sizes = [(ROOT / name).stat().st_size for name in listed.split("\0") if name]
    assert len(sizes) <= 45
    assert sum(sizes) <= 12 * 2**20  # some 3,400 runs of 2.9 kB, and their answers


def test_the_types_of_the_package_are_announced():
    assert (ROOT / "lenet1998" / "py.typed").is_file()
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "py.typed" in data["package-data"]["lenet1998"]
