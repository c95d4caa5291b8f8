"""Measurements of the engines side by side, as a table."""

import pandas as pd


def _times(us: float, times: float) -> str:
    return f"{us:.1f} us ({times:.1f} times eager)"


def processor(result: dict) -> str:
    """The processor that was measured on, and whether other work ran beside."""
    machine, load = result["environment"], result.get("load_average") or 0
    beside = f", beside other work (load average {load:.1f})" if load >= 0.5 else ""
    return f"{machine['processor']}, {machine['cores']} cores{beside}"


def _vectors(machine: dict) -> str:
    names = {"avx2": "AVX2", "avx512f": "AVX-512"}
    return " and ".join(names[name] for name in machine["vector_instructions"]) or "no AVX2"


def versions(machine: dict) -> str:
    """Versions of what a measurement was made with."""
    return ", ".join(f"{name} {version}" for name, version in machine["versions"].items())


def title(result: dict) -> str:
    """The core and the arithmetic that a benchmark is of."""
    machine = result["environment"]
    return f"{machine['core']}, arithmetic {machine.get('arithmetic', 1)}"


def benchmark(*results: dict) -> pd.DataFrame:
    """Measurements of :mod:`lenet1998.benchmark`, per pattern; a column each."""
    columns = {title(result): _column(result) for result in results}
    engines = [row["engine"] for result in results for row in result["engines"]]
    others = [row for column in columns.values() for row in column]
    rows = list(dict.fromkeys(engines + others))
    table = pd.DataFrame(columns, index=rows).fillna("")
    return table.rename_axis("one thread").reset_index()


def _column(result: dict) -> dict[str, str]:
    """A benchmark's rows; an older one lacks some."""
    rows = {row["engine"]: _times(row["cpu_us"], row["times_eager"]) for row in result["engines"]}
    rows["arithmetic floor of this core"] = f"{result['floor_us']:.1f} us"
    rows["multiply-accumulates a ns, at best"] = (
        f"{result['peak_multiply_accumulates_per_us'] / 1000:.0f}"
    )
    if read := result.get("reading"):
        rows["reading, eager"] = f"{read['eager_us']:.1f} us"
        rows["reading, compiled"] = _times(read["compiled_us"], read["times_eager"])
    rows["compiling, empty cache and filled"] = (
        f"{result['compile_first_s']:.1f} s and {result['compile_again_s']:.2f} s"
    )
    if result["two_at_once"]:
        rows["two runs at once"] = f"{result['two_at_once']:.2f} times the time of one"
    if whole := result["whole_run"]:
        rows[f"whole run of {whole['passes']} passes"] = (
            f"{whole['wall_s']:.0f} s"
            if whole["cpu_s"] is None
            else f"{whole['cpu_s']:.0f} s of one core, {whole['peak_memory_gb']:.2f} GB at most"
        )
    if gpu := result["gpu"]:
        rows["engine cuda"] = (
            f"{gpu['patterns_per_second']:,.0f} patterns/s over {gpu['runs']} runs on"
            f" {gpu.get('device', 'a GPU')}"
        )
    machine = result["environment"]
    rows["measured on"] = f"{processor(result)}; {_vectors(machine)}; {result['dataset']}"
    rows["with"] = f"{versions(machine)}; medians of {result['rounds']} rounds"
    return rows
