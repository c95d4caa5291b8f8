"""What distortions do: tables of made-up runs and of the committed study of Fig. 7."""

import json

import pytest
from made_up import ROOT, run

from lenet1998.report import distortions, documents


def test_what_distortions_take_off_the_error():
    plain = [run("original", test=v, seed=s) for s, v in enumerate((1.0, 1.1, 0.9))]
    other = [run("distortions", test=v, seed=s) for s, v in enumerate((0.8, 0.7, 0.9))]
    rows = distortions.distortion_gain([*plain, *other]).set_index("test error, %")
    gain = rows.loc["gain, difference of means"]
    # t = 0.2 / sqrt(0.01 / 3 + 0.01 / 3) with 4 degrees of freedom, whose 97.5 % point is 2.776.
    assert gain.tolist() == ["0.15", "0.20 (95 % -0.03 to 0.43; p = 0.07)", "cannot tell"]
    single = rows.loc["gain of one run over another, 95 %"]
    assert single.tolist() == ["", "-0.25 to 0.65", ""]


@pytest.mark.parametrize(
    ("gain", "words"), [(0.2, "holds"), (0.9, "does not hold"), (0.0, "does not hold")]
)
def test_the_published_gain_is_judged_on_the_means(gain, words):
    values = [0.95, 1.0, 1.05] * 4
    plain = [run("original", test=v, seed=s) for s, v in enumerate(values)]
    other = [run("distortions", test=v - gain, seed=s) for s, v in enumerate(values)]
    assert distortions.distortion_gain([*plain, *other])["verdict"].iloc[2] == words


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
