"""The live page can be used: from disk, with mouse, finger or keyboard, on a desk or a phone."""

import gzip

import numpy as np
import pytest
from browser import (
    DESKTOP,
    NETS,
    PHONE,
    ask,
    complaints,
    contrast,
    contrasts,
    press,
    show_live,
    wait,
)

from lenet1998 import paper


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_opens_from_disk_without_a_complaint_and_fits(browser, size, scheme):
    complaints(browser)
    for net in NETS:
        show_live(browser, f"net={net}&pick=fig13.4&turn=20&unit=c5.3.0", size, scheme)
        assert ask(browser, "document.querySelector('.trouble:not(:empty)')") is None
        assert ask(browser, "document.documentElement.scrollWidth") <= size[0]
    assert complaints(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_background(browser, scheme):
    show_live(browser, "pick=fig13.2&unit=s2.3.40", scheme=scheme)
    browser.execute_script("document.getElementById('train').click()")
    wait(browser, "document.querySelector('#runs tbody tr')")
    found = contrasts(browser)
    browser.execute_script("document.getElementById('forget').click()")
    assert len(found) > 150
    assert [(round(ratio, 2), what) for ratio, what in found if ratio < 4.5] == []


def test_frames_and_edges_stand_out_from_what_they_are_on(browser):
    """Of what is no text, 3:1 is asked."""
    for scheme in ("light", "dark"):
        show_live(browser, scheme=scheme)
        colours = ask(
            browser,
            "Object.fromEntries(['paper', 'sheet', 'edge', 'accent', 'frame'].map((name) => ["
            "name, getComputedStyle(document.documentElement).getPropertyValue('--' + name)]))",
        )
        for name in ("edge", "accent", "frame"):
            for ground in ("paper", "sheet"):
                ratio = contrast(colours[name], colours[ground])
                assert ratio >= 3, f"{scheme}: {name} on {ground} {ratio:.2f}"


def test_a_digit_can_be_drawn_with_the_keyboard(browser):
    from selenium.webdriver.common.keys import Keys

    show_live(browser, "draw=")
    assert "Nothing is drawn" in ask(browser, "document.getElementById('verdict-note').textContent")
    browser.execute_script("document.getElementById('pad').focus()")
    press(browser, " ", *[Keys.ARROW_DOWN] * 12, " ")
    wait(browser, "app.current.pattern")
    (stroke,) = ask(browser, "app.state.draw")
    assert len(stroke) == 13
    assert {x for x, _ in stroke} == {256}
    assert ask(browser, "document.getElementById('verdict').textContent") == "1"
    press(browser, Keys.BACKSPACE)
    wait(browser, "app.current.pattern === null")


def test_tab_and_arrows_lead_through_the_layers(browser):
    from selenium.webdriver.common.keys import Keys

    show_live(browser)
    seen, units = [], []
    browser.execute_script("document.getElementById('lanes').focus()")
    press(browser, Keys.ARROW_DOWN)
    wait(browser, "app.current.unit.layer === 'output'")
    while len(seen) < 6:
        press(browser, Keys.TAB)
        here = ask(browser, "document.activeElement.id")
        if not here.startswith("layer-"):
            continue
        seen.append(here)
        press(browser, Keys.ARROW_RIGHT)
        wait(browser, "app.current.unit.layer !== 'output'")
        units.append(ask(browser, "app.state.unit"))
    assert seen == [f"layer-{name}" for name in ("c1", "s2", "c3", "s4", "c5", "f6")]
    assert [unit.split(".")[0] for unit in units] == ["c1", "s2", "c3", "s4", "c5", "f6"]
    wait(browser, "document.getElementById('unit-spoken').textContent.startsWith('F6')")


@pytest.mark.parametrize(
    "unit", ["c1.2.300", "s2.4.100", "c3.7.33", "s4.9.12", "c5.60.0", "f6.11.0"]
)
def test_the_panel_sums_up_to_the_units_state(browser, unit):
    show_live(browser, f"unit={unit}")
    layer, place, at = unit.split(".")
    rows = ask(
        browser,
        "Array.from(document.querySelectorAll('#arithmetic .sums tr'),"
        " (row) => row.lastChild.textContent)",
    )
    numbers = [float(text.replace("\N{MINUS SIGN}", "-")) for text in rows]
    state = ask(browser, "app.current.states[arguments[0]]", layer)
    area = state["height"] * state["width"]
    values = (
        list(state["values"].values()) if isinstance(state["values"], dict) else state["values"]
    )
    assert numbers[-1] == pytest.approx(values[int(place) * area + int(at)], abs=6e-4)
    if layer.startswith("s"):
        assert numbers[0] * numbers[1] + numbers[2] == pytest.approx(numbers[3], abs=5e-3)
    else:
        assert numbers[0] + numbers[1] == pytest.approx(numbers[2], abs=2e-3)


def test_table_one_lights_up(browser):
    show_live(browser, "unit=c3.10.5")
    lit = "[...document.querySelectorAll('.table-one tr')].flatMap((row, i) => [...row.cells]"
    lit += ".flatMap((cell, o) => cell.classList.contains('joined') ? [[i - 1, o - 1]] : []))"
    assert ask(browser, lit) == [[i, 10] for i in paper.C3_TABLE[10]]
    show_live(browser, "unit=s2.4.5")
    assert ask(browser, lit) == [[4, o] for o, row in enumerate(paper.C3_TABLE) if 4 in row]


def test_a_finger_draws(browser):
    show_live(browser, "draw=", PHONE)
    browser.execute_script("document.getElementById('pad').scrollIntoView({ block: 'center' })")
    box = ask(browser, "document.getElementById('pad').getBoundingClientRect().toJSON()")
    points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] * y) for y in (0.2, 0.5, 0.8)]
    for kind, at in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        touch = {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}]}
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", touch)
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait(browser, "app.current.pattern")
    assert ask(browser, "document.getElementById('verdict').textContent") == "1"


def test_the_address_holds_what_was_set(browser):
    wanted = {
        "net": NETS[-1],
        "draw": [[[10, 500], [200, 7]], [[511, 0]]],
        "moves": {"x": -3, "y": 2, "scale": 1.25, "turn": 30, "squeeze": 0.9}
        | {"thicken": 0.5, "noise": 0.1},
        "unit": "s4.3.7",
        "line": "own",
        "typed": "90210",
        "lineNet": NETS[0],
        "position": 5,
        "switches": {"pooling": "max", "seed": "2"},
    }
    show_live(browser)
    browser.execute_script("app.change(arguments[0]); app.use()", wanted)
    wait(browser, "location.hash.includes('90210')")
    written, outputs = ask(browser, "[location.hash.slice(1), app.current.outputs]")
    show_live(browser, written)
    state = ask(browser, "app.state")
    assert {key: state[key] for key in wanted} == wanted
    assert ask(browser, "app.current.outputs") == outputs
    assert ask(browser, "document.getElementById('switch-pooling').value") == "max"


@pytest.mark.parametrize(
    "fragment",
    ["net=lenet6&unit=c9.1.1&pick=fig13.99&x=NaN&draw=!!&line=x&position=-1", "unit=c1.999.0", "%"],
)
def test_an_address_that_makes_no_sense_is_passed_over(browser, fragment):
    complaints(browser)
    show_live(browser, fragment)
    assert ask(browser, "app.state.net") == NETS[0]
    assert complaints(browser) == []


def test_sliders_move_the_digit(browser):
    show_live(browser, "x=2&y=-3")
    moved = np.array(ask(browser, "Array.from(app.current.inputs)")).reshape(32, 32)
    show_live(browser, "")
    still = np.array(ask(browser, "Array.from(app.current.inputs)")).reshape(32, 32)
    np.testing.assert_allclose(moved, np.roll(still, (-3, 2), (0, 1)), atol=1e-9)
    ink = {"": still.sum()}
    for move in ("thicken=1", "thicken=-1", "scale=1.5", "squeeze=1.3", "turn=40"):
        show_live(browser, move)
        ink[move] = ask(browser, "app.current.inputs.reduce((sum, value) => sum + value, 0)")
    assert ink["thicken=-1"] < ink[""] < min(ink["thicken=1"], ink["scale=1.5"])
    amount = ink[""] - 1024 * paper.BACKGROUND
    assert ink["turn=40"] - 1024 * paper.BACKGROUND == pytest.approx(amount, rel=0.03)
    assert ink["squeeze=1.3"] - 1024 * paper.BACKGROUND == pytest.approx(amount, rel=0.03)
    show_live(browser, "noise=0.1")
    noisy = np.array(ask(browser, "Array.from(app.current.inputs)")).reshape(32, 32)
    changed = ~np.isclose(noisy, still)
    assert 60 < changed.sum() < 150
    both = paper.BACKGROUND + paper.INK
    np.testing.assert_allclose(noisy[changed], both - still[changed], atol=1e-9)


def test_a_slider_can_be_set_swaying(browser):
    show_live(browser)
    browser.execute_script("document.querySelector('[aria-label=\"Animate: Turn\"]').click()")
    wait(browser, "app.state.moves.turn > 3")
    browser.execute_script("document.querySelector('[aria-label=\"Animate: Turn\"]').click()")
    assert ask(browser, "app.state.moves.turn") == 0


def test_the_patterns_of_fig13_are_stepped_through(browser):
    show_live(browser)
    for label in paper.fig13_states().labels:
        browser.execute_script("document.getElementById('fig13-next').click()")
        wait(browser, "!app.scheduled")
        said = ask(browser, "document.getElementById('fig13-said').textContent")
        answer = ask(browser, "app.current.answer")
        assert said == f"1998 read {label}. This network reads {answer}."
    inputs = np.array(ask(browser, "Array.from(app.current.inputs)"))
    greys = paper.fig13_states().input[8].astype(float).ravel()
    expected = paper.BACKGROUND + (paper.INK - paper.BACKGROUND) * (222 - greys) / 222
    np.testing.assert_allclose(inputs, expected, atol=1e-9)


@pytest.mark.parametrize("packed", [False, True])
def test_fig8_takes_the_readers_own_mnist(browser, tmp_path, packed):
    sheet = paper.fig8_errors()
    images = np.zeros((10_000, 28, 28), np.uint8)
    images[sheet.index[5], 4:24, 13:15] = 255
    content = np.array([2051, 10_000, 28, 28], ">u4").tobytes() + images.tobytes()
    file = tmp_path / "t10k-images-idx3-ubyte"
    file.write_bytes(gzip.compress(content) if packed else content)
    show_live(browser, "pick=fig8.5")
    said = "document.getElementById('fig8-said').textContent"
    assert "choose the file" in ask(browser, said)
    answers = ask(browser, "OUR_FIG8[5]")
    misclassified = sum(int(read) != int(sheet.label[5]) for read in answers)
    assert (
        f"{misclassified} of our {len(answers)} nets trained with distortions misclassified it"
        in ask(browser, said)
    )
    browser.find_element("id", "mnist-file").send_keys(str(file))
    wait(browser, "app.current.pattern")
    index, label, answer = (int(column[5]) for column in sheet)
    digit = f"{'an' if label == 8 else 'a'} {label}"
    assert ask(browser, said).startswith(f"Test digit {index:,}, {digit}: 1998 read {answer}.")
    assert ask(browser, "Array.from(app.current.pattern)") == images[index].ravel().tolist()


def test_another_file_is_no_mnist(browser, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("no pictures")
    show_live(browser)
    browser.find_element("id", "mnist-file").send_keys(str(file))
    wait(browser, "document.getElementById('file-said').textContent.startsWith('notes.txt is not')")


def test_the_line_opens_on_a_string_read_as_in_1998_and_counts_the_others(browser):
    show_live(browser)
    said = "document.getElementById('line-said').textContent"
    wait(browser, said)
    assert ask(browser, said) == ask(browser, "app.state.line")
    then = ask(browser, "document.getElementById('line-then').textContent")
    alike = 0
    for answer in ask(browser, "PAPER.strings.answers"):
        browser.execute_script("app.change({ line: arguments[0] })", answer)
        wait(browser, f"document.getElementById('line-then').textContent.includes('{answer}')")
        alike += ask(browser, said) == answer
    assert f"This network reads {alike} of the five strings" in then
