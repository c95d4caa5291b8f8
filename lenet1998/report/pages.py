"""README and docs, remade from committed records.

``<!-- table: MODULE:FUNCTION WORDS -->`` and ``<!-- end -->`` stand around a table in a Markdown
file. It is what a function of a checkout's ``experiments`` makes of the results that it declares
(:func:`experiments.results.shows`) and of the words, if it takes any. ``<!-- figure:
MODULE:FUNCTION WORDS -->`` stands on the line above the picture that a function draws, which
carries a digest of what it shows. The runs that travel with the package and the live page's data
are made here, too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.results import ALL_VARIANTS, DISTORTIONS, Shown, runs_in
from experiments.tour import live
from lenet1998.errors import BadInput
from lenet1998.report import committed, style, tables
from lenet1998.training import lines
from lenet1998.training.records import write_atomically

END = "<!-- end -->"
MARK = re.compile(r"<!-- *(?:(?:generated|table|figure)\b.*?|end *)-->")
NAMED = r"([\w.]+:\w+(?: [^\s<>]+)*)"
TABLE = rf"<!-- table: {NAMED} -->"
BLOCK = re.compile(rf"({TABLE}\n).*?({END})", re.DOTALL)
OPENING = re.compile(rf"{TABLE}|<!-- figure: {NAMED} -->")
FILE = r"([^\s()\"]+\.(?:png|svg))"
PICTURE = re.compile(rf'!\[.*\]\({FILE}\)|.* srcset="{FILE}">')
FORMS = (
    f"<!-- table: MODULE:FUNCTION WORDS --> and {END}, or <!-- figure: MODULE:FUNCTION WORDS -->"
)
DOCUMENTS = ("README.md", "docs/*.md", "docs/*/*.md")


@dataclass(frozen=True)
class Mark:
    """A table or figure of a page.

    Attributes:
        where: page, line and mark, for complaints.
        function: what makes it.
        words: for the function.
        picture: the figure's file; None of a table.
    """

    where: str
    function: Shown
    words: tuple[str, ...]
    picture: Path | None

    def made(self, results: Path) -> pd.DataFrame | Figure:
        """Table or figure of a folder of results."""
        try:
            return self.function.made(results, *self.words)
        except KeyError as error:
            if not self.words:
                raise
            raise BadInput(f"{self.where}: there is no {error}") from None


def remake(root: Path, check: bool = False) -> list[str]:
    """Remake all that is generated from committed records.

    That is every table and figure, the runs that the package carries, and the live page's data.

    Args:
        root: the project's folder.
        check: write nothing.

    Returns:
        What was stale, as ``file: name``.

    Raises:
        BadInput: a mark without its other half, or of no table or figure, or a source that cannot
            be read; then nothing is written.
    """
    results = root / "experiments" / "results"
    texts = {
        file: _text(file)
        for file in sorted(path for pattern in DOCUMENTS for path in root.glob(pattern))
    }
    marks = {name: mark for file, text in texts.items() for name, mark in _marks(file, text)}
    made = {
        name: tables.markdown(mark.made(results))
        for name, mark in marks.items()
        if not mark.picture
    }
    fresh = {
        file: BLOCK.sub(lambda m: m[1] + made[m[2]] + m[3], text) for file, text in texts.items()
    }
    package = root / "lenet1998" / "report" / committed.FILE.name
    runs = committed.summary(results, ALL_VARIANTS)
    carried = [package] if lines.digest(runs) != _digest_of(package) else []
    pages = [file for file, text in texts.items() if text != fresh[file]]
    of = {mark.picture: mark for mark in marks.values() if mark.picture}
    digests = {file: mark.function.digest(results) for file, mark in of.items()}
    figures = [file for file, digest in digests.items() if _source_of(file) != digest]
    scripts = live.stale(root, runs_in(results, DISTORTIONS))
    if not check:
        drawn = {file: of[file].made(results) for file in figures}  # before all writing
        for file in carried:
            lines.write(file, runs)
        for file in pages:
            write_atomically(file, fresh[file].encode())
        for file, figure in drawn.items():
            style.save(figure, file, digests[file])
        for file, text in scripts.items():
            file.parent.mkdir(exist_ok=True)
            write_atomically(file, text.encode())
    return [str(file.relative_to(root)) for file in (*pages, *carried, *figures, *scripts)]


def _digest_of(package: Path) -> str | None:
    """Digest of the runs that the package carries; None if they cannot be read."""
    try:
        return lines.digest(lines.read(package))
    except BadInput:
        return None


def _source_of(figure: Path) -> str | None:
    """Digest in a figure; None if it is missing or damaged, and so to be remade."""
    try:
        return style.source_of(figure)
    except (OSError, SyntaxError, ValueError):
        return None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: no text in UTF-8 ({error})") from None


def _marks(file: Path, text: str) -> Iterator[tuple[str, Mark]]:
    """Find the tables of a page by what their marks name, and the figures by their files.

    Raises:
        BadInput: a mark of no table or figure, or without its other half: what stands after such a
            one would be taken for a table.
    """
    rows = text.splitlines()
    open_since = None
    for number, row in enumerate(rows, 1):
        for mark in MARK.findall(row):
            where = f"{file}:{number}: {mark}"
            opens = OPENING.fullmatch(mark)
            if row.lstrip() != mark or not (opens or mark == END):
                raise BadInput(f"{where} must be a line of its own, written so: {FORMS}")
            if open_since and mark != END:
                raise BadInput(f"{open_since} has no {END}")
            if mark == END and not open_since:
                raise BadInput(f"{where} ends no table")
            open_since = None
            if opens and opens[1]:
                open_since = where
                yield opens[1], _mark(where, opens[1], pd.DataFrame)
            elif opens:
                link = PICTURE.fullmatch("".join(rows[number : number + 1]))
                if not link:
                    raise BadInput(f"{where} must stand above ![WORDS](FILE)")
                picture = file.parent / (link[1] or link[2])
                yield str(picture), _mark(where, opens[2], Figure, picture)
    if open_since:
        raise BadInput(f"{open_since} has no {END}")


def _mark(where: str, name: str, kind: type, picture: Path | None = None) -> Mark:
    """Import what a mark names.

    Raises:
        BadInput: there is no such function, it makes something else, or takes other words.
    """
    module, function, *words = re.split("[: ]", name)
    try:
        found = getattr(import_module(f"experiments.{module}"), function, None)
    except ModuleNotFoundError as error:
        raise BadInput(f"{where}: {error}") from None
    if not isinstance(found, Shown) or signature(found.function).return_annotation is not kind:
        told = f"experiments.{module} has no {function} that shows results as a {kind.__name__}"
        raise BadInput(f"{where}: {told}")
    try:
        signature(found.function).bind(*found.sources, *words)
    except TypeError as error:
        raise BadInput(f"{where}: {error}") from None
    return Mark(where, found, tuple(words), picture)
