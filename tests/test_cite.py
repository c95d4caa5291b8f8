"""The cite command, and that all places which say how to cite say the same."""

import datetime
import io
import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
import yaml
from factory import make_record

from experiments.comparison.tables import side_by_side
from experiments.published.tables import headline
from lenet1998 import __version__, paper
from lenet1998.ablate.components import DIRECTIONS, changes
from lenet1998.cite.__main__ import PAPER, RELEASED, REPOSITORY, SOFTWARE, bibtex, main
from lenet1998.report import committed

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "experiments" / "results"
SCHEMA = json.loads((ROOT / "tests" / "fixtures" / "cff-1.2.0.schema.json").read_bytes())
CFF = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def printed(capsys, *arguments) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def as_json(content):
    """YAML's dates as the texts that the schema asks for."""
    return json.loads(json.dumps(content, default=datetime.date.isoformat))


def test_the_citation_file_is_valid():
    jsonschema.Draft7Validator(SCHEMA).validate(as_json(CFF))


@pytest.mark.parametrize("change", [{"date-released": "soon"}, {"licence": "MIT"}, {"title": ""}])
def test_another_citation_file_is_not(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate({**as_json(CFF), **change})


def test_the_citation_file_is_of_this_version():
    assert CFF["version"] == __version__ == PROJECT["version"] == SOFTWARE["version"]
    assert CFF["date-released"].isoformat() == RELEASED
    assert CFF["license"] == PROJECT["license"]
    assert CFF["keywords"] == PROJECT["keywords"]
    assert [{"name": author["name"]} for author in PROJECT["authors"]] == CFF["authors"]
    assert SOFTWARE["author"] == f"{{{CFF['authors'][0]['name']}}}"
    assert plain(SOFTWARE["title"]) == CFF["title"]


def test_the_changelog_dates_this_version_so_too():
    heading = f"## {__version__} ("
    (line,) = (line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if heading in line)
    assert line == f"{heading}{RELEASED})"


def test_the_repository_is_the_same_everywhere_or_nowhere_yet():
    assert PROJECT["urls"].get("Repository") == CFF.get("repository-code") == REPOSITORY
    assert SOFTWARE.get("url") == REPOSITORY


def test_the_address_of_the_paper_is_its_doi():
    assert PROJECT["urls"]["Paper"] == f"https://doi.org/{PAPER['doi']}"


def plain(text: str) -> str:
    """BibTeX's text without what is TeX's."""
    return text.replace(r"{\'e}", "\N{LATIN SMALL LETTER E WITH ACUTE}").translate(
        {ord("{"): None, ord("}"): None}
    )


def test_the_paper_is_the_same_everywhere():
    (reference,) = CFF["references"]
    for ours, theirs in {"number": "issue"}.items() | {(k, k) for k in ("journal", "title", "doi")}:
        assert plain(PAPER.get(ours, "")) == str(reference.get(theirs, ""))
    assert (PAPER["volume"], PAPER["year"]) == (str(reference["volume"]), str(reference["year"]))
    names = [
        f"{author['family-names']}, {author['given-names']}" for author in reference["authors"]
    ]
    assert plain(PAPER["author"]) == " and ".join(names)
    words = " ".join(paper.__doc__.split())
    assert PAPER["title"] in words
    cited = f"{plain(PAPER['journal'])} {PAPER['volume']}({PAPER['number']}), November 1998"
    assert cited in words
    assert reference["month"] == 11


def test_it_prints_both_entries(capsys):
    text = printed(capsys)
    assert text == f"{bibtex(SOFTWARE)}\n\n{bibtex(PAPER)}\n"
    assert re.findall(r"^@(\w+)\{(\w+),$", text, re.MULTILINE) == [
        ("software", "lenet1998"),
        ("article", "lecun1998gradient"),
    ]
    assert text.count("{") == text.count("}")
    assert f"  version = {{{PROJECT['version']}}}," in text


BIBTEX = re.compile(r"```bibtex\n(.*?)```", re.DOTALL)
PAGES = sorted((ROOT / "docs").glob("*.md"))


def test_pages_have_the_bibtex_that_is_printed(capsys):
    found = {page.name: BIBTEX.findall(page.read_text("utf-8")) for page in PAGES}
    assert found["cite.md"]
    text = printed(capsys)
    assert all(block == text for blocks in found.values() for block in blocks)


def test_tables_are_those_of_the_records(capsys):
    for name, table in (("headline", headline), ("comparison", side_by_side)):
        rows = printed(capsys, "--table", name).splitlines()
        there = [f"| {' | '.join(row)} |" for row in table.made(RESULTS).to_numpy()]
        # The runs with distortions are a study's, and do not come with the package.
        assert rows[2:] == [row for row in there if "with distortions" not in row]


@pytest.mark.parametrize("name", ["headline", "comparison"])
def test_every_form_has_n_and_the_interval(name, capsys):
    runs = committed.named(committed.COMPARED)
    for form in ("markdown", "latex"):
        text = printed(capsys, "--table", name, "--format", form)
        assert f"(n = {len(runs['original'])}; 95 " in text
    assert r"\toprule" in text
    numbers = pd.read_csv(io.StringIO(printed(capsys, "--table", name, "--format", "csv")))
    ours = numbers.set_index("variant").loc["original"]
    errors = [run.last["test_error_percent"] for run in runs["original"]]
    assert ours["n"] == len(errors)
    assert ours["test_error_percent"] == pytest.approx(sum(errors) / len(errors))
    assert ours["low"] < ours["test_error_percent"] < ours["high"]


@pytest.fixture
def ablated(monkeypatch):
    """Two made-up runs of every recipe that is ablated, in place of the package's."""
    recipes = {change.recipe for change in changes()} | {change.base for change in changes()}
    runs = [
        make_record((9, 3 + place + 2 * seed), seed, recipe=recipe.as_dict())
        for place, recipe in enumerate(sorted(recipes, key=lambda recipe: recipe.name))
        for seed in range(2)
    ]
    monkeypatch.setattr(committed, "in_package", lambda: runs)


def test_ablations_are_a_row_a_change(ablated, capsys):
    rows = printed(capsys, "--table", "ablations").splitlines()
    assert len(rows) == 2 + len(changes())
    assert " n | " in rows[0]
    assert " 95 % | " in rows[0]
    assert (
        printed(capsys, "--table", "ablations", "--format", "latex").count(r"\\") == len(rows) - 1
    )
    numbers = pd.read_csv(io.StringIO(printed(capsys, "--table", "ablations", "--format", "csv")))
    assert list(dict.fromkeys(numbers["direction"])) == list(DIRECTIONS)
    assert set(numbers["n"]) == {2}
    assert (numbers["low"] <= numbers["difference"]).all()


def test_ablations_that_are_not_there_are_one_line(monkeypatch, capsys):
    runs = [make_record((3,), seed) for seed in range(2)]
    monkeypatch.setattr(committed, "in_package", lambda: runs)
    assert main(["--table", "ablations"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lenet1998: --table ablations: not all of their runs come with")


def test_a_form_without_a_table_is_refused(capsys):
    for form in ("markdown", "latex"):
        assert main(["--format", form]) == 2
        assert capsys.readouterr().err == f"lenet1998: --format {form}: goes with --table\n"
