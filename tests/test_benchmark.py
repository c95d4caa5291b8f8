"""The benchmark measures what it says, on little data."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.speed.tables import rivals
from lenet1998.benchmark import measure as benchmark
from lenet1998.benchmark.__main__ import main
from lenet1998.benchmark.tables import benchmark as table
from lenet1998.recipes import ORIGINAL

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
    times = f"{compiled['cpu_us']:.1f} us ({compiled['times_eager']:.1f} times eager)"
    assert rows["compiled"] == times
    assert rows["reading, eager"] == f"{read['eager_us']:.1f} us"
    assert rows["compiling, empty cache and filled"] == "5.0 s and 0.50 s"
    assert (result["gpu"] is None) == ("engine cuda" not in rows)


@pytest.fixture
def committed():
    return json.loads((RESULTS / "benchmark.json").read_text())


def rows_of(result: dict) -> dict[str, str]:
    return dict(table(result).to_numpy().tolist())


@pytest.mark.parametrize(("device", "shown"), [({}, "a GPU"), ({"device": "X100"}, "X100")])
def test_the_table_tells_many_runs_on_a_gpu(device, shown, committed):
    committed["gpu"] = {"runs": 128, "patterns_per_second": 1234567.8, **device}
    told = rows_of(committed)["engine cuda"]
    assert told == f"1,234,568 patterns/s over 128 runs on {shown}"


@pytest.mark.parametrize(
    ("instructions", "shown"),
    [(["avx2", "avx512f"], "AVX2 and AVX-512"), (["avx2"], "AVX2"), ([], "no AVX2")],
)
def test_the_table_tells_one_core_from_another(instructions, shown, committed):
    committed["environment"] |= {"core": "x", "vector_instructions": instructions}
    committed["load_average"] = 1.96
    frame = table(committed)
    assert list(frame.columns) == ["one thread", "x, arithmetic 2"]
    told = rows_of(committed)["measured on"]
    assert told.endswith(f", beside other work (load average 2.0); {shown}; mnist")


def test_measurements_stand_side_by_side_with_what_each_has(committed):
    older = json.loads((RESULTS / "benchmark_older.json").read_text())["machines"][0]
    del older["load_average"], older["reading"]
    frame = table(committed, older).set_index("one thread")
    assert list(frame.columns) == ["znver5, arithmetic 2", "znver5, arithmetic 1"]
    assert list(frame.index[:3]) == ["eager", "compiled", "plain loops"]
    assert frame.loc["plain loops"].tolist() == ["", "33.6 us (35.1 times eager)"]
    assert frame.loc["reading, compiled"].tolist()[1] == ""
    assert frame.loc["compiled"].tolist()[1] == "19.7 us (59.8 times eager)"
    assert "beside other work" not in frame.loc["measured on"].iloc[1]


def test_rivals_stand_by_pattern_and_by_mini_batch():
    result = json.loads((RESULTS / "rivals.json").read_text())
    ours = result["recipes"]["modern"][-1]
    frame = rivals(result).set_index("one thread")
    assert list(frame.columns) == ["original, pattern by pattern", "modern, mini-batches of 128"]
    assert frame.iloc[-2, 1] == f"{ours['us']:.1f} us (1.0 times ours)"
    for rows in result["recipes"].values():
        # Each learns the same patterns from the same start.
        assert {f"{row['loss']:.4f}" for row in rows} == {f"{rows[0]['loss']:.4f}"}


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


def test_without_the_module_resource_there_is_a_time(committed, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    without = f"import sys; sys.modules['resource'] = None; {benchmark.CHILD.strip()}"
    call = [sys.executable, "-c", without, sys.executable, "-c", ""]
    assert subprocess.run(call, capture_output=True, text=True, check=True).stdout == "null\n"
    committed["whole_run"] = {"passes": 20, "wall_s": 31.4, "cpu_s": None, "peak_memory_gb": None}
    assert rows_of(committed)["whole run of 20 passes"] == "31 s"
