"""docs/report.md: what makes each result, and what it took."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.results import made_by, read_lines, shows
from lenet1998.training.lines import SUFFIX
from lenet1998.training.records import RunRecord


def command(name: str) -> str:
    """Command that makes a folder of records, or a JSON file, of the results."""
    return f"`{made_by(Path(name).stem)}`"


@shows(Path)
def studies(results: Path) -> pd.DataFrame:
    """One row a study: its command, its runs, and how long they were trained."""
    found = {file.stem: read_lines(file) for file in sorted(results.glob(f"*{SUFFIX}"))}
    rows = {f"`{name}`": (command(name), runs) for name, runs in found.items() if runs}
    rows["all"] = ("", [run for _, runs in rows.values() for run in runs])
    return pd.DataFrame([_study(name, *row) for name, row in rows.items()])


def _study(name: str, made_by: str, runs: Sequence[RunRecord]) -> dict:
    return {
        "records": name,
        "made by": made_by,
        "recipes": len({run.recipe["name"] for run in runs}),
        "runs": len(runs),
        "of them diverged": sum(run.diverged for run in runs),
        "hours of training": f"{sum(run.seconds for run in runs) / 3600:.1f}",
    }


@shows(Path)
def measures(results: Path) -> pd.DataFrame:
    """One row a JSON file of results: its command."""
    there = sorted(file.name for file in results.glob("*.json"))
    return pd.DataFrame([{"measures": f"`{name}`", "made by": command(name)} for name in there])
