"""README and docs say what the committed records say, and nothing they link to is missing."""

import re
from pathlib import Path

import pytest

from experiments.readings import departures
from experiments.results import ALL_VARIANTS, DISTORTIONS, digest, read
from experiments.results import ORIGINAL as ORIGINAL_RUNS
from lenet1998.recipes import ORIGINAL, RECIPES
from lenet1998.report.__main__ import main
from lenet1998.report.pages import DOCUMENTS
from lenet1998.report.style import source_of
from lenet1998.report.tables import beside_the_paper, summary_of

ROOT = Path(__file__).parents[1]
PAGES = sorted(page for pattern in DOCUMENTS for page in ROOT.glob(pattern))


@pytest.mark.slow  # every table is made
def test_tables_and_figures_are_those_of_the_runs(capsys):
    assert main(["--check", "--root", str(ROOT)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(("name", "source"), [("fig7", "fig7.json"), ("fig8", DISTORTIONS)])
def test_a_sheet_is_of_the_results(name, source):
    """They need MNIST's pictures, so the report command cannot remake them."""
    shown = source_of(ROOT / "docs" / "figures" / f"{name}.png")
    assert shown == digest(read(ROOT / "experiments" / "results", source))


def test_a_number_typed_by_hand_is_noticed_and_mended(tmp_path, capsys):
    """In a checkout without the other pages, whose tables would be made for nothing, twice."""
    for folder in ("experiments/results", "docs/figures", "docs/live", "lenet1998/report"):
        (tmp_path / folder).parent.mkdir(exist_ok=True)
        (tmp_path / folder).symlink_to(ROOT / folder)
    readme = tmp_path / "README.md"
    honest = (ROOT / "README.md").read_text()
    readme.write_text(honest.replace("| 0.95 |", "| 0.94 |"))
    assert readme.read_text() != honest
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().out == "README.md: stale\n"
    assert main(["--root", str(tmp_path)]) == 0
    assert readme.read_text() == honest


def test_the_table_of_every_variant_has_every_variant():
    assert set(ALL_VARIANTS) == set(RECIPES)


def test_no_checkout_is_one_line(tmp_path, capsys):
    assert main(["--root", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_the_output_that_is_shown_is_that_of_the_committed_run(page):
    first = read(ROOT / "experiments" / "results", ORIGINAL_RUNS)[0]
    table = beside_the_paper(summary_of([first])).to_string(index=False)
    printed = "\n".join(line.rstrip() for line in table.splitlines())
    assert f"```text\n{printed}\n" in (ROOT / page).read_text()


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_as_many_departures_are_told_as_the_list_has(page):
    number = {3: "three", 4: "four", 5: "five"}[len(departures.of(ORIGINAL.as_dict()))]
    assert f"[{number} departures](" in " ".join((ROOT / page).read_text().split())


@pytest.mark.parametrize(("page", "folder"), [("README.md", "docs/"), ("docs/index.md", "")])
def test_students_teachers_and_researchers_find_their_pages(page, folder):
    """In a click; the questions behind these pages were followed in a browser."""
    pages = "start tour why normal cite how-to labs/index lecture results differences protocol"
    text = (ROOT / page).read_text()
    links = re.findall(rf"\]\({folder}([\w/-]+)\.md(?:#[\w-]+)?\)", text)
    assert [one for one in pages.split() if one not in links] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_that_show_multiply_accumulates_lead_to_what_they_are(page):
    text = page.read_text()
    rule = "We count one multiply-accumulate per connection, including biases."
    shown = re.search(r"^\| [^|]*multiply-accumulates (to|a ns)", text, re.MULTILINE)
    assert (rule in text) == (page == ROOT / "docs" / "results.md")
    assert not shown or rule in text or "results.md#figs-11-and-12-cost" in text
