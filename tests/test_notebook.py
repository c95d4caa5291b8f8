"""The notebook runs from its first cell to its last, and is committed as it stands before that."""

import os
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs what the extra dev brings")
nbclient = pytest.importorskip("nbclient", reason="needs what the extra dev brings")
pytest.importorskip("ipykernel", reason="needs what the extra dev brings")

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "docs" / "notebooks" / "tour.ipynb"


@pytest.fixture
def tour():
    return nbformat.read(TOUR, as_version=4)


def code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_committed_without_what_it_shows(tour):
    nbformat.validate(tour)
    assert all(not cell.outputs and cell.execution_count is None for cell in code(tour))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook's machinery
def test_it_runs_and_draws(tour, tmp_path, monkeypatch):
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.delenv("LENET1998_DATA", raising=False)
    client = nbclient.NotebookClient(tour, timeout=300, resources={"metadata": {"path": tmp_path}})
    client.execute()
    shown = [output for cell in code(tour) for output in cell.outputs]
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    assert len(pictures) == 7  # C3's table, the codes, the curve, and four of a net
    tables = [output for output in shown if "text/html" in output.get("data", {})]
    assert len(tables) == 3
    plain = "\n".join(output.get("data", {}).get("text/plain", "") for output in shown)
    assert "(60000, 340908)" in plain
    text = "".join(cell.source for cell in tour.cells if cell.cell_type == "markdown")
    for told, seen in (
        (r"falls from about (\d+) %", r"\n1 +\d+\.\d.* (\S+)\n"),
        (r"about (\d+) % after the third", r"\n3 +\d+\.\d.* (\S+)"),
        (r"About (\d+) of 500", r"'(\d+) of 500"),
    ):
        assert float(*re.findall(told, text)) == pytest.approx(
            float(*re.findall(seen, plain)), abs=1
        )
    said = [output.text for output in shown if output.output_type == "stream"]
    assert len(said) == 1, said  # the title of the answers, and no warning
    assert list(tmp_path.iterdir()) == []
