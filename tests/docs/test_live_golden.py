"""Golden cases of the live page: made by the package, one list, and run in the page.

A case is an expression of the page's, its argument, and the package's answer to the same. The page
keeps no answers of its own, so it cannot lag behind the package.
"""

import numpy as np
import pytest
import torch
from browser import ask, show_live

import lenet1998
from lenet1998 import strings
from lenet1998.data.patterns import normalise
from lenet1998.data.pictures import to_bytes
from lenet1998.models import build_model
from lenet1998.recipes import NETWORK_SWITCHES, ORIGINAL, RECIPES

NETWORK = """((made) => {
  const arrays = Object.entries(made.state).map(([name, v]) => [name, Float64Array.from(v)]);
  const network = new Network(made.recipe, Object.fromEntries(arrays));
  const states = network.forward(Float64Array.from(made.field), 32, made.width);
  const row = (position) => network.outputs(states, position);
  return Array.from({ length: states.positions }, (_, position) => row(position)).flat();
})(arguments[0])"""
PENALTIES = """((made) => {
  const network = { ...made, outputs: (_, position) => made.rows[position] };
  network.shares = Network.prototype.shares;
  return penalties(network, { positions: made.rows.length });
})(arguments[0])"""
TYPED = [f"{digit}{digit}" for digit in range(10)] + [
    "1998", "2345", "90210", "314159", "271828", "60718", "1122", "7700", "5551212",
    "80486", "6502", "1234567", "9876543", "000", "10101", "42",
]  # fmt: skip
"""Strings that a reader might type: 26, ten of them a digit twice."""


def readings():
    """Penalties at random, with ties, and with digits that stand on several outputs."""
    draw = np.random.default_rng(7)
    tables = [draw.exponential(2, (length, 11)) for length in (1, 2, 9, 40) for _ in range(3)]
    tables += [draw.integers(0, 3, (length, 11)).astype(float) for length in (1, 3, 12, 12, 12)]
    for digits in ("5555", "55-55", "5-5", "12", "1-2", "----", "9988--8"):
        tables.append(np.full((len(digits), 11), 6.0))
        for row, digit in zip(tables[-1], digits, strict=True):
            row["0123456789-".index(digit)] = 0.25
    for table in tables:
        found = strings.read(table, repeats=True)
        expected = [[int(digit) for digit in found.text], found.penalty, list(found.positions)]
        page = (
            "((r) => [[...r.text].map(Number), r.penalty, r.positions])(readString(arguments[0]))"
        )
        yield "reading", page, table.tolist(), expected


def networks():
    """Outputs of nets as they start, for every switch that the page has, on a field of three."""
    field = torch.rand(1, 1, 32, 40, generator=torch.Generator().manual_seed(3))
    page = ("pooling", "squash", "subsampling_squash", "c3", "output")
    changes = [{switch: value} for switch in page for value in NETWORK_SWITCHES[switch]]
    for change in changes:
        loss = {"loss": "cross_entropy"} if change.get("output") == "linear" else {}
        recipe = ORIGINAL.changed(**change, **loss)
        model = build_model(recipe, seed=4)
        with torch.no_grad():
            expected = model(field)[0, :, 0].T.flatten().tolist()
        state = {name: value.flatten().tolist() for name, value in model.state_dict().items()}
        made = {"recipe": recipe.as_dict(), "state": state, "width": 40}
        yield f"network {change}", NETWORK, made | {"field": field.flatten().tolist()}, expected


def costs():
    """Eq. 9's penalties of outputs near and far, with and without a blank class."""
    draw = np.random.default_rng(11)
    for name in ("original", "strings"):
        recipe = RECIPES[name]
        classes = 11 if recipe.blank == "space" else 10
        rows = draw.exponential(6, (7, classes))
        expected = strings.penalties(recipe, torch.from_numpy(rows.T))
        network = {"recipe": recipe.as_dict(), "smallestWins": True, "classes": classes}
        yield f"penalties {name}", PENALTIES, network | {"rows": rows.tolist()}, expected.tolist()


def pictures():
    """Ink of any shape, scaled, centred and made bytes."""
    draw = np.random.default_rng(13)
    for shape in ((128, 128), (9, 40), (31, 12), (1, 1)):
        ink = np.where(draw.random(shape) < 0.3, draw.random(shape), 0.0)
        ink[0, 0] = 1.0
        page = "Array.from(toBytes(normalised(...arguments[0])))"
        made = [ink.flatten().tolist(), *shape]
        yield f"picture {shape}", page, made, to_bytes(normalise(ink)).flatten().tolist()


GOLDEN = [case for cases in (readings, networks, costs, pictures) for case in cases()]


@pytest.fixture(scope="module")
def page(browser):
    show_live(browser)
    return browser


def flat(answer) -> list:
    parts = [flat(part) for part in answer] if isinstance(answer, list) else [[answer]]
    return [value for part in parts for value in part]


def test_every_golden_case_is_answered_as_by_the_package(page):
    for name, expression, argument, expected in GOLDEN:
        found = ask(page, expression, argument)
        assert flat(found) == pytest.approx(flat(expected), rel=1e-4, abs=1e-4), name


def test_typed_strings_are_read_as_by_the_package_and_right(page):
    model = lenet1998.load_pretrained("strings")
    page.execute_async_script("Nets.load('strings').then(() => arguments[0]())")
    found = {}
    for typed in TYPED:
        field, width, found[typed] = page.execute_script(
            """const { field, width } = Lines.written(arguments[0]);
            const { network } = Nets.known.get("strings");
            const read = readString(penalties(network, network.forward(field, 32, width)));
            return [Array.from(field), width, read.text];""",
            typed,
        )
        with torch.no_grad():
            outputs = model(torch.tensor(field).view(1, 1, 32, width))[0, :, 0]
        costs = strings.penalties(RECIPES["strings"], outputs)
        assert found[typed] == strings.read(costs, repeats=True).text, typed
    assert {typed: text for typed, text in found.items() if typed != text} == {}
