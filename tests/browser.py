"""Chromium as a reader's browser, for tests of pages that are opened from disk."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
DESKTOP, PHONE = (1280, 900), (390, 844)
LIVE = Path(__file__).parents[1] / "docs" / "live"
LISTED = (LIVE / "nets" / "list.js").read_text()
NETS = [net["name"] for net in json.loads(LISTED.removeprefix("const NET_LIST = ").rstrip(";\n"))]
"""The nets that the live page offers."""


CONTRASTS = """
const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (css) => {
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data];
};
const light = (css) => rgb(css).slice(0, 3).map((level) => level / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
const ground = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (rgb(backgroundColor)[3] === 255) return backgroundColor;
  }
  return getComputedStyle(document.body).backgroundColor;
};
const found = [];
for (const node of document.querySelectorAll("body *")) {
  const texts = [...node.childNodes].filter((child) => child.nodeType === 3);
  const text = texts.map((child) => child.data).join("").trim();
  if (!text || !node.getClientRects().length) continue;
  const style = getComputedStyle(node);
  const colour = node instanceof SVGElement ? style.fill : style.color;
  const [a, b] = [light(colour), light(ground(node))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), `${node.tagName} ${node.className} ${text.slice(0, 20)}`]);
}
return found;
"""


def opened(profile: Path):
    """A driver of a browser with an empty profile; skips the test where there is none."""
    if not (DRIVER and CHROMIUM):
        pytest.skip("needs chromium and chromedriver on PATH")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium, of the extra dev")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(120)
    return driver


def look_as(browser, size=DESKTOP, scheme="light"):
    """From now on show pages at a size and in a colour scheme, without motion."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def click(browser, name: str):
    browser.execute_script("document.getElementById(arguments[0]).click()", name)


def text_of(browser, name: str) -> str:
    return ask(browser, "document.getElementById(arguments[0]).textContent", name)


def show_live(browser, fragment="", size=DESKTOP, scheme="light", ready="app.current !== null"):
    """Open the live page from disk and wait until it has drawn, or is ready otherwise."""
    look_as(browser, size, scheme)
    browser.get("about:blank")
    browser.get(f"{(LIVE / 'index.html').as_uri()}#{fragment}")
    wait(browser, ready)


def wait(browser, condition: str):
    """Until a JavaScript expression holds, looked at in every frame."""
    browser.execute_async_script(
        "const done = arguments[0];"
        f"const look = () => ({condition}) ? done() : requestAnimationFrame(look); look();"
    )


def ask(browser, expression: str, *arguments):
    return browser.execute_script(f"return ({expression});", *arguments)


def complaints(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def press(browser, *keys: str):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def contrasts(browser) -> list[tuple[float, str]]:
    """Of every text that is shown its contrast with what is behind it, and which it is."""
    return browser.execute_script(CONTRASTS)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, #rrggbb, as WCAG 2 counts it."""
    lights = []
    for colour in (one, other):
        levels = np.array([int(colour.strip()[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(lights) + 0.05) / (min(lights) + 0.05)
