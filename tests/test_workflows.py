"""What a public host runs is what CONTRIBUTING.md asks for, and only publishing may publish."""

import os
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


def test_nothing_secret_is_asked_for():
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert "secrets." not in file.read_text()
