"""Addresses, files and storage that make no sense: one sentence says so, and nothing hangs."""

import gzip
import time

import numpy as np
import pytest
from browser import ask, complaints, show_live, text_of, wait

LONG, NONE = "holds more than the page reads", "There is no network"
HOSTILE = {
    "points": ("draw=" + "ABC" * 20_000, LONG),
    "strokes": ("draw=" + ".".join(["A_9-0z"] * 9_000), LONG),
    "dots": ("draw=" + "." * 50_000, LONG),
    "keys": ("&".join(f"train.k{n}=1" for n in range(20_000)), LONG),
    "no numbers": ("x=NaN&turn=&scale=one&y=Infinity", "x, y, scale, turn."),
    "out of range": ("turn=-1e9&scale=0&noise=-0.1&thicken=1e308", "scale, turn, thicken, noise."),
    "units": ("unit=c3.99999999999999999999999.1&position=9999", "unit, position."),
    "unit outside": ("unit=c1.6.0", "unit."),
    "unit of another net": ("net=noise&unit=output.10.0", "unit."),
    "prototype": ("train.__proto__=x&unit=__proto__.1.1&pick=constructor.0", "pick, unit."),
    "switches": ("train.pooling=<b>&train.rate=1e9&train.nothing=1", "train.pooling, train.rate."),
    "network": ("net=__proto__", NONE),
    "script": ("net=<script>alert(1)</script>", "“<script>alert(1)</script>”"),
    "text": ("pick=fig8.82&net=%F0%9F%98%80&line=%00&typed=-1&lineNet=toString", NONE),
    "percent": ("typed=%E0%A4%A&draw=%zz&%%%=%", "draw, typed."),
    "twice": ("turn=x&turn=10&net=lenet6&net=noise", "turn."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_address_hangs_nothing_and_is_said(browser, name):
    fragment, said = HOSTILE[name]
    complaints(browser)
    began = time.monotonic()
    show_live(browser, fragment)
    assert time.monotonic() - began < 8
    assert said in text_of(browser, "net-title")
    assert ask(browser, "app.state.draw.flat().length <= MOST_POINTS")
    switches = ask(browser, "Object.entries(app.state.switches)")
    assert switches == []
    wait(browser, "app.written !== undefined")
    assert ask(browser, "location.hash.length < LONGEST_FRAGMENT")
    assert complaints(browser) == []


WHOLE = np.array([2051, 10_000, 28, 28], ">u4").tobytes() + bytes(7_840_000)
FILES = {
    "wrong": (b"no pictures at all", "begins with other bytes"),
    "empty": (b"", "begins with other bytes"),
    "cut": (WHOLE[:5000], "7,835,016 bytes are missing"),
    "long": (WHOLE + b"!", "goes on after the last image"),
    "cut.gz": (gzip.compress(WHOLE)[:-900], "cut or damaged"),
    "no.gz": (b"\x1f\x8bnonsense", "cut or damaged"),
    "bomb.gz": (gzip.compress(WHOLE + bytes(200_000_000), 1), "goes on after the last image"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_mnist_is_said_beside_the_field(browser, tmp_path, name):
    content, why = FILES[name]
    file = tmp_path / name
    file.write_bytes(content)
    complaints(browser)
    show_live(browser)
    browser.find_element("id", "mnist-file").send_keys(str(file))
    wait(browser, "document.getElementById('file-said').textContent")
    assert why in text_of(browser, "file-said")
    assert name in text_of(browser, "file-said")
    assert complaints(browser) == []


def test_a_unit_that_the_net_has_is_left_in(browser):
    show_live(browser, "net=strings&unit=output.10.0")
    assert "Left out" not in text_of(browser, "net-title")
    assert text_of(browser, "unit-title") == "Output for a blank"


def test_a_net_that_does_not_load_is_said_beside_its_field(browser):
    show_live(browser)
    browser.execute_script("app.change({ net: 'lost' }); app.use()")
    wait(browser, "document.getElementById('net-title').textContent.includes('cannot be read')")
    assert "The network lost did not load" in text_of(browser, "net-title")
    complaints(browser)


@pytest.mark.parametrize(
    "kept", ["{", "null", '{"title": 1, "recipe": {}, "shapes": {}, "values": "!"}']
)
def test_a_damaged_net_of_this_browser_is_said_and_the_others_work(browser, kept):
    show_live(browser)
    browser.execute_script("localStorage.setItem('lenet1998.net.run 9', arguments[0])", kept)
    complaints(browser)
    show_live(browser, "net=run 9", ready="app.notice === ''")
    wait(browser, "document.getElementById('net-title').textContent.includes('is damaged')")
    browser.execute_script("app.change({ net: 'noise' }); app.use()")
    wait(browser, "document.querySelectorAll('#nets li').length === NET_LIST.length")
    browser.execute_script("localStorage.clear()")
    assert complaints(browser) == []
