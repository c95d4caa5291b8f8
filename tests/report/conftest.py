"""What tests of reports share."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from factory import put
from made_up import ROOT, net, run, sizes, some_measures

from experiments import results as sources
from experiments.published.figures import BY_SIZE
from experiments.published.tables import FEWER
from lenet1998 import paper
from lenet1998.training.records import write_json


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the page of results, Fig. 8's overlaps in it, and two runs of each kind."""
    results = tmp_path / "experiments" / "results"
    folders = dict(zip(BY_SIZE, sizes(2), strict=True))
    first = "fitted/fitted"
    distorted = f"{first},distortions=true"
    for source in (sources.MODERN, *FEWER[1:], first, distorted):
        folders[source] = [run("any", seed=seed) for seed in range(2)]
    for source, records in folders.items():
        for seed, record in enumerate(records):
            made = net(20 + seed, 1, 50 + len(source), seed=seed)
            made = dataclasses.replace(made, per_pass=record.per_pass)
            made.dataset["test_patterns"] = paper.TEST_SIZE
            made.environment["processor"] = "a processor"
            put(results, source, made)
    write_json(results / sources.REJECTION_INVARIANCE, some_measures())
    kinds = map(Path, (sources.DISTORTIONS, sources.ORIGINAL, sources.MODERN))
    alike = [{"variant": kind.name, "seed": s, "dice": 0.5} for kind in kinds for s in range(2)]
    answers = json.loads((ROOT / "experiments" / "results" / sources.ANSWERS).read_bytes())
    write_json(results / sources.ANSWERS, answers | {"alike": alike})
    again = [
        {"recipe": source.partition("/")[2], "seed": seed, "percent": 0.1 * seed}
        for source in FEWER
        for seed in range(2)
    ]
    write_json(results / sources.FIG6, {"runs": again})
    shutil.copy(ROOT / "experiments" / "results" / sources.FIG7, results)
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    appendix = (ROOT / "docs" / "appendix" / "results.md").read_text()
    overlap = appendix[appendix.index("## Fig. 8") : appendix.index("## Fig. 10")]
    page.write_text((ROOT / "docs" / "results.md").read_text() + overlap)
    return tmp_path
