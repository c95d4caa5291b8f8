"""Tables of nets on the recovered layers, and of what they read of the paper's patterns."""

import numpy as np
import pytest

from experiments.net_1998 import features_tables as page

FIG13 = [4, 4, 4, 4, 3, 8, 4, 3, 3]
STRING = {"answer": "25", "nearest": [2, 2, 2, 3, 3, 4, 4, 4, 5], "digits": [0, 8]}
AS_IN_1998 = FIG13 + 5 * STRING["nearest"]


def net(seed, test_errors, answers=AS_IN_1998, told=False, rms=0.2):
    near = {"rms": rms, "correlation": 0.5}
    figures = dict.fromkeys(("fig13", "fig25", "fig26"), near)
    return {
        "seed": seed,
        "test_errors": test_errors,
        "noisy_errors": 5 * test_errors,
        "answers": answers,
        "c5": {"fig13": near, "fig25": near} if told else None,
        "f6": figures,
        "sizes": None,
    }


def of_a_set(seed, rms, size):
    """A net of either training set, so far from F6's states and with weights of such a size."""
    return net(seed, 120, rms=rms) | {"sizes": {"C1 weights, rms": size}}


@pytest.fixture
def result(tmp_path):
    one_wrong = [9, *AS_IN_1998[1:]]
    last_digit_wrong = [*AS_IN_1998[:-1], 9]
    nets = {
        "original": [net(0, 100, one_wrong), net(1, 110, one_wrong), net(2, 105)],
        "noise": [net(0, 120), net(1, 130)],
        "modern": [net(0, 90) | {"f6": None}],
        "1998-features": [net(0, 80, last_digit_wrong), net(1, 82, last_digit_wrong)],
        "noise,features=1998": [net(0, 120), net(1, 131)],
        "second-restoration": [net(0, 140, told=True, rms=0.01), net(1, 150, told=True, rms=0.03)],
    }
    return {
        "patterns": 10_000,
        "sizes_1998": {"C1 weights, rms": 2.0},
        "of_1998": {"fig13": FIG13, "strings": [STRING] * 5},
        "nets": nets,
        "f6_states": {"original": np.zeros((9, 84)).tolist()},
    }


def test_features_beside_whole_nets(result):
    table = page.features(result)
    assert table["C1 to S4"].tolist() == ["1998's", "trained", "1998's", "trained"]
    assert table["n"].tolist() == [2, 3, 2, 2]
    assert table["test error, %"][1] == "1.05 ± 0.05"
    assert table["with inverted pixels, %"][0] == "4.05 ± 0.07"
    told = [p for p in table["p, test error"] if p]
    assert len(told) == 2
    assert float(told[0]) < float(told[1])


def test_how_near_pulled_nets_come(result):
    table = page.pulled(result)
    assert table["pulled towards"].tolist() == ["nothing", "Figs. 13, 25 and 26"]
    assert table["C5, Fig. 13"].tolist() == ["", "0.020 (0.50)"]
    assert table["F6, Fig. 26"].tolist() == ["0.200 (0.50)", "0.020 (0.50)"]


def test_what_is_read_as_in_1998(result):
    table = page.patterns(result).set_index("nets")
    assert table["patterns of Fig. 13"]["`original`"] == "8.3 ± 0.6 of 9"
    assert table["patterns of Fig. 13"]["`noise`"] == "9.0 ± 0.0 of 9"
    row = table.loc["`1998-features`"]
    assert row["digits of the strings"] == "9.0 ± 0.0 of 10"
    assert row["strings, all digits"] == "4.0 ± 0.0 of 5"
    assert row["all windows"] == "44.0 ± 0.0 of 45"
    assert table["F6, Fig. 13"]["`modern`"] == ""


def test_pattern_by_pattern_and_string_by_string(result):
    fig13 = page.fig13(result).set_index("nets")
    assert fig13.loc["`original`"].tolist() == [3, 1, *[3] * 8]
    strings = page.strings(result).set_index("nets")
    assert strings.loc["1998, window by window"].iloc[0] == "**2** 2 2 3 3 4 4 4 **5**"
    assert strings.loc["`1998-features`"].tolist() == ["2 of 2"] * 4 + ["0 of 2"]


def test_the_card_is_of_seed_0(result):
    table = page.card(result)
    assert table["misclassified by these weights"].tolist() == ["80 of 10,000", "400 of 10,000"]


def test_the_figure_has_a_row_for_each_kind_of_net(result):
    (axes,) = page.f6_figure(result).axes
    words = [text.get_text() for text in axes.texts]
    assert words[:2] == ["Fig. 13", "1998, as printed"]
    assert len(words) == 2 + len(result["f6_states"])


def test_the_training_set_whose_nets_are_nearer(result):
    result["nets"]["noise"] = [of_a_set(n, 0.3 + n / 100, 2.0 + n / 100) for n in range(6)]
    result["nets"]["strings"] = [of_a_set(n, 0.1 + n / 100, 3.0 + n / 100) for n in range(6)]
    table = page.training_sets(result).set_index("how near")
    assert table["nearer"].tolist() == [
        *["VII-B (`strings`)"] * 3,
        "cannot tell",
        "III-E (`noise`)",
    ]
    assert table["`noise` (n = 6)"].iloc[0] == "0.32 ± 0.02"
    assert table["`strings` (n = 6)"].iloc[-1] == "1.02 ± 0.02"
