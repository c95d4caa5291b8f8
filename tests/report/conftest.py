"""What tests of reports share."""

import json
import shutil
from pathlib import Path

import pytest
from made_up import PAGE, ROOT, net, run, sizes, some_measures

from experiments import documents
from lenet1998 import paper
from lenet1998.report import remaking
from lenet1998.training.records import write_json, write_record


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the page of results, and two runs of everything that it shows."""
    drawings = {name: documents.FIGURES[name] for name in PAGE}
    monkeypatch.setattr(remaking, "FIGURES", drawings)
    results = tmp_path / "experiments" / "results"
    folders = dict(zip(documents.BY_SIZE, sizes(2), strict=True))
    fewer = "fig6/original,train_size=15000"
    first = "fitted/fitted"
    distorted = f"{first},distortions=true"
    for folder in (documents.MODERN, *documents.READINGS, fewer, first, distorted):
        folders[folder] = [run(Path(folder).name, seed=seed) for seed in range(2)]
    for folder, records in folders.items():
        for seed, record in enumerate(records):
            name = {documents.ORIGINAL: "original"}.get(folder, Path(folder).name)
            made = net(20 + seed, 1, 50 + len(name), name, seed)
            made.recipe.update(record.recipe, name=name)
            made.dataset["test_patterns"] = paper.TEST_SIZE
            made.environment["processor"] = "a processor"
            write_record(results / folder / f"seed-{seed}", made)
    write_json(results / documents.REJECTION_INVARIANCE, some_measures())
    kinds = map(Path, (documents.DISTORTIONS, documents.ORIGINAL, documents.MODERN))
    alike = [{"variant": kind.name, "seed": s, "dice": 0.5} for kind in kinds for s in range(2)]
    answers = json.loads((ROOT / "experiments" / "results" / documents.ANSWERS).read_bytes())
    write_json(results / documents.ANSWERS, answers | {"alike": alike})
    again = [{"recipe": Path(fewer).name, "seed": seed, "percent": 0.1 * seed} for seed in range(2)]
    write_json(results / documents.FIG6, {"runs": again})
    shutil.copy(ROOT / "experiments" / "results" / documents.FIG7, results)
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text((ROOT / "docs" / "results.md").read_text())
    return tmp_path
