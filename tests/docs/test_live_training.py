"""Networks are trained beside the live page: stopped, gone on with, compared, and kept."""

import pytest
from browser import PHONE, ask, click, complaints, look_as, show_live, text_of, wait

VIEW = "app.views.at(-1)"
LEARNT = f"{VIEW}.run?.doing.includes('pattern')"


@pytest.fixture
def page(browser):
    """The page with nothing kept from before, and no run left on its way."""
    show_live(browser)
    browser.execute_script("localStorage.clear()")
    show_live(browser)
    yield browser
    click(browser, "forget")
    browser.execute_script("localStorage.clear()")


def choose(browser, switch: str, value: str):
    browser.execute_script(
        "const select = document.getElementById(`switch-${arguments[0]}`);"
        "select.value = arguments[1]; select.dispatchEvent(new Event('change'))",
        switch,
        value,
    )


def test_a_net_is_trained_paused_compared_and_used(page):
    complaints(page)
    click(page, "train")
    wait(page, LEARNT)
    click(page, "train")
    assert text_of(page, "train") == "Go on"
    assert ask(page, "document.getElementById('asked').hidden")
    choose(page, "pooling", "max")
    assert text_of(page, "train") == "Train another"
    assert text_of(page, "asking") == "Run 1 is not finished and keeps what it began with."
    click(page, "back-to-run")
    assert text_of(page, "train") == "Go on"
    choose(page, "pooling", "max")
    click(page, "another")
    wait(page, LEARNT)
    rows = ask(page, "[...document.querySelectorAll('#runs tbody tr')].map((r) => r.textContent)")
    assert len(rows) == 2
    assert "the 1998 recipe" in rows[0]
    assert "maximum" in rows[1]
    click(page, "use")
    wait(page, "app.network.recipe.pooling === 'max' && !app.scheduled")
    assert ask(page, "document.getElementById('net').value") == "run 2"
    assert complaints(page) == []


def test_a_net_that_was_trained_here_outlives_a_reload(page):
    click(page, "train")
    wait(page, LEARNT)
    click(page, "train")
    click(page, "use")
    wait(page, "location.hash.includes('run') && !app.scheduled")
    assert "kept in this browser" in text_of(page, "net-title")
    written, outputs = ask(page, "[location.hash.slice(1), app.current.outputs]")
    show_live(page, written)
    assert ask(page, "app.state.net") == "run 1"
    assert ask(page, "app.current.outputs") == pytest.approx(outputs, abs=1e-3)
    page.execute_script("localStorage.clear()")
    show_live(page, written)
    assert "no network “run 1” in this browser" in text_of(page, "net-title")
    assert ask(page, "app.network === Nets.known.get('original').network")


def test_a_browser_that_keeps_nothing_says_so(page):
    page.execute_script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    click(page, "train")
    wait(page, LEARNT)
    assert "keeps nothing: a reload loses the run" in text_of(page, "train-said")
    click(page, "use")
    wait(page, "document.getElementById('net-title').textContent.includes('keeps nothing')")


def test_a_run_outlives_a_reload(page):
    """It goes on if it did; paused, or opened anew, it stands where it stood."""
    choose(page, "pooling", "max")
    click(page, "train")
    wait(page, LEARNT)
    page.refresh()
    wait(page, "app.current !== null")
    assert text_of(page, "train") == "Pause"
    place = ask(page, f"{VIEW}.run.place")
    assert place > 0
    wait(page, f"{VIEW}.run.place > {place}")
    click(page, "train")
    wait(page, "document.getElementById('train-said').textContent.startsWith('Run 1, paused, ')")
    place = ask(page, f"{VIEW}.run.place")
    show_live(page)
    assert text_of(page, "train") == "Go on"
    said = text_of(page, "train-said")
    assert said.startswith(f"Run 1, paused as it was left, pass 1: pattern {place} of")
    assert "maximum" in ask(page, "document.querySelector('#runs tbody').textContent")
    assert not ask(page, "document.getElementById('use').disabled")
    click(page, "forget")
    show_live(page)
    assert text_of(page, "train") == "Train"


def test_a_run_goes_on_as_if_it_had_never_been_left(page):
    click(page, "train")
    wait(page, LEARNT)
    click(page, "train")
    alike = page.execute_script(
        f"const given = {{ ...{VIEW}.run.given, digits: EmbeddedDigits }};"
        "const whole = new Run(given); while (whole.place < 20) whole.advance();"
        "const kept = JSON.parse(JSON.stringify(whole.report(), arraysToText), textToArrays);"
        "const later = new Run({ ...given, kept });"
        "for (let n = 0; n < 30; n++) { whole.advance(); later.advance(); }"
        "const [a, b] = [whole, later].map((run) => JSON.stringify(run.report().parameters));"
        "return [a === b, later.place, whole.doing === later.doing];"
    )
    assert alike == [True, 50, True]


def test_no_more_is_kept_than_is_said(page):
    """Of runs the last and the others' curves; of nets the last few."""
    click(page, "train")
    wait(page, LEARNT)
    click(page, "train")
    page.execute_script(
        f"for (let n = 2; n < 20; n++) {{ {VIEW}.begin(); {VIEW}.run.take({VIEW}.runs[0].last);"
        f" {VIEW}.hand(); }} {VIEW}.unkept = true; {VIEW}.keep();"
    )
    assert ask(page, "Kept.names().join()") == ",".join(f"run {n}" for n in range(14, 20))
    assert ask(page, "Kept.runs().map(({ number }) => number)") == list(range(12, 20))
    size = "Object.entries(localStorage).reduce((sum, [key, text]) => sum + text.length, 0)"
    assert ask(page, size) < 4_000_000


def test_a_second_tab_that_trains_is_said(page):
    """Both keep their runs in one place."""
    click(page, "train")
    wait(page, LEARNT)
    click(page, "train")
    first = page.current_window_handle
    assert "Another tab" not in text_of(page, "train-said")
    page.switch_to.new_window("tab")
    show_live(page)
    second = page.current_window_handle
    click(page, "forget")
    page.switch_to.window(first)
    page.execute_async_script("setTimeout(arguments[0], 300)")
    assert "Another tab" not in text_of(page, "train-said")
    page.switch_to.window(second)
    click(page, "step")
    wait(page, f"{VIEW}.run?.did")
    page.execute_script(f"{VIEW}.keep()")
    page.close()
    page.switch_to.window(first)
    wait(page, f"{VIEW}.elsewhere")
    assert "Another tab trains, too" in text_of(page, "train-said")


@pytest.mark.parametrize(
    "kept", ["{", "null", "7", '[{"number": 1}]', '[{"given": {}, "last": 3}]']
)
def test_damaged_runs_of_this_browser_are_said_and_the_page_works(page, kept):
    page.execute_script("localStorage.setItem('lenet1998.runs', arguments[0])", kept)
    page.execute_script("localStorage.setItem('lenet1998.drawings', arguments[0])", kept)
    show_live(page)
    assert "are damaged: they are left out" in text_of(page, "train-said")
    click(page, "train")
    wait(page, LEARNT)


def test_a_net_that_learns_nothing_is_said_to_be_at_chance(page):
    choose(page, "squash", "logistic")
    click(page, "train")
    wait(page, f"{VIEW}.run.atChance")
    said = text_of(page, "train-said")
    assert " still at chance after 648 patterns: 8" in said or " after 649 patterns: 8" in said
    assert "at chance" in ask(page, "document.querySelector('#runs tbody').textContent")
    assert "still at chance" in text_of(page, "train-spoken")


def test_three_clicks_make_no_two_loops_and_a_pause_holds(page):
    for _ in range(3):
        click(page, "train")
    wait(page, LEARNT)
    assert ask(page, f"{VIEW}.runs.length") == 1
    click(page, "train")
    pause = "setTimeout(arguments[0], 500)"
    page.execute_async_script(pause)
    doing = ask(page, f"{VIEW}.run.doing")
    page.execute_async_script(pause)
    assert ask(page, f"{VIEW}.run.doing") == doing
    assert text_of(page, "train-said").startswith("Run 1, paused")
    assert "left" in text_of(page, "train-said")
    click(page, "train")
    wait(page, f"{VIEW}.run.doing !== {doing!r}")


def test_the_page_goes_on_drawing_while_a_net_is_trained(page):
    """Training is in a Worker: frames of the page, and a hidden tab's run, do not wait."""
    click(page, "train")
    wait(page, LEARNT)
    gap = page.execute_async_script(
        "const done = arguments[0]; const times = [];"
        "const look = (now) => { times.push(now); times.length < 90 ? requestAnimationFrame(look)"
        " : done(times.slice(1).map((t, k) => t - times[k]).sort((a, b) => a - b)[45]); };"
        "requestAnimationFrame(look)"
    )
    assert gap < 50
    before = ask(page, f"{VIEW}.run.doing")
    page.execute_script("window.requestAnimationFrame = () => 0")  # as in a hidden tab
    page.execute_async_script("setTimeout(arguments[0], 1500)")
    assert ask(page, f"{VIEW}.run.doing") != before


def test_one_pattern_is_learnt_and_told(page):
    click(page, "step")
    wait(page, f"{VIEW}.run?.did")
    said = text_of(page, "did")
    assert "Before the step it was read as" in said
    did = ask(page, f"{VIEW}.run.did")
    assert did["after"] < did["loss"]
    assert ask(page, "EmbeddedDigits.labels[arguments[0]]", did["number"]) == did["label"]
    click(page, "step")
    wait(page, f"{VIEW}.run?.did?.number !== {did['number']}")
    assert ask(page, f"{VIEW}.run.doing").startswith("pass 1: pattern 2 of")


def test_a_run_whose_loss_is_no_number_stops_and_says_diverged(page):
    page.execute_script(
        f"const view = {VIEW}; view.chosen = () => ({{ ...TrainingView.prototype.chosen.call(view),"
        " squash: 'relu', subsampling_squash: 'none', rate: '1e9' }); view.press();"
    )
    wait(page, f"{VIEW}.run.finished")
    assert "diverged" in text_of(page, "train-said")
    assert "diverged" in ask(page, "document.querySelector('#runs tbody').textContent")
    click(page, "use")
    wait(
        page, "app.state.net === 'run 1' && app.network.recipe.squash === 'relu' && !app.scheduled"
    )
    assert text_of(page, "verdict") == "–"
    assert "no numbers" in text_of(page, "verdict-note")


def test_every_switch_is_trained_in_the_worker(page):
    """The Worker has the source of all that any switch needs."""
    for switch, values in ask(
        page, "Object.entries(TRAINING_SWITCHES).map(([key, { values }]) => [key, values])"
    ):
        for value in values[1:]:
            choose(page, switch, value)
            click(page, "train")
            wait(page, f"{VIEW}.run.broken || {VIEW}.run.network")
            assert not ask(page, f"{VIEW}.run.broken ?? null"), (switch, value)
            choose(page, switch, values[0])
            click(page, "forget")


@pytest.mark.slow  # a pass over all the digits
def test_your_own_drawings_are_taught(page):
    """A 1 with the label 7 is learnt, though nobody else's 1 has it."""
    page.execute_script("app.change({ draw: handwritten(1), pick: '' })")
    wait(page, "!app.scheduled")
    page.execute_script("document.querySelectorAll('#labels button')[7].click()")
    assert text_of(page, "taught-said").startswith("1 to learn")
    choose(page, "start", "above")
    assert ask(page, "document.getElementById('switch-pooling').disabled")
    click(page, "train")
    wait(page, f"{VIEW}.run.passes === 1")
    cells = "[...document.querySelectorAll('#runs tbody td')].map((cell) => cell.textContent)"
    assert ask(page, cells)[1] == "original, trained on, with 1 of your drawings"
    assert ask(page, cells)[5] in ("0 of 1", "1 of 1")
    show_live(page)
    assert ask(page, f"{VIEW}.taught.drawings.length") == 1
    page.execute_script("document.querySelector('#taught button').click()")
    assert ask(page, f"{VIEW}.taught.drawings.length") == 0


def test_taught_drawings_bear_their_labels_in_the_colours_of_the_scheme(page):
    page.execute_script("document.querySelectorAll('#labels button')[7].click()")
    assert ask(page, "document.getElementById('taught').textContent") == "7"
    corner = "document.querySelector('#taught canvas').getContext('2d').getImageData(0, 0, 1, 1)"
    light = ask(page, f"[...{corner}.data]")
    look_as(page, scheme="dark")
    wait(page, f"{corner}.data[0] < 50 && !app.scheduled")
    assert min(light[:3]) > 200


def test_the_confusion_matrix_leads_to_the_digits(page):
    page.execute_script(
        "const { labels, tested } = EmbeddedDigits;"
        "const answers = [...labels.slice(0, tested)]; answers[7] = (labels[7] + 1) % 10;"
        f"{VIEW}.confusion.show(answers)"
    )
    label = ask(page, "EmbeddedDigits.labels[7]")
    cell = f"[aria-label='1 of label {label} read as {(label + 1) % 10}']"
    page.execute_script("document.querySelector(arguments[0]).click()", cell)
    page.execute_script("document.querySelector('#cell button').click()")
    wait(page, "app.state.pick === 'digit.7' && !app.scheduled")
    assert f"Its label is {label}" in text_of(page, "verdict-note")


def test_the_learning_curve_is_not_shrunk_on_a_phone(page):
    show_live(page, size=PHONE)
    click(page, "train")
    wait(page, "document.querySelector('#runs tbody tr')")
    box = "(({ clientWidth, viewBox }) => clientWidth / viewBox.baseVal.width)"
    scale = ask(page, f"{box}(document.querySelector('#curve svg'))")
    assert scale == pytest.approx(1, abs=0.05)
