"""The site is built without a warning, asks no other server for anything, and has no dead link."""

import re
import shutil
import socket
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import ask, look_as, wait

from experiments.results import ALL_VARIANTS, read
from lenet1998.compare.mine import accuracy as read_accuracy
from lenet1998.report import accuracy

pytestmark = pytest.mark.slow  # the site is built

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    page.relative_to(DOCS).with_suffix(".html").as_posix()
    for page in [*DOCS.glob("*.md"), *DOCS.glob("*/*.md"), *DOCS.glob("*/*.ipynb")]
)
SHOWN = ("index.html", "tour.html", "api/curvature.html")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OF_THE_BROWSER = re.compile(
    rb"(GET|POST|CONNECT) (http://)?(?!fonts\.|ajax\.)[\w.-]+\.(google|googleapis|gvt1)\.com"
)
"""What a browser asks that shows a blank page: its maker's services, and no fonts or scripts."""
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page loads, where it leads, and what may be led to in it."""

    def __init__(self, file: Path):
        super().__init__()
        self.loads, self.links, self.places = [], [], set()
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.places.update(given[key] for key in ("id", "name") if given.get(key))
        if (address := given.get(LOADS.get(tag, ""))) is not None:
            self.loads.append(address)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built by the command that its configuration names."""
    out = tmp_path_factory.mktemp("site") / "html"
    call = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*call, "-d", out.parent / "doctrees", DOCS, out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    return {name: Page(site / name) for name in PAGES}


def test_every_page_is_built_and_in_the_contents(pages):
    led_to = {urlsplit(link).path for link in pages["index.html"].links}
    assert set(PAGES) - {"index.html"} <= led_to


def test_no_page_loads_anything_from_another_server(site, pages):
    loads = [address for page in pages.values() for address in page.loads]
    assert [address for address in loads if urlsplit(address).netloc] == []
    assert any("mathjax" in address for address in loads)
    sheets = [sheet.read_text() for sheet in site.rglob("*.css")]
    asked = [found for text in sheets for found in re.findall(r"(?:url\(|@import )[^)]*", text)]
    assert [address for address in asked if re.search(r"//", address.partition("data:")[0])] == []


def test_no_link_within_the_site_is_dead(site, pages):
    places = {(site / name).resolve(): page.places for name, page in pages.items()}
    dead = []
    for name, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            path = unquote(address.path)
            target = ((site / name).parent / path if path else site / name).resolve()
            place = address.fragment
            if not target.is_file() or (place and place not in places.get(target, {place})):
                dead.append((name, link))
    assert dead == []


def test_every_page_leads_to_the_live_page(pages):
    for name, page in pages.items():
        up = "../" * name.count("/")
        assert f"{up}live/index.html" in page.links, name


def test_every_page_of_the_api_has_an_example(site):
    for name in PAGES:
        if name.startswith("api/"):
            text = (site / name).read_text()
            assert "highlight-python" in text or "&gt;&gt;&gt; " in text, name


def test_the_last_column_of_every_table_is_in_sight(site, browser):
    look_as(browser, (1366, 768))
    beyond = (
        "[...document.querySelectorAll('.table-wrapper')]"
        ".filter((box) => box.scrollWidth > box.clientWidth).length"
    )
    found = {}
    for name in PAGES:
        browser.get((site / name).as_uri())
        found[name] = ask(browser, beyond)
    assert {name: count for name, count in found.items() if count} == {}


@pytest.mark.parametrize(
    ("theme", "file"), [("light", "network.svg"), ("dark", "network-dark.svg")]
)
def test_the_theme_chooses_the_picture(site, browser, theme, file):
    look_as(browser)
    browser.get((site / "tour.html").as_uri())
    browser.execute_script("document.body.dataset.theme = arguments[0]", theme)
    pictures = "[...document.querySelectorAll('article img')].filter((of) => of.offsetWidth)"
    shown = [Path(source).name for source in ask(browser, f"{pictures}.map((of) => of.src)")]
    assert [name for name in shown if "network" in name] == [file]


@pytest.mark.parametrize("width", [390, 820, 1366])
def test_names_and_numbers_do_not_break_within_words(site, browser, width):
    look_as(browser, (width, 900))
    broken = (
        "[...document.querySelectorAll('article :is(.whole, code .pre)')]"
        ".filter((word) => word.getClientRects().length > 1).map((word) => word.textContent)"
    )
    for name in PAGES:
        browser.get((site / name).as_uri())
        assert ask(browser, broken) == [], name


def test_the_list_of_pages_shows_where_one_is(site, browser):
    look_as(browser, (1440, 900))
    at = "document.querySelector('.sidebar-tree .current-page > a').getBoundingClientRect().top"
    for name in ("start.html", "api/optim.html", "contributing.html"):
        browser.get((site / name).as_uri())
        assert 0 < ask(browser, at) < 880, name


def test_every_picture_leads_to_its_file(site, browser):
    look_as(browser)
    pictures = "[...document.querySelectorAll('article img')]"
    browser.get((site / "tour.html").as_uri())
    assert ask(browser, f"{pictures}.length") > 10
    assert ask(browser, f"{pictures}.filter((of) => of.closest('a')?.href !== of.src).length") == 0


def test_code_can_be_copied(site, browser):
    look_as(browser)
    browser.get((site / "start.html").as_uri())
    wait(browser, "document.readyState === 'complete'")
    count = "document.querySelectorAll('{}').length".format
    assert ask(browser, count(".copybtn")) == ask(browser, count(".highlight pre")) > 3


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("live", "start.html"),
        ("exercise", "labs/index.html"),
        ("argmin", "labs/argmin.html"),
        ("install", "start.html"),
        ("MNIST", "start.html"),
        ("Colab", "how-to.html"),
        ("cite", "cite.html"),
        ("accuracy", "normal.html"),
        ("softmax", "glossary.html"),
        ("SDLM", "tour.html"),
    ],
)
def test_search_finds_first(site, browser, word, page):
    look_as(browser)
    browser.get(f"{(site / 'search.html').as_uri()}?q={word}")
    wait(browser, "/finished/.test(document.getElementById('search-results').textContent)")
    first = ask(browser, "document.querySelector('.search li a').pathname")
    assert first == (site / page).as_uri().removeprefix("file://")


@pytest.mark.parametrize("mine", ["98.7", "97.9 %", "99.30"])
def test_an_accuracy_is_judged_on_the_page_as_by_the_command(site, browser, mine):
    look_as(browser)
    browser.get((site / "normal.html").as_uri())
    browser.find_element("id", "mine").send_keys(mine)
    last = (
        "[...document.querySelectorAll('article table tr')].map((row) => row.lastChild.textContent)"
    )
    groups = read(ROOT / "experiments" / "results", ALL_VARIANTS)
    number = accuracy.Accuracy(*read_accuracy(mine))
    rows = [accuracy.Standing(runs, number).row() for runs in accuracy.accuracies(groups).values()]
    assert ask(browser, last) == ["yours is", *(row["yours is"] for row in rows)]
    browser.find_element("id", "mine").send_keys("x")
    assert "written as 98.7" in ask(browser, "document.querySelector('article output').textContent")
    assert set(ask(browser, last)[1:]) == {""}


def test_the_api_reference_says_what_people_wrote(site):
    """Neither what Python says of a tuple's fields, nor the values of whole dictionaries."""
    for name in PAGES:
        assert "Alias for field" not in (site / name).read_text(), name
    assert "coursework-padded" not in (site / "api" / "recipes.html").read_text()


@pytest.fixture
def outside():
    """A proxy in place of all other servers: its address, and whatever is asked of it."""
    asked, server = [], socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(200))

    threading.Thread(target=answer, daemon=True).start()
    yield f"127.0.0.1:{server.getsockname()[1]}", asked
    server.close()


@pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on PATH")
def test_a_browser_asks_no_other_server_and_finds_no_error(site, outside, tmp_path):
    proxy, asked = outside
    flags = ("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-sync")
    flags += ("disable-quic", "disable-background-networking", "disable-component-update")
    for name in SHOWN:
        call = [CHROMIUM, *(f"--{flag}" for flag in flags), f"--user-data-dir={tmp_path / 'user'}"]
        call += [f"--proxy-server={proxy}", "--enable-logging=stderr", "--dump-dom"]
        call += ["--virtual-time-budget=20000", (site / name).as_uri()]
        done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=300)
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert (name, console) == (name, [])
        if name != "index.html":  # which has no formula
            assert "<mjx-container" in done.stdout
    assert [words for words in asked if words and not OF_THE_BROWSER.match(words)] == []
