"""The lab sheets run, and their solutions are right; the lecture's links open the live page so."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import torch
from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

import lenet1998
from lenet1998 import paper
from lenet1998.ablate.__main__ import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LABS = DOCS / "labs"
PAGES = [*sorted(LABS.glob("*.md")), *(DOCS / f"{name}.md" for name in ("lecture", "side-by-side"))]
LIVE = re.compile(r'href="(?:\.\./)?live/index\.html(?:#([^"]*))?"')
SECTIONS = set(re.findall(r' id="([\w-]+-title)"', (DOCS / "live" / "index.html").read_text()))


def blocks(text: str, namespace: dict) -> int:
    """Run the Python blocks of a text in a namespace; how many there were."""
    document = Document(text, str(LABS / "a lab"))
    document.namespace = namespace
    examples = list(PythonCodeBlockParser()(document))
    for region in examples:
        document.add(region)
    for example in document.examples():
        example.evaluate()
    return len(examples)


def solution(heading: str) -> str:
    """The section of the solutions under a heading."""
    sections = re.split(r"^## ", (LABS / "solutions.md").read_text(), flags=re.MULTILINE)
    (found,) = (section for section in sections if section.startswith(heading))
    return found


@pytest.mark.parametrize(
    ("sheet", "heading"),
    [
        ("count", "Lab 1"),
        ("argmin", "Lab 2"),
        pytest.param("switch", "Lab 3", marks=pytest.mark.slow),  # fifty small runs
    ],
)
def test_a_sheet_runs_and_its_solution_after_it(sheet, heading):
    namespace: dict = {}
    assert blocks((LABS / f"{sheet}.md").read_text(), namespace) >= 2
    assert blocks(solution(heading), namespace) >= 3


def test_a_wrong_solution_is_noticed():
    namespace: dict = {}
    blocks((LABS / "count.md").read_text(), namespace)
    wrong = solution("Lab 1").replace("kernels = 6 * 3", "kernels = 5 * 3")
    with pytest.raises(AssertionError):
        blocks(wrong, namespace)


def test_the_command_of_a_sheet_shows_the_row_that_the_sheet_names(tmp_path, monkeypatch, capsys):
    (arguments,) = re.findall(r"python -m lenet1998\.ablate (.*)", (LABS / "switch.md").read_text())
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 0
    assert "maxima" in capsys.readouterr().out


def test_both_nets_of_side_by_side_are_of_thirty_lines():
    text = (DOCS / "side-by-side.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]:
        assert "nn.Module" in block
        assert len(block.splitlines()) <= 34
        assert len([line for line in block.splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("kind", ["tutorial", "historic"])
def test_a_net_of_side_by_side_learns(kind):
    """They are no dummies: a few steps on a few digits bring the loss down."""
    namespace: dict = {}
    blocks((DOCS / "side-by-side.md").read_text(), namespace)
    torch.manual_seed(0)
    net, labels = namespace[kind], torch.arange(10)
    images = torch.randn(10, 1, 32, 32)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def loss():
        outputs = net(images)
        if kind == "historic":
            return outputs[labels, labels].mean()  # eq. 8
        return torch.nn.functional.cross_entropy(outputs, labels)

    first = loss().item()
    for _ in range(30):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < 0.9 * first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_into_the_live_page_name_what_is_there(page):
    """A fragment is a section, or a state as ``docs/live/state.js`` reads it."""
    layers = {of.name: of for of in lenet1998.count(lenet1998.build_model("original")).layers}
    nets = (DOCS / "live" / "nets" / "list.js").read_text()
    limits = {"fig13": len(paper.fig13_states().labels), "fig8": len(paper.fig8_errors().label)}
    for fragment in filter(None, LIVE.findall(page.read_text())):
        if "=" not in fragment:
            assert fragment in SECTIONS, fragment
            continue
        for key, value in parse_qsl(fragment, strict_parsing=True):
            if key in ("net", "lineNet"):
                assert f'"name":"{value}","title"' in nets
            elif key == "unit":
                name, number, place = value.split(".")
                layer = layers[name]
                assert int(number) < layer.maps, value
                assert int(place) < layer.size**2, value
            elif key == "pick":
                kind, _, number = value.partition(".")
                assert int(number) < limits[kind], value
            else:
                assert key == "draw", key
                assert re.fullmatch(r"[\w.-]+", value), value
