"""What distortions do: tables of made-up runs and of the committed study of Fig. 7."""

import json

import pytest
from made_up import ROOT, run

from experiments.claims import errors
from experiments.claims.ledger import Evidence
from experiments.claims.verdicts import agrees
from experiments.distortions import tables as distortions


def of_readings(gain: float, seeds: int = 6) -> list:
    """Runs of both readings without and with distortions, of which only the first gains."""
    values = ([0.9, 1.0, 1.1] * 2)[:seeds]
    return [
        run(name, test=value - (gain if name == "distortions" else 0), seed=seed)
        for pair in distortions.READINGS.items()
        for name in pair
        for seed, value in enumerate(values)
    ]


def test_what_distortions_take_off_the_error():
    rows = distortions.distortion_gain(of_readings(0.2, seeds=3)).set_index("reading")
    assert rows.loc["1998"].tolist() == ["0.95", "0.8", "0.15", "", ""]
    # t = 0.2 / sqrt(0.01 / 3 + 0.01 / 3) with 4 degrees of freedom, whose 97.5 % point is 2.776.
    assert rows.loc["original", "gain, points"] == "0.20 (95 % -0.03 to 0.43; p = 0.07)"
    assert rows.loc["original", "gain of one run over another, 95 %"] == "-0.25 to 0.65"
    assert rows.loc["original", "the published gain"] == "cannot tell"


@pytest.mark.parametrize(
    ("gain", "words"),
    # One run over another would have 0.15 in every case but the last.
    [(0.2, "consistent"), (0.1, "cannot tell"), (0.0, "cannot tell"), (-0.1, "inconsistent")],
)
def test_the_published_gain_is_judged_by_the_difference_of_means(gain, words):
    rows = distortions.distortion_gain(of_readings(gain)).set_index("reading")
    assert rows.loc["original", "the published gain"] == words
    assert rows.loc["fitted", "gain, points"].startswith("0.00 (")


def test_the_ledger_says_of_the_gain_what_the_table_says():
    results = ROOT / "experiments" / "results"
    table = distortions.distortion_gain.made(results).set_index("reading")
    found = errors.gain(Evidence(results))
    assert found.ours.startswith(table.loc["original", "gain, points"])
    assert found.verdict == agrees(table.loc["original", "the published gain"])


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
    table = distortions.fig7_ranges.made(ROOT / "experiments" / "results")
    assert table["range"].tolist() == [
        "-2.0 to 2.0",
        "-2.0 to 2.0",
        "0.77 to 1.40",
        "0.90 to 1.10",
        "-0.14 to 0.14",
    ]
