"""Measured numbers in the prose of README and docs are those of the tables.

``numbers.csv`` has a line for each: the page, the number as it stands there, and its place in a
table of the docs, by the table's mark, the beginning of the row, and the column. All other numbers
of the pages with decimals, percent and the like are in ``FACTS``: the paper's, settings, rules and
rough ones. So a measured number that is changed, added or left out on a page alone is noticed.
"""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES.remove(ROOT / "docs" / "protocol.md")  # which has rules and no results
PAGES += sorted((ROOT / "docs" / "appendix").glob("*.md"))
MEASURED = list(csv.DictReader(Path(__file__).with_name("numbers.csv").read_text().splitlines()))
FACTS = (
    "0 5e-6 7e-5 0.006 0.01 0.016 0.02 0.025 0.04 0.05 0.1 0.13 0.15 0.25 0.3 0.35 0.44 0.5 0.6"
    " 0.75 0.8 0.82 0.9 0.95 1 1.05 1.175 1.2 1.36 1.4 1.7159 2 2.4 2.5 4 5 10 15 16 18 20 21 30"
    " 43 50 60 70 84 90 95 98.7 99.05 99.2 100 60,000"
)

NO_PROSE = re.compile(
    r"^ *```.*?^ *```|^\$\$.*?\$\$$|<!-- table: .*?<!-- end -->|<!--.*?-->|!\[.*?\]\([^)]*\)"
    r"|\]\([^)]*\)|`[^`]*`|\$[^$\n]*\$|^#+ .*?$|^ *\|.*?\|$|<[a-z/][^>]*>|^    .*?$"
    r"|\d+\.\d+\.\d+|3\.1[14]|version \d\.\d|[io][fn] 1\.0|\b[12]\d{3}\b(?=[ .,'])",
    re.DOTALL | re.MULTILINE,
)
TOLD = re.compile(
    r"(?<=n = )\d+|(?<![\w.,/])\d[\d,]*(?:\.\d+(?:e-\d+)?|e-\d+"
    r"|(?= (?:%|points|seconds|times)(?!\w))|(?= of (?:the |our )?\d))"
)
TABLE = re.compile(r"<!-- table: (.*?) -->\n(.*?)<!-- end -->", re.DOTALL)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-\d+)?")


def told(page: str) -> Counter:
    """Numbers in a page's prose: with decimals, n, or before a unit or ``of`` another."""
    return Counter(TOLD.findall(" ".join(NO_PROSE.sub(" ", page).split())))


def rows_of(line: str) -> list[str]:
    """Cells of a table's line."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def tables() -> dict[str, list[list[str]]]:
    """The docs' tables by their marks, heads first."""
    return {
        mark: [rows_of(line) for line in body.strip().splitlines()]
        for page in PAGES
        for mark, body in TABLE.findall(page.read_text())
    }


def rounds_to(cell: str, number: str) -> bool:
    """True if a number of the cell is this one, rounded to as many places."""
    places = len(number.partition(".")[2]) if "e" not in number else 9
    wanted, found = (
        [float(one.replace(",", "")) for one in NUMBER.findall(text)] for text in (number, cell)
    )
    return any(abs(one - wanted[0]) <= 0.5001 * 10**-places for one in found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_number_of_the_prose_is_a_tables_or_a_fact(page):
    name = str(page.relative_to(ROOT))
    measured = Counter(line["number"] for line in MEASURED if line["page"] == name)
    found = told(page.read_text())
    assert measured - found == Counter()
    assert set(found - measured) <= set(FACTS.split())


def test_measured_numbers_are_the_tables():
    made, wrong = tables(), []
    for line in MEASURED:
        head, _, *rows = made[line["table"]]
        row = next(row for row in rows if " | ".join(row).startswith(line["row"]))
        if not rounds_to(row[head.index(line["column"])], line["number"]):
            wrong.append((line, row))
    assert wrong == []


def test_a_changed_number_is_noticed():
    page = "One has 0.98 % (n = 30), 41 of the 82, p = 4e-08; see Fig. 8, `0.1` and [x](0.2)."
    assert told(page) == Counter(["0.98", "30", "41", "4e-08"])
    assert told(page.replace("41", "42")) != told(page)
    assert rounds_to("+0.950 ± 0.31", "0.95")
    assert rounds_to("12,345 (n = 20)", "20")
    assert not rounds_to("+0.950", "0.96")
