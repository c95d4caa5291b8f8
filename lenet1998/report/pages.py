"""README and docs, remade from committed records.

A Markdown file marks a generated table with ``<!-- generated: NAME -->`` and ``<!-- end -->``;
what stands between is replaced. A figure carries, in the file, a digest of the sources it shows.
Which records make which table or figure, :mod:`experiments.documents` says. The runs that
travel with the package and the live page's data are made here, too.
"""

import re
from pathlib import Path

from experiments.documents import ALL_VARIANTS, DISTORTIONS, FIGURES, TABLES
from experiments.results import runs_in
from experiments.tour import live
from lenet1998.errors import BadInput
from lenet1998.report import committed, style, tables
from lenet1998.training import lines
from lenet1998.training.records import write_atomically

BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
END = "<!-- end -->"
MARK = re.compile(r"<!-- *(?:generated\b.*?|end *)-->")
DOCUMENTS = ("README.md", "docs/*.md", "docs/api/*.md")


def remake(root: Path, check: bool = False) -> list[str]:
    """Remake all that is generated from committed records.

    That is every table and figure, the runs that the package carries, and the live page's data.

    Args:
        root: the project's folder.
        check: write nothing.

    Returns:
        What was stale, as ``file: name``.

    Raises:
        BadInput: a mark without its other half, or of no table, or a source that cannot be read;
            then nothing is written.
    """
    results = root / "experiments" / "results"
    texts = {
        file: _text(file)
        for file in sorted(path for pattern in DOCUMENTS for path in root.glob(pattern))
    }
    fresh = {
        file: BLOCK.sub(lambda m: m[1] + tables.markdown(TABLES[m[2]](results)) + m[3], text)
        for file, text in texts.items()
    }
    package = root / "lenet1998" / "report" / committed.FILE.name
    runs = committed.summary(results, ALL_VARIANTS)
    carried = [package] if lines.digest(runs) != _digest_of(package) else []
    pages = [file for file, text in texts.items() if text != fresh[file]]
    drawings = {
        root / "docs" / "figures" / name: drawing
        for name, drawing in FIGURES.items()
        if _source_of(root / "docs" / "figures" / name) != drawing.digest(results)
    }
    scripts = live.stale(root, runs_in(results, DISTORTIONS))
    if not check:
        for drawing in drawings.values():
            drawing.held(results)  # before anything is written
        for file in carried:
            lines.write(file, runs)
        for file in pages:
            write_atomically(file, fresh[file].encode())
        for file, drawing in drawings.items():
            drawing.remake(results, file)
        for file, text in scripts.items():
            file.parent.mkdir(exist_ok=True)
            write_atomically(file, text.encode())
    return [str(file.relative_to(root)) for file in (*pages, *carried, *drawings, *scripts)]


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
    """A page whose marks all have their other half.

    Raises:
        BadInput: a page with other marks: what stands after such a one would be taken for a table.
    """
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: no text in UTF-8 ({error})") from None
    open_since = None
    for number, line in enumerate(text.splitlines(), 1):
        for mark in MARK.findall(line):
            closes = mark == END
            if line.strip() != mark or not (closes or BLOCK.fullmatch(f"{mark}\n{END}")):
                raise BadInput(f"{file}:{number}: {mark} must be a line of its own, written so")
            if closes and open_since is None:
                raise BadInput(f"{file}:{number}: {END} ends no generated table")
            if not closes and open_since is not None:
                raise BadInput(f"{file}:{open_since}: the generated table has no {END}")
            open_since = None if closes else number
    if open_since is not None:
        raise BadInput(f"{file}:{open_since}: the generated table has no {END}")
    if unknown := {name for _, name, _ in BLOCK.findall(text)} - set(TABLES):
        raise BadInput(f"{file}: no generated table is called {', '.join(sorted(unknown))}")
    return text
