"""The live page's essential path in Firefox and in Safari's engine, where they are installed.

Firefox needs geckodriver on PATH, WebKitGTK WebKitWebDriver and a display (`xvfb-run pytest`).
"""

import os
import shutil

import pytest
from browser import LIVE, ask, click, text_of, wait

pytestmark = pytest.mark.filterwarnings("ignore:setting remote_server_addr")  # selenium's own
VIEW = "app.views.at(-1)"


def firefox(webdriver):
    from selenium.webdriver.firefox.service import Service

    class Firefox(webdriver.Firefox):
        """Scripts are run in the page itself: from outside, its constants are not seen."""

        def execute_script(self, script, *values):
            code = f"(function () {{ {script} }})"
            call = "return window.eval(arguments[0]).apply(null, arguments[1])"
            return super().execute_script(call, code, list(values))

        def execute_async_script(self, script, *values):
            code = f"(function () {{ {script} }})"
            call = "window.eval(arguments[0]).apply(null, [...arguments[1], arguments[2]])"
            return super().execute_async_script(call, code, list(values))

    options = webdriver.FirefoxOptions()
    options.binary_location = shutil.which("firefox") or shutil.which("firefox-esr")
    options.add_argument("-headless")
    return Firefox(options=options, service=Service(shutil.which("geckodriver")))


def webkit(webdriver):
    from selenium.webdriver.webkitgtk.service import Service

    return webdriver.WebKitGTK(service=Service(shutil.which("WebKitWebDriver")))


FOUND = {
    firefox: (shutil.which("firefox") or shutil.which("firefox-esr"))
    and shutil.which("geckodriver"),
    webkit: shutil.which("WebKitWebDriver")
    and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
}


@pytest.fixture(scope="module", params=FOUND, ids=lambda made: made.__name__)
def other(request):
    if not FOUND[request.param]:
        pytest.skip(f"{request.param.__name__} or its driver is not here")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium, of the extra dev")
    driver = request.param(webdriver)
    driver.set_script_timeout(120)
    driver.set_window_size(1280, 900)
    yield driver
    driver.quit()


@pytest.fixture
def page(other):
    def show(fragment=""):
        other.get("about:blank")
        other.get(f"{(LIVE / 'index.html').as_uri()}#{fragment}")
        wait(other, "app.current !== null")
        return other

    show().execute_script("localStorage.clear(); app.views.at(-1).forget()")
    yield show
    other.execute_script("localStorage.clear(); app.views.at(-1).forget()")


def test_a_digit_is_drawn_read_by_all_nets_and_undone(page):
    from selenium.webdriver.common.action_chains import ActionChains

    browser = page("draw=")
    pad = browser.find_element("id", "pad")
    for stroke in ([(40, -80), (-30, 0), (-80, 60), (80, 60)], [(45, -10), (43, 50), (40, 110)]):
        moves = ActionChains(browser).move_to_element_with_offset(pad, *stroke[0]).click_and_hold()
        for point in stroke[1:]:
            moves.move_to_element_with_offset(pad, *point)
        moves.release().perform()
    wait(browser, "!app.scheduled")
    assert text_of(browser, "verdict") == "4"
    wait(browser, "document.querySelectorAll('#nets li').length === NET_LIST.length")
    click(browser, "clear")
    wait(browser, "app.current.pattern === null")
    click(browser, "undo")
    wait(browser, "app.current.answer === 4 && !app.scheduled")


def test_a_string_is_typed_and_the_address_holds_it(page):
    browser = page("turn=10&unit=s2.1.3&line=own&typed=90210")
    wait(browser, "document.getElementById('line-said').textContent === '90210'")
    assert text_of(browser, "unit-title") == "S2, map 1, row 0, column 3"
    wait(browser, "app.written !== undefined")
    assert "typed=90210" in ask(browser, "location.hash")


def test_a_net_is_trained_in_a_worker_goes_on_after_a_reload_and_is_kept(page):
    browser = page()
    click(browser, "train")
    wait(browser, f"{VIEW}.run.learning.length")
    browser.refresh()
    wait(browser, "app.current !== null")
    place = ask(browser, f"{VIEW}.run.place")
    wait(browser, f"{VIEW}.run.place > {place}")
    click(browser, "train")
    click(browser, "use")
    wait(browser, "app.network === Nets.known.get('run 1')?.network && !app.scheduled")
    wait(browser, "location.hash.includes('run')")
    browser.refresh()
    wait(browser, "app.current !== null")
    assert ask(browser, "app.state.net") == "run 1"
    assert text_of(browser, "train") == "Go on"


def test_a_file_that_is_not_mnist_is_said(page, tmp_path):
    browser = page()
    file = tmp_path / "cut.gz"
    file.write_bytes(b"\x1f\x8bnonsense")
    browser.find_element("id", "mnist-file").send_keys(str(file))
    wait(browser, "document.getElementById('file-said').textContent")
    assert text_of(browser, "file-said") == "cut.gz cannot be read: the .gz is cut or damaged."
