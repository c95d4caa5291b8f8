"""Pages and figures remade from records: what is stale, and what stops it."""

import json

import pytest
from factory import make_record, put
from made_up import PAGE, ROOT, some_measures

from experiments.published import figures
from experiments.published import tables as published
from experiments.readings.tables import readings
from experiments.results import (
    DISTORTIONS,
    ORIGINAL,
    REJECTION_INVARIANCE,
    Shown,
    digest,
    read,
    runs_in,
)
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
    for name in ("headline", "errors", "fingerprint", "cost"):
        assert f"<!-- table: published.tables:{name} -->\n| " in page
    kinds = [line.split(" | ")[0] for line in page.splitlines() if line.count(" | ") == 7]
    assert kinds[2:] == ["| distortions", "| original", "| modern"]


def test_a_figure_is_stale_when_any_of_its_sources_changes(checkout):
    pages.remake(checkout)
    results = checkout / "experiments" / "results"
    (run,) = (run for run in runs_in(results, figures.BY_SIZE[1]) if run.seed == 1)
    run.per_pass[0].update(test_errors=4, test_error_percent=0.04)
    put(results, figures.BY_SIZE[1], run)
    assert "docs/figures/fig6.png" in pages.remake(checkout, check=True)
    assert "docs/figures/invariance.png" not in pages.remake(checkout)
    write_json(results / REJECTION_INVARIANCE, some_measures(seeds=3))
    assert "docs/figures/invariance.png" in pages.remake(checkout, check=True)


def test_digest_of_several_sources():
    runs, content = [make_record(seed=0), make_record(seed=1)], {"nets": {}}
    whole = digest(runs, content)
    others = [digest(runs), digest(content, runs), digest(runs, {})]
    assert len({whole, *others}) == 4
    assert digest([make_record(seed=0), make_record(seed=1)], content) == whole
    runs[1].predictions[3] ^= 1
    assert digest(runs, content) != whole


def test_a_missing_source_is_one_clear_line(checkout):
    results = checkout / "experiments" / "results"
    (results / REJECTION_INVARIANCE).unlink()
    with pytest.raises(BadInput, match=r"rejection_invariance\.json: is missing"):
        figures.invariance.digest(results)
    (results / REJECTION_INVARIANCE).write_text("{")
    with pytest.raises(BadInput, match=r"rejection_invariance\.json: no readable JSON"):
        published.rejection.made(results)
    with pytest.raises(BadInput, match=r"readings\.jsonl: no runs of readings"):
        readings.made(results)


def test_a_damaged_source_is_one_clear_line(checkout):
    results = checkout / "experiments" / "results"
    file = results / REJECTION_INVARIANCE
    nan = some_measures()
    nan["nets"]["modern"][0]["rejected_percent"] = float("nan")
    for harmed, says in ((json.dumps(nan), "NaN is no number"), ("{", "no readable JSON")):
        file.write_text(harmed)
        for make in (published.rejection.made, figures.invariance.digest):
            with pytest.raises(BadInput, match=f"rejection_invariance.json: .*{says}"):
                make(results)


def test_what_a_source_holds(checkout):
    results = checkout / "experiments" / "results"
    runs = runs_in(results, ORIGINAL)
    assert read(results, ORIGINAL) == runs
    assert read(results, (ORIGINAL, DISTORTIONS)) == runs + runs_in(results, DISTORTIONS)
    assert read(results, {"a": ORIGINAL, "b": ORIGINAL}) == {"a": runs, "b": runs}
    assert read(results, len_of_name) == len("results")
    assert read(results, REJECTION_INVARIANCE)["patterns"] == 1000
    ways = (ORIGINAL, DISTORTIONS), ({"a": ORIGINAL, "b": DISTORTIONS},)
    assert len({Shown(len, sources).digest(results) for sources in ways}) == 1


def len_of_name(folder):
    return len(folder.name)


COST = "<!-- table: published.tables:cost -->"


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda text: text.replace("<!-- end -->", "<!-- ned -->", 1), "has no <!-- end -->"),
        (lambda text: text.replace("<!-- end -->", "<!--end-->", 1), "must be a line of its own"),
        (lambda text: text.replace("<!-- end -->", "<!-- end --> ", 1), "must be a line of its"),
        (lambda text: text + f"{COST}\n", "has no <!-- end -->"),
        (lambda text: text + f"{COST}\n<!-- figure: a:b -->\n<!-- end -->\n", "has no <!-- end"),
        (lambda text: text + "<!-- end -->\n", "ends no table"),
        (lambda text: text + f"{COST} <!-- end -->\n", "a line of its own"),
        (lambda text: text + f"{COST} \n<!-- end -->\n", "a line of its own"),
        (lambda text: text + "<!-- generated: cost -->\n<!-- end -->\n", "<!-- table: MODULE:F"),
        (lambda text: text + "<!-- table: cost -->\n<!-- end -->\n", "<!-- table: MODULE:FUNCTION"),
        (lambda text: text.replace("published.tables:cost", "publish.tables:cost"), "No module na"),
        (lambda text: text.replace("published.tables:cost", ".published:cost"), "No module named"),
        (lambda text: text.replace("published.tables:cost", "published:cost"), "has no cost that"),
        (lambda text: text.replace("tables:cost", "tables:cots"), "published.tables has no cots"),
        (lambda text: text.replace("tables:cost", "tables:claims"), "has no claims that shows"),
        (lambda text: text.replace("tables:cost", "tables:paper"), "has no paper that shows"),
        (lambda text: text.replace("tables:cost", "figures:invariance"), "as a DataFrame"),
        (lambda text: text.replace("figures:invariance", "tables:cost"), "as a Figure"),
        (lambda text: text.replace("tables:cost", "tables:cost all"), "too many positional"),
        (lambda text: text.replace("published.tables:cost", "tour.layers:layer"), "missing a requ"),
        (lambda text: text.replace("published.tables:cost", "tour.layers:layer c7"), "is no 'c7'"),
        (lambda text: text.replace("figures:invariance", "figures:invariance x"), "too many"),
        (lambda text: text.replace("![", "[", 1), "must stand above ![WORDS](FILE)"),
        (lambda text: text + "<!-- figure: published.figures:invariance -->", "must stand above"),
    ],
)
def test_a_bad_mark_is_named_and_stops_everything(harm, says, checkout, capsys):
    (checkout / "README.md").write_text(f"{COST}\n<!-- end -->\n")  # is stale
    page = checkout / "docs" / "results.md"
    honest = page.read_text()
    page.write_text(harm(honest))
    assert page.read_text() != honest
    files = [*checkout.glob("*.md"), *checkout.glob("docs/**/*.*")]
    before = {file: file.read_bytes() for file in files}
    assert report(["--root", str(checkout)]) == 2
    error = capsys.readouterr().err
    assert f"{page}:" in error
    assert says in error
    assert len(error.splitlines()) == 1
    assert {file: file.read_bytes() for file in files} == before
    assert not (checkout / "docs" / "figures").exists()


def test_a_figure_that_is_missing_or_damaged_is_stale(checkout):
    pages.remake(checkout)
    first, second = (checkout / "docs" / "figures" / name for name in PAGE[:2])
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    stale = [f"docs/figures/{name}" for name in PAGE[:2]]
    assert pages.remake(checkout, check=True) == stale
    assert pages.remake(checkout) == stale
    assert pages.remake(checkout, check=True) == []


def test_every_figure_of_the_docs_is_a_pages_or_a_sheets():
    """The sheets are drawn by their own commands, and those of a net by ``show``."""
    found = set()
    for file in (file for pattern in pages.DOCUMENTS for file in ROOT.glob(pattern)):
        found |= {mark.picture for _, mark in pages._marks(file, file.read_text()) if mark.picture}
    sheets = {"fig7.png", "fig8.png", "fig25.png", "1998-states.png", "1998-states-large.png"}
    names = {file.name for file in (ROOT / "docs" / "figures").glob("*.*")}
    assert {file.name for file in found} == names - sheets


def test_a_source_that_cannot_be_read_stops_everything(checkout, capsys):
    page = checkout / "docs" / "results.md"
    shown = "<!-- figure: published.figures:invariance -->\n![x](figures/invariance.png)\n"
    stale = f"{COST}\n<!-- end -->\n{shown}"
    page.write_text(stale)
    (checkout / "experiments" / "results" / REJECTION_INVARIANCE).write_text("{")
    assert report(["--root", str(checkout)]) == 2
    assert "rejection_invariance.json: no readable JSON" in capsys.readouterr().err
    assert page.read_text() == stale
