"""What a public host runs is what CONTRIBUTING.md asks for, and only publishing may publish."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
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
