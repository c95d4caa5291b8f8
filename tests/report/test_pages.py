"""Pages and figures remade from records: what is stale, and what stops it."""

import json

import pytest
from factory import make_record, put
from made_up import PAGE, some_measures

from experiments import documents
from experiments.results import runs_in
from lenet1998.errors import BadInput
from lenet1998.report import pages
from lenet1998.report.__main__ import main as report
from lenet1998.training.records import write_json


def test_the_page_of_results_is_made_of_the_records(checkout):
    names = [f"docs/figures/{name}" for name in PAGE]
    stale = ["docs/results.md", "lenet1998/report/runs.jsonl.gz", *names]
    assert pages.remake(checkout, check=True) == stale
    assert pages.remake(checkout) == stale
    assert pages.remake(checkout, check=True) == []
    page = (checkout / "docs" / "results.md").read_text()
    for name in ("published-errors", "fingerprint", "rejection", "cost"):
        assert f"<!-- generated: {name} -->\n| " in page
    kinds = [line.split(" | ")[0] for line in page.splitlines() if line.count(" | ") == 7]
    assert kinds[2:] == ["| distortions", "| original", "| modern"]


def test_a_figure_is_stale_when_any_of_its_sources_changes(checkout):
    pages.remake(checkout)
    results = checkout / "experiments" / "results"
    (run,) = (run for run in runs_in(results, documents.BY_SIZE[1]) if run.seed == 1)
    run.per_pass[0].update(test_errors=4, test_error_percent=0.04)
    put(results, documents.BY_SIZE[1], run)
    assert "docs/figures/fig6.png" in pages.remake(checkout, check=True)
    assert "docs/figures/invariance.png" not in pages.remake(checkout)
    write_json(results / documents.REJECTION_INVARIANCE, some_measures(seeds=3))
    assert "docs/figures/invariance.png" in pages.remake(checkout, check=True)


def test_digest_of_several_sources():
    runs, content = [make_record(seed=0), make_record(seed=1)], {"nets": {}}
    whole = documents.digest(runs, content)
    others = [documents.digest(runs), documents.digest(content, runs), documents.digest(runs, {})]
    assert len({whole, *others}) == 4
    assert documents.digest([make_record(seed=0), make_record(seed=1)], content) == whole
    runs[1].predictions[3] ^= 1
    assert documents.digest(runs, content) != whole


def test_a_missing_source_is_one_clear_line(checkout):
    results = checkout / "experiments" / "results"
    (results / documents.REJECTION_INVARIANCE).unlink()
    with pytest.raises(BadInput, match=r"rejection_invariance\.json: is missing"):
        documents.FIGURES["invariance.png"].remake(results, checkout / "figure.png")
    (results / documents.REJECTION_INVARIANCE).write_text("{")
    with pytest.raises(BadInput, match=r"rejection_invariance\.json: no readable JSON"):
        documents.TABLES["rejection"](results)
    (results / "readings.jsonl").unlink()
    with pytest.raises(BadInput, match=r"readings\.jsonl: no runs of readings"):
        documents.TABLES["readings"](results)


def test_a_damaged_source_is_one_clear_line(checkout):
    results = checkout / "experiments" / "results"
    file = results / documents.REJECTION_INVARIANCE
    nan = some_measures()
    nan["nets"]["modern"][0]["rejected_percent"] = float("nan")
    for harmed, says in ((json.dumps(nan), "NaN is no number"), ("{", "no readable JSON")):
        file.write_text(harmed)
        for make in (documents.TABLES["rejection"], documents.FIGURES["invariance.png"].held):
            with pytest.raises(BadInput, match=f"rejection_invariance.json: .*{says}"):
                make(results)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda text: text.replace("<!-- end -->", "<!-- ned -->", 1), "has no <!-- end -->"),
        (lambda text: text.replace("<!-- end -->", "<!--end-->", 1), "must be a line of its own"),
        (lambda text: text + "<!-- generated: cost -->\n", "has no <!-- end -->"),
        (lambda text: text + "<!-- end -->\n", "ends no generated table"),
        (lambda text: text + "<!-- generated: cost --> <!-- end -->\n", "a line of its own"),
        (lambda text: text + "<!-- generated: cot -->\n<!-- end -->\n", "is called cot"),
    ],
)
def test_a_mark_without_its_other_half_stops_everything(harm, says, checkout, capsys):
    (checkout / "README.md").write_text("<!-- generated: cost -->\n<!-- end -->\n")  # is stale
    page = checkout / "docs" / "results.md"
    page.write_text(harm(page.read_text()))
    files = [*checkout.glob("*.md"), *checkout.glob("docs/**/*.*")]
    before = {file: file.read_bytes() for file in files}
    assert report(["--root", str(checkout)]) == 2
    error = capsys.readouterr().err
    assert str(page) in error
    assert says in error
    assert len(error.splitlines()) == 1
    assert {file: file.read_bytes() for file in files} == before
    assert not (checkout / "docs" / "figures").exists()


def test_a_source_that_cannot_be_read_stops_everything(checkout, capsys):
    (checkout / "experiments" / "results" / documents.REJECTION_INVARIANCE).write_text("{")
    page = checkout / "docs" / "results.md"
    page.write_text("<!-- generated: cost -->\n<!-- end -->\n")  # is stale
    assert report(["--root", str(checkout)]) == 2
    assert "rejection_invariance.json: no readable JSON" in capsys.readouterr().err
    assert page.read_text() == "<!-- generated: cost -->\n<!-- end -->\n"
