"""The ledger as a page: rows are whole, commands are there, verdicts are the records'."""

import importlib.util
import re
from pathlib import Path

import pytest
from factory import make_record, put

from experiments.claims.ledger import Evidence, by_page
from experiments.claims.statements import CLAIMS, summary, table
from experiments.claims.verdicts import (
    CANNOT_TELL,
    DOES_NOT,
    HOLDS,
    NOT_TESTABLE,
    NOT_YET,
    VERDICTS,
)
from lenet1998.__main__ import COMMANDS
from lenet1998.errors import BadInput
from lenet1998.recipes import ORIGINAL
from lenet1998.report.__main__ import main as report
from lenet1998.report.tables import PLUS_MINUS
from lenet1998.training.flags import run_parser

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "experiments" / "results"
ORIGINALS = "headline/original"


@pytest.fixture(scope="module")
def rows():
    return table.made(RESULTS).to_dict("records")


def test_every_row_is_whole(rows):
    assert len(rows) == len(CLAIMS) > 80
    for row in rows:
        assert re.fullmatch(r"\d+(-\d+)?", row["page"])
        assert row["section"]
        assert row["the paper says"]
        assert row["tested by"]
        verdict = row["verdict"].strip("*")
        assert verdict in VERDICTS
        assert bool(row["ours"]) or verdict in (NOT_TESTABLE, NOT_YET)
        assert "|" not in "".join(row.values())


def test_n_stands_beside_every_spread(rows):
    spreads = [row["ours"] for row in rows if PLUS_MINUS in row["ours"]]
    assert len(spreads) > 15
    assert [ours for ours in spreads if "n = " not in ours] == []


def test_no_statement_stands_twice():
    words = [claim.words for claim in CLAIMS]
    assert len(set(words)) == len(words)


def test_pages_ascend():
    pages = [[*map(int, claim.page.split("-"))] for claim in CLAIMS]
    assert pages == sorted(pages)
    assert by_page(reversed(CLAIMS))[0].page == CLAIMS[0].page


@pytest.mark.parametrize("command", sorted({claim.command for claim in CLAIMS}))
def test_every_command_exists(command):
    python, dash_m, module, *rest = command.split()
    assert (python, dash_m) == ("python", "-m")
    assert importlib.util.find_spec(module)
    name = module.removeprefix("lenet1998.")
    assert module.startswith("experiments.") or name in COMMANDS
    if name == "reproduce":
        flags = run_parser("reproduce", "").parse_args(rest)
        assert ORIGINAL.override(flags.set).name != "original"


def runs(results: Path, errors, folder=ORIGINALS) -> None:
    """Runs that ended with these test errors in percent."""
    (results / "headline.jsonl").unlink(missing_ok=True)
    for seed, error in enumerate(errors):
        record = make_record((9,) * 20, seed=seed)
        record.last["test_error_percent"] = error
        put(results, folder, record)


def verdict_of(start: str, results: Path) -> str:
    (claim,) = (claim for claim in CLAIMS if claim.words.startswith(start))
    return claim.found(Evidence(results)).verdict


def test_a_changed_record_changes_a_verdict(tmp_path):
    start = "Test error: 0.95 %"
    assert verdict_of(start, tmp_path) == NOT_YET
    runs(tmp_path, [1.0, 1.1, 0.9, 1.0, 1.05])
    assert verdict_of(start, tmp_path) == CANNOT_TELL
    runs(tmp_path, [1.0, 1.1, 0.9, 1.0, 1.05, 0.95])
    assert verdict_of(start, tmp_path) == HOLDS
    runs(tmp_path, [1.0, 1.5, 0.5, 1.0, 1.5, 0.5])  # one more run: anything
    assert verdict_of(start, tmp_path) == CANNOT_TELL
    runs(tmp_path, [4.0, 4.0, 4.5, 4.0, 3.5, 4.0])
    assert verdict_of(start, tmp_path) == DOES_NOT


def test_a_damaged_record_is_no_missing_one(tmp_path):
    runs(tmp_path, [1.0])
    (tmp_path / "headline.jsonl").write_text("{\n")
    with pytest.raises(BadInput, match=r"headline\.jsonl:1: no readable JSON"):
        verdict_of("Test error: 0.95 %", tmp_path)


def test_the_summary_counts_the_rows(tmp_path):
    runs(tmp_path, [1.0, 1.1, 0.9, 1.0, 1.05, 0.95])
    counts = summary.made(tmp_path).set_index("verdict")["statements"].to_dict()
    given = table.made(tmp_path)["verdict"].str.strip("*").tolist()
    assert counts == {
        **{verdict: given.count(verdict) for verdict in VERDICTS},
        "all": len(CLAIMS),
    }


def test_without_results_only_definitions_are_judged(tmp_path):
    given = {claim.found(Evidence(tmp_path)).verdict for claim in CLAIMS}
    assert given == set(VERDICTS)


def test_a_verdict_typed_by_hand_is_noticed(tmp_path, capsys):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "results").symlink_to(RESULTS)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "figures").symlink_to(ROOT / "docs" / "figures")
    honest = (ROOT / "docs" / "claims.md").read_text()
    page = tmp_path / "docs" / "claims.md"
    page.write_text(honest.replace("**does not hold**", "**holds**", 1))
    assert report(["--check", "--root", str(tmp_path)]) == 1
    # That folder has no package, whose runs are stale, too.
    told = "docs/claims.md: stale\nlenet1998/report/runs.jsonl.gz: stale\n"
    assert capsys.readouterr().out == told
