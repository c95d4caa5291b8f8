"""Every example in the Markdown pages and the docstrings runs, and so does every command of theirs.

Commands run as they stand, with flags added that make them small; those whose one form a test of
their own runs are only given to their parser here.
"""

import io
import re
import runpy
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from sybil.document import Document, PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

import lenet1998
from experiments import study
from lenet1998.ablate.components import chosen
from lenet1998.cli import Parser
from lenet1998.data import load
from lenet1998.pretrained import save_weights
from lenet1998.training import fit, flags

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS += sorted(page for folder in ("api", "appendix") for page in ROOT.glob(f"docs/{folder}/*.md"))
LABS = sorted((ROOT / "docs" / "labs").glob("*.md"))  # whose blocks test_labs.py runs
MARKDOWN = [page for page in TEXTS if "```python" in page.read_text()]
MODULES = [file for file in (ROOT / "lenet1998").rglob("*.py") if ">>> " in file.read_text()]
GIVEN = {
    "model": lenet1998.build_model("original"),
    "criterion": lenet1998.RECIPES["original"].build_criterion(),
    "images": torch.zeros(4, 1, 32, 32),
    "labels": torch.arange(4),
    "field": torch.zeros(1, 1, 32, 64),
}
"""What examples take for granted. A page imports what it uses; a docstring need not."""
IMPORTED = {
    "torch": torch,
    "lenet1998": lenet1998,
    "diagonal_curvature": lenet1998.diagonal_curvature,
    "load": load,
    "Image": Image,
}


@pytest.fixture
def fit_of_few(monkeypatch, digits):
    """``lenet1998.fit`` for a pass over a few digits, whatever is asked for."""

    def few(recipe="original", seed=0, data=digits, **_):
        return fit(recipe, seed, data, engine="eager", passes=1, train_size=20)

    monkeypatch.setattr(lenet1998, "fit", few)


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_examples_of_a_page_run(page, fit_of_few):
    document = Document.parse(str(page), PythonCodeBlockParser())
    document.namespace.update(GIVEN)
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_examples_of_docstrings_run(module, monkeypatch):
    name = ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for key, value in (GIVEN | IMPORTED).items():
        monkeypatch.setattr(import_module(name), key, value, raising=False)
    examples = list(PythonDocStringDocument.parse(str(module), DocTestParser()).examples())
    assert examples
    for example in examples:
        example.evaluate()


# --- Commands -----------------------------------------------------------------------------------

COMMAND = re.compile(r"python -m (lenet1998|experiments)\.([\w.]*\w)((?: [^`\n|#&]*)?)")


def commands() -> list[tuple[str, str, tuple[str, ...]]]:
    """All commands that README and docs name: the kind, the name, and the arguments."""
    found = {}
    for page in [*TEXTS, *LABS]:
        for kind, name, rest in COMMAND.findall(page.read_text().replace("\\\n", " ")):
            found[kind, name, tuple(shlex.split(rest))] = None
    return sorted(found, key=lambda command: (-len(command[2]), command))


def of_new_form(found: list[tuple[str, tuple[str, ...]]]) -> set[tuple[str, tuple[str, ...]]]:
    """Commands enough that each flag of each occurs, and each as it is without flags."""
    seen, chosen_ones = set(), set()
    for name, arguments in found:
        form = {(name, argument) for argument in arguments if argument.startswith("--")}
        if not (form or {(name, "")}) <= seen:
            chosen_ones.add((name, arguments))
        seen |= form or {(name, "")}
    return chosen_ones


OURS = [(name, arguments) for kind, name, arguments in commands() if kind == "lenet1998"]
STUDIES = [(name, arguments) for kind, name, arguments in commands() if kind == "experiments"]
FEW = ["--passes", "1", "--train-size", "20", "--seeds", "0", "--engine", "eager", "--jobs", "1"]
FEW += ["--dataset", "digits"]
SMALL = {
    "reproduce": lambda given: [] if "--list" in given else FEW,
    "ablate": lambda given: [*FEW, "--direction", "in"],
    "compare": lambda given: (
        FEW if "--seeds" in given else ["--dataset", "digits"] * ("--runs" in given)
    ),
    "show": lambda given: [] if given and given[0].startswith("runs/") else ["--dataset", "digits"],
    "predict": lambda given: [],
}
"""What is added to the arguments of a command; the others are in tests/test_<name>.py."""
RUN = {(name, arguments) for name, arguments in of_new_form(OURS) if name in SMALL}


@pytest.fixture
def blank_figures(monkeypatch):
    """Every figure is a blank one: drawing takes most of a small run's time, and has its tests."""
    blank = io.BytesIO()
    Image.new("L", (1, 1)).save(blank, "png")
    monkeypatch.setattr(Figure, "savefig", lambda _, file, **__: file.write(blank.getvalue()))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with what the commands of README and docs take for granted."""
    place = tmp_path_factory.mktemp("workplace")
    (place / "experiments").symlink_to(ROOT / "experiments")
    for name, marks in (("digit.png", 1), ("photo.png", 5)):
        picture = Image.new("L", (60 * marks, 90), 255)
        for mark in range(marks):
            ImageDraw.Draw(picture).line((60 * mark + 30, 15, 60 * mark + 30, 75), 0, 9)
        picture.save(place / name)
    save_weights(GIVEN["model"], place / "mine.safetensors")
    return place


@pytest.fixture
def runs(workplace, blank_figures) -> Path:
    """The same, with runs of two variants in it."""
    reproduce = import_module("lenet1998.reproduce.__main__").main
    for variant in ("original", "modern"):
        where = workplace / "runs" / variant
        if not where.is_dir():
            assert reproduce(["--variant", variant, *FEW, "--out", str(where)]) == 0
    return workplace


@pytest.mark.parametrize(("name", "arguments"), OURS, ids=str)
def test_a_command_runs(name, arguments, runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    small = []
    if (name, arguments) in RUN:
        small = SMALL[name](arguments)
    else:
        assert name in SMALL or name == "report" or (ROOT / f"tests/test_{name}.py").is_file()
        monkeypatch.setattr(Parser, "parse_args", only_read)
    try:
        status = import_module(f"lenet1998.{name}.__main__").main([*arguments, *small])
    except SystemExit as ended:
        status = ended.code
    assert status == 0


def only_read(self, arguments):
    """Read the flags and what they name, and do no more."""
    given = super(Parser, self).parse_args(arguments)
    if hasattr(given, "variant") and hasattr(given, "set"):
        flags.recipe_from(given, given.variant or "original")
    if hasattr(given, "only"):
        chosen(given.only and given.only.split(","), None)
    sys.exit(0)


@pytest.mark.parametrize(("name", "arguments"), STUDIES, ids=str)
def test_a_study_runs(name, arguments, tiny_mnist, tmp_path, monkeypatch):
    """Of a study its first run, for a pass over a few patterns; other scripts read their flags."""
    script = ROOT / "experiments" / f"{name.replace('.', '/')}.py"
    run_study, asked = study.run_study, []

    def first(description, cells_in, *_, **__):
        def cell(results):
            one = cells_in(results)[0]
            few = {"passes": 1, "train_size": 20, "held_out": min(one.recipe.held_out, 50)}
            return [study.cell_of(results, "small", one.recipe.changed(**few), one.seed)]

        asked.append(description)
        where = ["--data", str(tiny_mnist), "--results", str(tmp_path), "--engine", "eager"]
        return run_study(description, cell, where)

    if "def main" in script.read_text():
        monkeypatch.setattr(Parser, "parse_args", only_read)
    else:
        monkeypatch.setattr(study, "run_study", first)
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    monkeypatch.delitem(sys.modules, f"experiments.{name}", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"experiments.{name}", run_name="__main__")
    assert ended.value.code == 0
    assert len(list(tmp_path.glob("small.jsonl"))) == len(asked)
