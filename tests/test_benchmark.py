"""The benchmark measures what it says, on little data."""

import json
from pathlib import Path

import pytest

from lenet1998.benchmark import main
from lenet1998.commands import benchmark
from lenet1998.recipes import ORIGINAL
from lenet1998.report.performance import benchmark as table

RESULTS = Path(__file__).parents[1] / "experiments" / "results"


@pytest.fixture
def quick(monkeypatch, digits):
    """On the digits, and without the two subprocesses that compile from nothing."""
    monkeypatch.setattr(benchmark, "compile_seconds", lambda: (5.0, 0.5))
    monkeypatch.setattr(benchmark, "load", lambda *_: digits)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_engines_side_by_side(tmp_path, capsys):
    assert main(["--rounds", "1", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "benchmark.json").read_text())
    eager, compiled = result["engines"]
    assert [row["engine"] for row in result["engines"]] == ["eager", "compiled"]
    assert eager["times_eager"] == 1
    # Far below what it is, so that a busy machine does not fail it.
    assert compiled["times_eager"] > 5
    assert all(0 < row["fastest_cpu_us"] <= row["cpu_us"] for row in result["engines"])
    assert 0 < result["floor_us"] < compiled["cpu_us"]
    read = result["reading"]
    assert read["compiled_us"] < read["eager_us"]
    assert read["times_eager"] == pytest.approx(read["eager_us"] / read["compiled_us"])
    assert result["whole_run"] is None
    printed = capsys.readouterr().out
    assert "arithmetic floor" in printed
    rows = dict(table(result).to_numpy().tolist())
    assert rows["compiled, one thread"].startswith(f"{compiled['cpu_us']:.1f} us a pattern")
    assert f"({result['environment']['core']}: " in rows["measured on"]
    assert rows["reading a test pattern"].startswith(f"{read['compiled_us']:.1f} us, eager ")
    assert rows["compiling, empty cache and filled"] == "5.0 s and 0.50 s"
    assert (result["gpu"] is None) == (not any("many runs" in row for row in rows))


@pytest.mark.parametrize(("device", "shown"), [({}, "a GPU"), ({"device": "X100"}, "X100")])
def test_the_table_tells_many_runs_on_a_gpu(device, shown):
    result = json.loads((RESULTS / "benchmark.json").read_text())
    result["gpu"] = {"runs": 128, "patterns_per_second": 1234567.8, **device}
    rows = dict(table(result).to_numpy().tolist())
    assert rows[f"many runs on {shown}"] == "1,234,568 patterns/s over 128 runs"


@pytest.mark.parametrize(
    ("instructions", "shown"),
    [
        (["avx2", "avx512f"], "(x: AVX2 and AVX-512), "),
        (["avx2"], "(x: AVX2), "),
        ([], "(x: no AVX2), "),
    ],
)
def test_the_table_tells_one_core_from_another(instructions, shown):
    result = json.loads((RESULTS / "benchmark.json").read_text())
    result["environment"] |= {"core": "x", "vector_instructions": instructions}
    result["load_average"] = 1.96
    measured_on = dict(table(result).to_numpy().tolist())["measured on"]
    assert shown in measured_on
    assert measured_on.endswith("rounds, beside other work (load average 2.0)")


def test_a_measurement_without_plain_loops_still_makes_a_table():
    """As an older version left it, which measured neither them, nor reading, nor the load."""
    result = json.loads((RESULTS / "benchmark.json").read_text())
    older = result | {
        "engines": [{**row} for row in result["engines"] if "plain" not in row["engine"]]
    }
    del older["load_average"], older["reading"]
    for row in older["engines"]:
        del row["fastest_cpu_us"]
    rows = dict(table(older).to_numpy().tolist())
    assert "plain loops, one thread" not in rows
    assert rows["compiled, one thread"] == "19.7 us a pattern (wall 19.7); 59.8 times eager"
    assert "reading a test pattern" not in rows
    assert rows["measured on"].startswith("AMD EPYC (znver5: AVX2 and AVX-512), 2 cores")
    assert "beside other work" not in rows["measured on"]


def test_the_floor_counts_each_layer_forwards_for_its_parameters_and_for_its_inputs():
    c1, s2, c3, s4, c5, f6, output = 6 * 784 * 26, 6 * 196, 151_600, 16 * 25, 48_120, 10_164, 840
    expected = 2 * c1 + 3 * (s2 + c3 + s4 + c5 + f6) + 2 * output
    assert benchmark.multiply_accumulates_of_an_update(ORIGINAL) == expected
    untrained = ORIGINAL.override(["pooling=max"])  # which multiplies nothing
    assert benchmark.multiply_accumulates_of_an_update(untrained) == expected - 3 * (s2 + s4)


@pytest.mark.parametrize("flags", [["--rounds", "0"], ["--out", "/dev/null/x"], ["--rounds", "a"]])
def test_bad_input_is_one_line(flags, capsys):
    try:
        status = main(flags)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
