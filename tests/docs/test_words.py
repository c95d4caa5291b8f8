"""Sentences of the docs' pages are short and plain: 30 words at most, fewer than 20 on average.

A page is held to it once it stands in ``PLAIN``.
"""

import json
import re
from pathlib import Path
from statistics import mean

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = [
    "CONTRIBUTING.md",
    "README.md",
    "docs/1998-features.md",
    "docs/1998-net.md",
    "docs/api/index.md",
    "docs/ablations.md",
    "docs/appendix/ablations.md",
    "docs/appendix/comparison.md",
    "docs/appendix/open-questions.md",
    "docs/appendix/report.md",
    "docs/appendix/results.md",
    "docs/cite.md",
    "docs/claims.md",
    "docs/comparison.md",
    "docs/coursework.md",
    "docs/differences.md",
    "docs/fitted.md",
    "docs/glossary.md",
    "docs/how-to.md",
    "docs/index.md",
    "docs/inside.md",
    "docs/lecture.md",
    "docs/normal.md",
    "docs/notebooks/tour.ipynb",
    "docs/open-questions.md",
    "docs/own-network.md",
    "docs/performance.md",
    "docs/pretrained.md",
    "docs/readings.md",
    "docs/reliability.md",
    "docs/report.md",
    "docs/results.md",
    "docs/side-by-side.md",
    "docs/start.md",
    "docs/strings.md",
    "docs/switches.md",
    "docs/torch.md",
    "docs/tour.md",
    "docs/usage.md",
    "docs/why.md",
    *(f"docs/labs/{name}.md" for name in ("index", "count", "argmin", "switch", "solutions")),
]
LONGEST, MEAN = 30, 20

NO_PROSE = re.compile(
    r"^```.*?^```$|^\$\$.*?\$\$$|^---$.*?^---$|<!--.*?-->|^ *\|.*?\|$|^#+ .*?$|!\[.*?\]\(.*?\)",
    re.DOTALL | re.MULTILINE,
)
MARKUP = re.compile(r"\[([^]]*)\](?:\([^)]*\)|\[[^]]*\])|<[^>]*>|[*_`>]|\$([^$]*)\$")
ABBREVIATED = re.compile(r"\b(Figs?|[Ee]qs?|pp?|vs|e\.g|i\.e|No)\.(?=[ \d])")
ITEM = re.compile(r"^ *(?:[-*]|\d+\.) ", re.MULTILINE)
RIDDLE = re.compile(r"^(What|Whoever|Whatever)\b.*[^?]$|\b(whoever|whatever)\b", re.IGNORECASE)


def markdown_of(page: Path) -> str:
    """Text of a page; of a notebook that of its Markdown cells."""
    text = page.read_text()
    if page.suffix != ".ipynb":
        return text
    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def sentences(page: str) -> list[str]:
    """Sentences of a page's prose, without tables, headings, code, formulas and captions' pictures.

    An item of a list and a paragraph end a sentence; so do a full stop, a question mark and an
    exclamation mark, and no colon or semicolon.
    """
    prose = ITEM.sub("\n\n", NO_PROSE.sub("\n\n", page))
    prose = MARKUP.sub(lambda found: found[1] or (found[2] and "formula") or "", prose)
    prose = ABBREVIATED.sub(r"\1", prose)
    paragraphs = (" ".join(lines.split()) for lines in re.split(r"\n\s*\n", prose))
    parts = (part for text in paragraphs for part in re.split(r"(?<=[.!?])[\"”)]* +", text))
    return [part for part in parts if len(words(part)) > 1]


def words(sentence: str) -> list[str]:
    """Words and numbers of a sentence."""
    return [word for word in sentence.split() if re.search(r"\w", word)]


@pytest.mark.parametrize("page", PLAIN)
def test_sentences_are_short_and_plain(page):
    found = sentences(markdown_of(ROOT / page))
    assert [one for one in found if len(words(one)) > LONGEST] == []
    assert mean(len(words(one)) for one in found) < MEAN
    assert [one for one in found if RIDDLE.search(one)] == []


@pytest.mark.parametrize(
    ("page", "lengths"),
    [
        ("One two three. Four five.", [3, 2]),
        ("One two\nthree, see Fig. 3 on p. 8.", [9]),
        ("# No sentence\n\nOne [two three](four.md#five) `six`: seven.", [5]),
        ("- one two\n- three four five", [2, 3]),
        ("1. one two\n2. three four", [2, 2]),
        ("| a | b |\n| --- | --- |\n| one two three | four |\n\nFive six.", [2]),
        ("```python\nprint('one two three')\n```\n\nOne two.", [2]),
        ("One $x + y$ two.", [3]),
        ('See <a href="a b c">one two</a>! Is it?', [3, 2]),
    ],
)
def test_sentences_are_told_apart(page, lengths):
    assert [len(words(one)) for one in sentences(page)] == lengths


def test_a_riddle_is_noticed():
    assert RIDDLE.search("What the paper leaves open was settled.")
    assert RIDDLE.search("It matters to whoever wants codes.")
    assert not RIDDLE.search("What is the accuracy?")
    assert not RIDDLE.search("Say what it is.")
