"""The published results beside made-up runs: hand counts, brute force, and what is drawn."""

import dataclasses
import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from factory import make_record
from matplotlib.colors import to_hex

from lenet1998 import paper
from lenet1998.data import Dataset, prepare
from lenet1998.errors import BadInput
from lenet1998.inspection import purposes
from lenet1998.records import PREDICTIONS, RECORD, WEIGHTS, write_json, write_record
from lenet1998.report import distortions, documents, figures, remaking, results, style
from lenet1998.report.__main__ import main as report
from lenet1998.report.results import Shared, claims, errors, fingerprint, shared_with_1998
from lenet1998.statistics import rejected_for, welch

ROOT = Path(__file__).parents[2]
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
THEN = paper.fig8_errors()
RIGHT = np.zeros(paper.TEST_SIZE, np.uint8)
RIGHT[THEN.index] = THEN.label


def script(name):
    """An experiment as a module; it is no part of the package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "experiments" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rejection_invariance = script("rejection_invariance")
fig7_sheet, fig8_sheet = script("fig7_sheet"), script("fig8_sheet")


def run(name, test=1.0, train=0.5, seed=0, **recipe):
    """A run that ended with these errors in percent."""
    record = make_record((3, 2), seed=seed, recipe={"name": name, **recipe})
    record.last.update(test_error_percent=test, train_error_percent=train)
    return record


# --- The table of errors --------------------------------------------------------------------------


def test_claims_are_the_papers():
    found = {claim.what: (claim.value, claim.recipe, claim.known_to) for claim in claims()}
    assert found == {
        "test error": (0.95, "original", 0.005),
        "training error on the fly": (0.35, "original", 0.005),
        "test error, 15,000 patterns": (1.68, "original,train_size=15000", 0.015),
        "training error, 15,000 patterns": (0.05, "original,train_size=15000", 0.015),
        "test error, 30,000 patterns": (1.14, "original,train_size=30000", 0.015),
        "training error, 30,000 patterns": (0.31, "original,train_size=30000", 0.015),
        "test error, with distortions": (0.8, "distortions", 0.05),
    }


def test_errors_are_set_beside_the_runs_of_their_recipe():
    spread = (0.9, 0.92, 0.94, 0.96, 0.98, 1.0)
    runs = [run("original", test, 0.5, seed) for seed, test in enumerate(spread)]
    runs += [run("original,train_size=15000", 1.5, seed=seed) for seed in range(2)]
    runs += [run("distortions", 0.8, distortions=True), run("modern", 5.0)]
    table = errors(runs).set_index("result, %")
    # Mean 0.95, sd 0.0374; t = 2.571 for five degrees of freedom: 2.571 sd sqrt(7/6) = 0.104.
    test = table.loc["test error"]
    assert test["ours"] == f"0.95 {PLUS_MINUS} 0.04 (n = 6; 95 % of the mean 0.91 to 0.99)"
    assert test["one more run, 95 %"] == "0.85 to 1.05"
    assert test["published"] == "0.95 (section III-B)"
    # The text does not say how its training error was counted.
    training = table.loc["training error on the fly", "published"]
    assert "by inference from Fig. 5's caption" in training
    assert table["verdict"].tolist() == ["consistent", "inconsistent", *["cannot tell"] * 5]
    assert table.loc["test error, with distortions", "ours"] == "0.80 (n = 1)"
    assert table.loc["test error, with distortions", "one more run, 95 %"] == ""
    assert table.loc["test error, 30,000 patterns", "ours"] == "none finished (n = 0)"


def test_what_is_known_roughly_is_given_that_much():
    runs = [run("distortions", 0.76, seed=seed, distortions=True) for seed in range(6)]
    assert errors(runs).iloc[-1]["verdict"] == "consistent"
    runs = [run("distortions", 0.74, seed=seed, distortions=True) for seed in range(6)]
    assert errors(runs).iloc[-1]["verdict"] == "inconsistent"


# --- The fingerprint of Fig. 8 --------------------------------------------------------------------


def net(same, other, elsewhere, name="distortions", seed=0):
    """A net with this many of Fig. 8's answers, other wrong answers to its digits, other errors."""
    predictions = RIGHT.copy()
    predictions[THEN.index[:same]] = THEN.answer[:same]
    for place in range(same, same + other):
        wrong = set(range(10)) - {int(THEN.label[place]), int(THEN.answer[place])}
        predictions[THEN.index[place]] = min(wrong)
    record = run(name, seed=seed)
    record.last["test_errors"] = same + other + elsewhere
    return dataclasses.replace(record, predictions=predictions)


def test_shared_errors_are_counted():
    found = shared_with_1998(net(same=7, other=4, elsewhere=39))
    assert found == Shared(errors=50, misread=11, same_answer=7)
    assert found.by_chance == pytest.approx(50 * 82 / 10_000)
    assert shared_with_1998(net(0, 0, 5)).misread == 0
    assert shared_with_1998(net(82, 0, 0)).same_answer == 82


def test_fingerprint_of_kinds_in_the_order_given():
    ours = [net(20, 10, 50, seed=0), net(30, 10, 40, seed=1)]
    others = [net(10, 10, 60, "modern", 0), net(10, 12, 58, "modern", 1)]
    diverged = dataclasses.replace(net(82, 0, 0, "modern", 2), status="diverged")
    table = fingerprint([*ours, *others, diverged])
    assert table["nets"].tolist() == ["distortions", "modern"]
    assert table["n"].tolist() == [2, 2]
    first = table.iloc[0]
    assert first["errors of 10,000"] == f"80.0 {PLUS_MINUS} 0.0"
    assert first["of the 82, misread"] == f"35.0 {PLUS_MINUS} 7.1"
    assert first["by chance"] == f"0.66 {PLUS_MINUS} 0.00"
    assert first["with 1998's answer"] == f"25.0 {PLUS_MINUS} 7.1"
    assert first["of its errors, in the 82"] == f"43.8 {PLUS_MINUS} 8.8 %"
    p = welch([30 / 80, 40 / 80], [20 / 80, 22 / 80])[1]
    assert table["p"].tolist() == ["", f"{p:.1g}"]


def test_fingerprint_adjusts_its_family_of_comparisons():
    kinds = {"distortions": (30, 34), "original": (20, 25), "modern": (10, 12)}
    runs = [
        net(same, 0, 80 - same, name, seed)
        for name, counts in kinds.items()
        for seed, same in enumerate(counts)
    ]
    shares = {name: [same / 80 for same in counts] for name, counts in kinds.items()}
    p = sorted(welch(shares["distortions"], shares[name])[1] for name in ("original", "modern"))
    expected = {f"{2 * p[0]:.1g}", f"{max(2 * p[0], p[1]):.1g}"}
    assert set(fingerprint(runs)["p"][1:]) == expected


# --- Rejection and cost ---------------------------------------------------------------------------


def rejected_by_brute_force(margins, wrong, allowed):
    """Reject the least sure, one more at a time, until what is left is good enough."""
    order = np.argsort(margins)
    for rejected in range(len(order)):
        if wrong[order[rejected:]].mean() <= allowed:
            return rejected / len(order)
    return 1.0


@pytest.mark.parametrize("seed", range(5))
def test_rejection_is_the_least_that_will_do(seed):
    generator = np.random.default_rng(seed)
    margins = generator.permutation(400) / 400
    wrong = generator.random(400) < 0.3 * (1 - margins)
    for allowed in (0.0, 0.005, 0.02, 0.1, 0.5):
        expected = rejected_by_brute_force(margins, wrong, allowed)
        assert rejected_for(margins, wrong, allowed) == pytest.approx(expected)


def test_rejection_of_nothing_and_of_all():
    margins = np.arange(4.0)
    assert rejected_for(margins, np.zeros(4, bool), 0.0) == 0
    assert rejected_for(margins, np.ones(4, bool), 0.5) == 1


def test_rejection_table_goes_on_from_fig_10():
    nets = {"original": [{"rejected_percent": 1.0}, {"rejected_percent": 1.5}], "noise": []}
    table = results.rejection({"nets": nets}).set_index("net")
    assert table.loc["LeNet-4"].tolist() == ["1.8", 1, "1998, Fig. 10"]
    assert table.loc["original"].tolist() == [f"1.25 {PLUS_MINUS} 0.35", 2, "ours"]
    assert table.loc["noise"].tolist() == ["none", 0, "ours"]
    assert "LeNet-5" not in table.index
    assert len(table) == len(paper.REJECTION) + 2


def test_cost_counts_as_every_table_does():
    record = run("original")
    record.environment["processor"] = "a processor"
    what, theirs, ours = results.cost([record]).to_numpy().T
    assert [text.split(" (")[-1].rstrip(")") for text in what[:2]] == ["Fig. 11", "Fig. 12"]
    time = "10 to 20 passes: 2 to 3 days of a 200 MHz R10000"
    assert theirs.tolist() == ["401,000", "60,000", time]
    assert ours[0] == "334,604, of 340,908 connections"
    assert ours[1] == "60,000, and the 840 fixed code values"
    assert ours[2] == "20 passes: seconds of one core, a processor: 3 (n = 1)"


# --- Figures --------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch):
    """The axes of a figure, as they stand when it is saved."""
    kept = []
    monkeypatch.setattr(figures, "save", lambda figure, *_: kept.append(figure))

    def draw_it(function, *sources):
        function(*sources, file=None)
        return kept[-1].axes

    return draw_it


def sizes(seeds=3):
    """Runs on each training set, their test errors 0.1 apart."""
    kinds = ({"train_size": 15_000}, {"train_size": 30_000}, {}, {"distortions": True})
    return [
        [run("any", 1 + seed / 10, 0.3, seed, **recipe) for seed in range(seeds)]
        for recipe in kinds
    ]


def heights(axes, colour, **look):
    """What stands in a colour, by marker and filling, from left to right."""
    found = [
        line
        for line in axes.lines
        if to_hex(line.get_color()) == to_hex(colour)
        and all(getattr(line, f"get_{key}")() == value for key, value in look.items())
    ]
    return [y for line in found for y in line.get_ydata()]


def test_errors_by_size_over_fig_6(drawn):
    (axes,) = drawn(figures.error_by_size, *sizes())
    white = {"markerfacecolor": "white"}
    assert heights(axes, style.VERMILION, **white) == [1.68, 1.14, 0.94, 0.82]
    assert heights(axes, style.BLUE, **white) == [0.05, 0.31, 0.35]
    assert heights(axes, style.VERMILION, marker="s", **white) == [0.82]
    assert heights(axes, style.VERMILION, linewidth=2) == pytest.approx([1.1] * 8)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[:2] == ["published, Fig. 6", "published, above 60,000 in Fig. 6"]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[0] == "15,000\nn = 3"
    assert names[3] == "60,000\n+ 540,000 distorted\nn = 3"
    # One more of three runs 0.1 apart: t = 4.303, 4.303 * 0.1 sqrt(4/3) = 0.497.
    ends = [c.get_segments()[0][:, 1] for c in axes.collections if len(c.get_segments())]
    assert ends[0] == pytest.approx([1.1 - 0.497, 1.1 + 0.497], abs=1e-3)


def test_diverged_runs_are_not_drawn_nor_counted(drawn):
    groups = sizes()
    groups[2] = [dataclasses.replace(record, status="diverged") for record in groups[2]]
    groups[3] = groups[3][:1]
    (axes,) = drawn(figures.error_by_size, *groups)
    names = [label.get_text().splitlines()[-1] for label in axes.get_xticklabels()]
    assert names == ["n = 3", "n = 3", "n = 0", "n = 1"]


def some_measures(seeds=2):
    axes = {
        "scale": rejection_invariance.SCALES,
        "shift": rejection_invariance.SHIFTS,
        "rotation": rejection_invariance.ROTATIONS,
        "inverted": rejection_invariance.INVERTED,
    }
    nets = {
        name: [
            {"seed": seed, "rejected_percent": 1.0}
            | {key: [1.0 + 2 * seed] * len(values) for key, values in axes.items()}
            for seed in range(seeds)
        ]
        for name in rejection_invariance.NETS
    }
    return {"axes": axes, "patterns": 1000, "nets": nets}


def test_invariance_has_a_panel_for_each_transform(drawn):
    panels = drawn(figures.invariance, some_measures())
    assert len(panels) == 4
    for axes, key in zip(panels, ("scale", "shift", "rotation", "inverted"), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        x = np.array(some_measures()["axes"][key]) * (100 if key == "inverted" else 1)
        for name in rejection_invariance.NETS:
            np.testing.assert_allclose(lines[f"{name} (n = 2)"].get_data(), [x, 0 * x + 2])
        band = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (band.min(), band.max()) == (1, 3)
    shaded = [
        [patch.get_x(), patch.get_x() + patch.get_width()] for a in panels for patch in a.patches
    ]
    assert shaded == [[0.5, 2.0], [-10, 10], [-30, 30]]


@pytest.mark.parametrize(
    ("draw_it", "sources"),
    [(figures.error_by_size, sizes()), (figures.invariance, [some_measures()])],
)
def test_a_picture_tells_its_source_and_is_the_same_bytes_each_time(draw_it, sources, tmp_path):
    files = [tmp_path / name / "figure.png" for name in ("a", "b")]
    for file in files:
        draw_it(*sources, file=file, source="digest")
        assert style.source_of(file) == "digest"
    assert files[0].read_bytes() == files[1].read_bytes()
    assert 10_000 < files[0].stat().st_size < 300_000


# --- Documents ------------------------------------------------------------------------------------


PAGE = ("fig5.png", "fig6.png", "readings.png", "invariance.png")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the page of results, and two runs of everything that it shows."""
    drawings = {name: documents.FIGURES[name] for name in PAGE}
    monkeypatch.setattr(remaking, "FIGURES", drawings)
    results = tmp_path / "experiments" / "results"
    folders = dict(zip(documents.BY_SIZE, sizes(2), strict=True))
    fewer = "fig6/original,train_size=15000"
    for folder in (documents.MODERN, *documents.READINGS, fewer):
        folders[folder] = [run(Path(folder).name, seed=seed) for seed in range(2)]
    for folder, records in folders.items():
        for seed, record in enumerate(records):
            name = {documents.ORIGINAL: "original"}.get(folder, Path(folder).name)
            made = net(20 + seed, 1, 50 + len(name), name, seed)
            made.recipe.update(record.recipe, name=name)
            made.dataset["test_patterns"] = paper.TEST_SIZE
            made.environment["processor"] = "a processor"
            write_record(results / folder / f"seed-{seed}", made)
    write_json(results / documents.REJECTION_INVARIANCE, some_measures())
    again = [{"recipe": Path(fewer).name, "seed": seed, "percent": 0.1 * seed} for seed in range(2)]
    write_json(results / documents.FIG6, {"runs": again})
    shutil.copy(ROOT / "experiments" / "results" / documents.FIG7, results)
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text((ROOT / "docs" / "results.md").read_text())
    return tmp_path


def test_the_page_of_results_is_made_of_the_records(checkout):
    names = [f"docs/figures/{name}" for name in PAGE]
    stale = ["docs/results.md", "lenet1998/report/runs.json", *names]
    assert remaking.remake(checkout, check=True) == stale
    assert remaking.remake(checkout) == stale
    assert remaking.remake(checkout, check=True) == []
    page = (checkout / "docs" / "results.md").read_text()
    for name in ("published-errors", "fingerprint", "rejection", "cost"):
        assert f"<!-- generated: {name} -->\n| " in page
    kinds = [line.split(" | ")[0] for line in page.splitlines() if line.count(" | ") == 7]
    assert kinds[2:] == ["| distortions", "| original", "| modern"]


def test_a_figure_is_stale_when_any_of_its_sources_changes(checkout):
    remaking.remake(checkout)
    results = checkout / "experiments" / "results"
    file = results / documents.BY_SIZE[1] / "seed-1" / RECORD
    file.write_text(file.read_text().replace('"test_errors": 3', '"test_errors": 4'))
    assert "docs/figures/fig6.png" in remaking.remake(checkout, check=True)
    assert "docs/figures/invariance.png" not in remaking.remake(checkout)
    write_json(results / documents.REJECTION_INVARIANCE, some_measures(seeds=3))
    assert "docs/figures/invariance.png" in remaking.remake(checkout, check=True)


def test_digest_of_several_sources(tmp_path):
    folders = [tmp_path / name for name in ("a", "b")]
    for seed, folder in enumerate(folders):
        write_record(folder / "seed-0", make_record(seed=seed))
    measured = tmp_path / "rejection_invariance.json"
    missing = documents.digest(*folders, measured)
    write_json(measured, {"nets": {}})
    whole = documents.digest(*folders, measured)
    others = [documents.digest(*folders), documents.digest(*reversed(folders), measured), missing]
    assert len({whole, *others}) == 4
    for name in (WEIGHTS, "checkpoint.npz"):
        (folders[0] / "seed-0" / name).write_bytes(b"not what is shown")
    assert documents.digest(*folders, measured) == whole
    predictions = folders[1] / "seed-0" / PREDICTIONS
    predictions.write_bytes(predictions.read_bytes() + b"\0")
    assert documents.digest(*folders, measured) != whole


def test_a_missing_source_is_one_clear_line(checkout):
    results = checkout / "experiments" / "results"
    (results / documents.REJECTION_INVARIANCE).unlink()
    with pytest.raises(BadInput, match=r"rejection_invariance\.json: is missing"):
        documents.FIGURES["invariance.png"].remake(results, checkout / "figure.png")
    (results / documents.REJECTION_INVARIANCE).write_text("{")
    with pytest.raises(BadInput, match=r"rejection_invariance\.json: no readable JSON"):
        documents.TABLES["rejection"](results)
    shutil.rmtree(results / "readings")
    with pytest.raises(BadInput, match="no run records"):
        documents.TABLES["readings"](results)


def test_a_damaged_source_is_one_clear_line(checkout):
    results = checkout / "experiments" / "results"
    file = results / documents.REJECTION_INVARIANCE
    nan, short, none = some_measures(), some_measures(), some_measures()
    nan["nets"]["modern"][0]["rejected_percent"] = float("nan")
    short["nets"]["modern"][1]["shift"] = short["nets"]["modern"][1]["shift"][1:]
    del none["axes"]["scale"]
    for harmed, says in ((nan, "NaN is no number"), (short, "each shift"), (none, "no 'scale'")):
        write_json(file, harmed)
        for make in (documents.TABLES["rejection"], documents.FIGURES["invariance.png"].held):
            with pytest.raises(BadInput, match=f"rejection_invariance.json: .*{says}"):
                make(results)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda text: text.replace("<!-- end -->", "<!-- ned -->", 1), "has no <!-- end -->"),
        (lambda text: text.replace("<!-- end -->", "<!--end-->", 1), "must be a line of its own"),
        (lambda text: text + "<!-- generated: cost -->\n", "has no <!-- end -->"),
        (lambda text: text + "<!-- end -->\n", "ends no generated table"),
        (lambda text: text + "<!-- generated: cost --> <!-- end -->\n", "a line of its own"),
        (lambda text: text + "<!-- generated: cot -->\n<!-- end -->\n", "is called cot"),
    ],
)
def test_a_mark_without_its_other_half_stops_everything(harm, says, checkout, capsys):
    (checkout / "README.md").write_text("<!-- generated: cost -->\n<!-- end -->\n")  # is stale
    page = checkout / "docs" / "results.md"
    page.write_text(harm(page.read_text()))
    files = [*checkout.glob("*.md"), *checkout.glob("docs/**/*.*")]
    before = {file: file.read_bytes() for file in files}
    assert report(["--root", str(checkout)]) == 2
    error = capsys.readouterr().err
    assert str(page) in error
    assert says in error
    assert len(error.splitlines()) == 1
    assert {file: file.read_bytes() for file in files} == before
    assert not (checkout / "docs" / "figures").exists()


def test_a_source_that_cannot_be_read_stops_everything(checkout, capsys):
    write_json(checkout / "experiments" / "results" / documents.REJECTION_INVARIANCE, {"nets": {}})
    page = checkout / "docs" / "results.md"
    page.write_text("<!-- generated: cost -->\n<!-- end -->\n")  # is stale
    assert report(["--root", str(checkout)]) == 2
    assert "rejection_invariance.json: nets is {}" in capsys.readouterr().err
    assert page.read_text() == "<!-- generated: cost -->\n<!-- end -->\n"


# --- Measures of trained nets ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def images(digits):
    return prepare(digits.test_images[:20])


def close(ours, expected):
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)


def test_moved_by_nothing(images):
    close(rejection_invariance.moved(images), images)


@pytest.mark.parametrize("down", [-3, 2, 5])
def test_moved_down_is_rolled_down(images, down):
    expected = images.roll(down, dims=2)
    background = slice(None, down) if down > 0 else slice(down, None)
    expected[:, :, background] = images.min()
    close(rejection_invariance.moved(images, down=down), expected)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, -1), (-90, 1), (180, 2)])
def test_turned_clockwise_as_seen(images, degrees, quarters):
    close(rejection_invariance.moved(images, degrees=degrees), images.rot90(quarters, dims=(2, 3)))


def test_scaled_about_the_centre(images):
    square = torch.full((1, 1, 32, 32), -0.1)
    square[..., 12:20, 12:20] = 1.175
    expected = torch.full((1, 1, 32, 32), -0.1)
    expected[..., 8:24, 8:24] = 1.175
    inner = (..., slice(9, 23), slice(9, 23))
    larger = rejection_invariance.moved(square, scale=2)
    close(larger[inner], expected[inner])
    assert (larger[..., :7, :] == square.min()).all()
    ink = float((images + 0.1).sum())
    assert float((rejection_invariance.moved(images, scale=0.5) + 0.1).sum()) == pytest.approx(
        ink / 4, rel=0.02
    )


def test_turned_then_shifted(images):
    turned = images.rot90(-1, dims=(2, 3))
    expected = turned.roll(2, dims=2)
    expected[:, :, :2] = images.min()
    close(rejection_invariance.moved(images, down=2, degrees=90), expected)


def test_inverted_trades_ink_for_background(images):
    assert rejection_invariance.inverted(images, 0.0, "paper").equal(images)
    low, high = images.min(), images.max()
    close(rejection_invariance.inverted(images, 1.0, "paper"), low + high - images)
    some = rejection_invariance.inverted(images, 0.1, "paper")
    changed = some != images
    assert changed.float().mean() == pytest.approx(0.1, abs=0.01)
    close(some[changed], low + high - images[changed])
    assert rejection_invariance.inverted(images, 0.1, "paper").equal(some)
    # What is inverted at 10 % is inverted at 20 % too.
    assert (rejection_invariance.inverted(images, 0.2, "paper") != images)[changed].all()


@pytest.mark.parametrize(("smallest_wins", "expected"), [(True, [1.0, 2.0]), (False, [4.0, 3.0])])
def test_margins_are_between_the_two_best(smallest_wins, expected, monkeypatch):
    answers = torch.tensor([[1.0, 2.0, 9.0, 5.0], [7.0, 3.0, 1.0, 4.0]])
    monkeypatch.setattr(purposes, "outputs", lambda model, images: images)
    net = SimpleNamespace(smallest_wins=smallest_wins)
    assert purposes.margins(net, answers).tolist() == expected


# --- Sheets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "misread", "same", "commonest", "kind"),
    [
        ((4, 4, 4), 0, 0, None, "right"),
        ((4, 9, 6), 2, 1, 9, "same"),
        ((6, 9, 6), 3, 1, 6, "other"),
        ((7, 6, 4), 2, 0, 6, "other"),
    ],
)
def test_a_tile_tells_what_our_nets_answered(answers, misread, same, commonest, kind):
    tile = fig8_sheet.Tile(label=4, then=9, answers=answers)
    assert (tile.misread, tile.same, tile.commonest, tile.kind) == (misread, same, commonest, kind)


def test_tiles_are_the_82_in_order():
    diverged = dataclasses.replace(net(82, 0, 0), status="diverged")
    found = fig8_sheet.tiles([net(3, 2, 10), net(1, 0, 0), diverged])
    assert len(found) == 82
    assert [tile.label for tile in found] == THEN.label.tolist()
    assert [tile.then for tile in found] == THEN.answer.tolist()
    assert [tile.misread for tile in found[:6]] == [2, 1, 1, 1, 1, 0]
    assert [tile.same for tile in found[:6]] == [2, 1, 1, 0, 0, 0]


@pytest.fixture
def as_mnist(digits, monkeypatch):
    """The digits, as many as MNIST has, where the sheets look for MNIST."""
    train = np.resize(digits.train_images, (1000, 28, 28))
    test = np.resize(digits.test_images, (paper.TEST_SIZE, 28, 28))
    labels = np.zeros(paper.TEST_SIZE, np.int64)
    data = Dataset("mnist", train, labels[:1000], test, labels, "abc")
    for sheet in (fig7_sheet, fig8_sheet):
        monkeypatch.setattr(sheet, "load", lambda *_: data)


@pytest.mark.usefixtures("as_mnist")
def test_sheets_are_drawn_of_pictures_and_records(checkout, capsys):
    results, folder = checkout / "experiments" / "results", checkout / "docs" / "figures"
    shown = {"fig7": "fig7.json", "fig8": documents.DISTORTIONS}
    for sheet, (name, source) in zip((fig7_sheet, fig8_sheet), shown.items(), strict=True):
        file = folder / f"{name}.png"
        assert sheet.main(["--results", str(results), "--root", str(checkout)]) == 0
        assert capsys.readouterr().out.split() == [str(file)]
        assert style.source_of(file) == documents.digest(results / source)
        assert 0 < file.stat().st_size < 300_000


@pytest.mark.usefixtures("as_mnist")
def test_without_records_there_is_no_fig_8_but_one_line(tmp_path, capsys):
    assert fig8_sheet.main(["--results", str(tmp_path / "none"), "--root", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "no finished run to draw Fig. 8 of" in error
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("as_mnist")
def test_fig_8_is_of_mnists_test_set(checkout, capsys):
    results = checkout / "experiments" / "results"
    write_record(results / documents.DISTORTIONS / "seed-1", make_record(seed=1))
    assert fig8_sheet.main(["--results", str(results), "--root", str(checkout)]) == 2
    assert "was not tested on MNIST's 10,000 patterns" in capsys.readouterr().err
    assert not (checkout / "docs" / "figures").exists()
    with pytest.raises(BadInput, match=r"original, seed 1: was tested on 200 patterns"):
        documents.TABLES["fingerprint"](results)


def test_what_distortions_take_off_the_error():
    plain = [run("original", test=v, seed=s) for s, v in enumerate((1.0, 1.1, 0.9))]
    other = [run("distortions", test=v, seed=s) for s, v in enumerate((0.8, 0.7, 0.9))]
    rows = distortions.distortion_gain([*plain, *other]).set_index("test error, %")
    assert rows.loc["gain", "published"] == "0.15"
    # t = 0.2 / sqrt(0.01 / 3 + 0.01 / 3) with 4 degrees of freedom, whose 97.5 % point is 2.776.
    assert rows.loc["gain", "ours"] == "0.20 (95 % -0.03 to 0.43; p = 0.07)"
    single = rows.loc["gain of one run over another, 95 %"]
    assert single.tolist() == ["cannot tell", "-0.25 to 0.65"]


@pytest.mark.parametrize(("gain", "words"), [(0.2, "consistent"), (0.9, "inconsistent")])
def test_the_published_gain_is_the_difference_of_two_single_runs(gain, words):
    values = [0.9, 1.0, 1.1] * 2
    plain = [run("original", test=v, seed=s) for s, v in enumerate(values)]
    other = [run("distortions", test=v - gain, seed=s) for s, v in enumerate(values)]
    assert distortions.distortion_gain([*plain, *other])["published"].iloc[-1] == words


def test_how_sure_fig_7_is():
    fits = json.loads((ROOT / "experiments" / "results" / "fig7.json").read_bytes())
    rows = dict(distortions.fig7_checks(fits).to_numpy())
    assert rows["left over, of full ink (rms)"] == "0.36 %; at worst 0.55 %"
    excluded = [what for what in rows if what.startswith("log likelihood")]
    assert "log likelihood of shift down: the result" in excluded
    assert not any(what.endswith("the original") for what in excluded)


def test_how_fig_7_was_drawn():
    about = {
        "range": [-2.0, 2.0],
        "low": [-2.03, -1.843],
        "high": [1.97, 2.157],
        "p_uniform": 0.823,
    }
    shear = {"range": [-0.14, 0.14], "low": [-0.15, -0.139], "high": [0.135, 0.146]}
    rows = [about | {"name": "shift_x"}, shear | {"name": "shear", "p_uniform": 0.01}]
    table = distortions.fig7_ranges({"parameters": rows})
    assert table.to_numpy().tolist() == [
        [
            "shift right, pixels of the original",
            "-2.0 to 2.0",
            "-2.03 to -1.84; 1.97 to 2.16",
            "0.82",
        ],
        [
            "shear, pixels right per pixel down",
            "-0.14 to 0.14",
            "-0.150 to -0.139; 0.135 to 0.146",
            "0.01",
        ],
    ]


def test_the_table_of_fig_7_is_of_the_committed_study():
    table = documents.TABLES["fig7-ranges"](ROOT / "experiments" / "results")
    assert table["range"].tolist() == [
        "-2.0 to 2.0",
        "-2.0 to 2.0",
        "0.77 to 1.40",
        "0.90 to 1.10",
        "-0.14 to 0.14",
    ]


def test_what_might_explain_the_errors_with_15000_patterns():
    short, longer = "original,train_size=15000", "original,passes=80,train_size=15000"
    runs = [
        run(name, test=1.6, train=train + seed / 100, seed=seed, train_size=15_000, **more)
        for name, train, more in ((short, 0.4, {}), (longer, 0.1, {"passes": 80}))
        for seed in range(6)
    ]
    again = {
        "runs": [
            {"recipe": r.recipe["name"], "seed": r.seed, "percent": 0.03 + r.seed / 100}
            for r in runs
        ]
    }
    table = results.fewer_patterns(runs, again).set_index("trained")
    assert list(table.index) == [name.replace(",", ", ") for name in (short, longer)]
    on_the_fly, counted = "training error on the fly, %", "training error counted again, %"
    assert table[on_the_fly].iloc[0].endswith("inconsistent with 0.05")
    assert table[counted].iloc[0] == f"0.06 {PLUS_MINUS} 0.02: consistent with 0.05"
    assert set(table["n"]) == {6}
