"""What is imported is declared, and a public host runs what CONTRIBUTING.md asks for."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
import yaml

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
    block = next(node for node in tree.body if isinstance(node, ast.If))
    modules, *others = block.body
    assert modules.module == "lenet1998"
    homes = {
        alias.name: node.module.removeprefix("lenet1998.")
        for node in others
        for alias in node.names
    }
    assert homes == lenet1998._HOME
    assert sorted([*homes, *(alias.name for alias in modules.names)]) == sorted(lenet1998.__all__)
    for name in homes:
        assert getattr(lenet1998, name)
    for alias in modules.names:
        assert isinstance(getattr(lenet1998, alias.name), ModuleType)


def test_modules_are_attributes_of_the_package():
    """In a process that has imported nothing else."""
    script = "import lenet1998; print(lenet1998.data.prepare, lenet1998.transforms.Prepare())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.endswith("Prepare(size=32, scaling='paper')\n"), done.stderr
    with pytest.raises(AttributeError, match="has no attribute 'anything'"):
        _ = lenet1998.anything


@pytest.mark.slow
def test_type_checkers_know_what_there_is(tmp_path):
    """A user's script is clean under ``mypy --strict``, and a name that is none is an error."""
    script = tmp_path / "own.py"
    script.write_text(
        "import lenet1998\n"
        "from lenet1998.transforms import Prepare\n"
        "data = lenet1998.data.load('digits')\n"
        "train, test = data\n"
        "record = lenet1998.fit('original', passes=3, data=data, callback=lambda run: run.last)\n"
        "model = record.build_model()\n"
        "labels = model.predict(Prepare()(data.test_images))\n"
        "lenet1998.anything\n"
        "lenet1998.training.anything\n"
    )
    call = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(script)]
    call += ["--config-file", "", "--ignore-missing-imports", "--cache-dir", str(tmp_path)]
    done = subprocess.run(call, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert [line.split(":")[1] for line in errors] == ["8", "9"], done.stdout
    assert all('has no attribute "anything"' in line for line in errors)


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


WORKFLOWS = {
    file.stem: yaml.safe_load(file.read_text())
    for file in (ROOT / ".github" / "workflows").glob("*.yml")
}


def steps(workflow: str, job: str) -> list[dict]:
    return WORKFLOWS[workflow]["jobs"][job]["steps"]


@pytest.mark.parametrize(("workflow", "job"), [("checks", "checks"), ("publish", "build")])
def test_what_a_change_must_pass_is_run(workflow, job):
    assert {"run": ".ci/run"} in steps(workflow, job)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_only_the_last_job_of_publishing_may_sign_for_the_project():
    allowed = [
        (name, job)
        for name, workflow in WORKFLOWS.items()
        for job, content in workflow["jobs"].items()
        if "id-token" in content.get("permissions", {})
    ]
    assert allowed == [("publish", "publish")]
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in WORKFLOWS.values())
    assert WORKFLOWS["publish"]["jobs"]["publish"]["needs"] == "build"
    assert WORKFLOWS["publish"][True] == {"release": {"types": ["published"]}}  # YAML's "on"


def done(name: str, folder: Path) -> int:
    """The exit status of a named step of publishing, done in a folder."""
    (step,) = (step for step in steps("publish", "build") if step.get("name") == name)
    given = {"REPOSITORY": "https://host.example/us/lenet1998", "TAG": "v1"}
    assert step["env"].keys() <= given.keys()
    environment = os.environ | given
    call = ["bash", "-ec", step["run"]]
    return subprocess.run(call, cwd=folder, env=environment, check=False).returncode


def test_nothing_is_published_of_a_repository_without_a_name(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text((ROOT / "pyproject.toml").read_text().replace("Repository = ", "Was = "))
    assert done("The repository is named", tmp_path) == 1
    file.write_text(file.read_text() + '\nRepository = "https://host.example/us/lenet1998"\n')
    assert done("The repository is named", tmp_path) == 0


def test_what_is_published_has_no_link_that_leads_nowhere(tmp_path):
    file = tmp_path / "README.md"
    file.write_text((ROOT / "README.md").read_text())
    assert done("Away from the repository the README's links lead there", tmp_path) == 0
    links = re.findall(r"\]\(([^)]*)\)", file.read_text())
    pictures = re.findall(r' (?:src|srcset)="([^"]*)"', file.read_text())
    assert len(links) > 10
    assert len(pictures) == 3
    for kind, addresses in (("blob", links), ("raw", pictures)):
        place = f"https://host.example/us/lenet1998/{kind}/v1/"
        for address in addresses:
            assert address.startswith(place), address
            assert (ROOT / address.removeprefix(place).partition("#")[0]).exists()


def test_nothing_secret_is_asked_for():
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert "secrets." not in file.read_text()
