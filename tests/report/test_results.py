"""The published results beside made-up runs: hand counts and brute force."""

import dataclasses

import numpy as np
import pytest
from made_up import net, run

from experiments.published import tables as results
from experiments.published.tables import Shared, claims, errors, fingerprint, shared_with_1998
from lenet1998 import paper
from lenet1998.report.statistics import rejected_for, welch

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"

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
    table = errors(runs, runs).set_index("result, %")
    # Mean 0.95, sd 0.0374; t = 2.571 for five degrees of freedom: 2.571 sd sqrt(7/6) = 0.104.
    test = table.loc["test error"]
    assert test["ours"] == f"0.95 {PLUS_MINUS} 0.04 (n = 6; 95 % of the mean 0.91 to 0.99)"
    assert test["one more run, 95 %"] == "0.85 to 1.05"
    assert test["published"] == "0.95 (section III-B)"
    # The text does not say how its training error was counted.
    training = table.loc["training error on the fly", "published"]
    assert "by inference from Fig. 5's caption" in training
    assert table["verdict"].tolist() == ["consistent", "inconsistent", *["cannot tell"] * 5]
    # Only original has six runs.
    assert table["recipes consistent"].tolist() == ["1 of 1", "0 of 1", *["0 of 0"] * 4, "1 of 1"]
    assert table.loc["test error, with distortions", "ours"] == "0.80 (n = 1)"
    assert table.loc["test error, with distortions", "one more run, 95 %"] == ""
    assert table.loc["test error, 30,000 patterns", "ours"] == "none finished (n = 0)"


def test_the_short_table_has_the_gain_that_fails():
    plain = [run("original", 0.92 + 0.01 * n, 0.32 + 0.01 * n, n) for n in range(7)]
    others = [run("distortions", 0.93 + 0.01 * n, seed=n, distortions=True) for n in range(7)]
    table = results.in_short(plain, others)
    assert table["the paper"].tolist() == ["0.95", "0.35", "0.15"]
    assert table["verdict"].tolist() == ["consistent", "consistent", "inconsistent"]
    assert table["`original`"].tolist()[0] == f"0.95 {PLUS_MINUS} 0.02 (n = 7)"
    assert table["`original`"].tolist()[2].startswith("-0.01 (95 % ")


def test_what_is_known_roughly_is_given_that_much():
    runs = [run("distortions", 0.76, seed=seed, distortions=True) for seed in range(6)]
    assert errors(runs, runs).iloc[-1]["verdict"] == "consistent"
    runs = [run("distortions", 0.74, seed=seed, distortions=True) for seed in range(6)]
    assert errors(runs, runs).iloc[-1]["verdict"] == "inconsistent"


# --- The fingerprint of Fig. 8 --------------------------------------------------------------------


def test_shared_errors_are_counted():
    found = shared_with_1998(net(same=7, other=4, elsewhere=39))
    assert found == Shared(errors=50, misread=11, same_answer=7)
    assert found.dice == pytest.approx(2 * 11 / (50 + 82))
    assert shared_with_1998(net(82, 0, 0)).dice == 1
    assert shared_with_1998(net(0, 0, 5)).misread == 0
    assert shared_with_1998(net(82, 0, 0)).same_answer == 82


def alike(runs):
    """An overlap with the others of its kind for each net, by its seed."""
    return {
        "alike": [
            {"variant": run.recipe["name"], "seed": run.seed, "dice": (5 + run.seed) / 10}
            for run in runs
        ]
    }


def test_fingerprint_of_kinds_in_the_order_given():
    ours = [net(20, 10, 50, seed=0), net(30, 10, 40, seed=1)]
    others = [net(10, 10, 60, "modern", 0), net(10, 12, 58, "modern", 1)]
    diverged = dataclasses.replace(net(82, 0, 0, "modern", 2), status="diverged")
    table = fingerprint([*ours, *others, diverged], alike([*ours, *others]))
    assert table["nets"].tolist() == ["distortions", "modern"]
    assert table["n"].tolist() == [2, 2]
    first = table.iloc[0]
    assert first["errors of 10,000"] == f"80.0 {PLUS_MINUS} 0.0"
    assert first["of the 82, misclassified"] == f"35.0 {PLUS_MINUS} 7.1"
    assert first["with 1998's answer"] == f"25.0 {PLUS_MINUS} 7.1"
    assert first["overlap with the 82"] == f"0.432 {PLUS_MINUS} 0.087"  # 60 and 80 of 162
    assert first["overlap with one another"] == f"0.550 {PLUS_MINUS} 0.071"
    p = welch([60 / 162, 80 / 162], [40 / 162, 44 / 162])[1]
    assert table["p"].tolist() == ["", f"{p:.1g}"]


def test_fingerprint_adjusts_its_family_of_comparisons():
    kinds = {"distortions": (30, 34), "original": (20, 25), "modern": (10, 12)}
    runs = [
        net(same, 0, 80 - same, name, seed)
        for name, counts in kinds.items()
        for seed, same in enumerate(counts)
    ]
    overlaps = {name: [2 * same / 162 for same in counts] for name, counts in kinds.items()}
    p = sorted(welch(overlaps["distortions"], overlaps[name])[1] for name in ("original", "modern"))
    expected = {f"{2 * p[0]:.1g}", f"{max(2 * p[0], p[1]):.1g}"}
    assert set(fingerprint(runs, alike(runs))["p"][1:]) == expected


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
    assert table[on_the_fly].iloc[0].endswith("; 0.05: inconsistent")
    assert table[counted].iloc[0] == f"0.06 {PLUS_MINUS} 0.02; 0.05: cannot tell: too wide"
    assert set(table["n"]) == {6}
