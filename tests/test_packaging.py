"""What is imported is declared, so that an installation has all it needs."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {"distributed": "cluster"}
"""What is imported only when it is asked for, and the extra that brings it."""


def imported(folder: Path) -> dict[str, set[str]]:
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
    ours = {"lenet1998", *sys.stdlib_module_names}
    return {name: files for name, files in found.items() if name not in ours}


def declared(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}


USED = imported(ROOT / "lenet1998")


@pytest.mark.parametrize("package", USED)
def test_what_is_imported_is_declared(package):
    distributions = {name.lower() for name in packages_distributions()[package]}
    extras = PROJECT["optional-dependencies"]
    wanted = extras[EXTRAS[package]] if package in EXTRAS else PROJECT["dependencies"]
    assert distributions & declared(wanted), f"imported in {', '.join(sorted(USED[package]))}"


def test_nothing_is_declared_that_is_not_imported():
    known = packages_distributions()
    used = {name.lower() for package in USED for name in known[package]}
    assert declared(PROJECT["dependencies"]) <= used
