"""docs/performance.md: the engines side by side."""

import pandas as pd


def vectors_of(machine: dict) -> str:
    """A core's vector instructions, ``avx512f`` as AVX-512."""
    names = {"avx2": "AVX2", "avx512f": "AVX-512"}
    return " and ".join(names[name] for name in machine["vector_instructions"]) or "no AVX2"


def benchmark(result: dict) -> pd.DataFrame:
    """What :mod:`lenet1998.benchmark` measured, one line each."""
    rows = {}
    # Records from before the plain loops say neither a fastest round, nor which core, nor the load.
    for engine in result["engines"]:
        fastest = engine.get("fastest_cpu_us")
        rows[f"{engine['engine']}, one thread"] = (
            f"{engine['cpu_us']:.1f} us a pattern (wall {engine['wall_us']:.1f}"
            + (f"; fastest round {fastest:.1f}); " if fastest else "); ")
            + f"{engine['times_eager']:.1f} times eager"
        )
    rows["arithmetic floor of this core"] = (
        f"{result['floor_us']:.1f} us ({result['multiply_accumulates']:,} multiply-accumulates at"
        f" {result['peak_multiply_accumulates_per_us'] / 1000:.0f} a ns, measured)"
    )
    rows["compiling, empty cache and filled"] = (
        f"{result['compile_first_s']:.1f} s and {result['compile_again_s']:.2f} s"
    )
    # Records from before the compiled loops read, too, do not say how fast they do.
    if read := result.get("reading"):
        rows["reading a test pattern"] = (
            f"{read['compiled_us']:.1f} us, eager {read['eager_us']:.1f}; "
            f"{read['times_eager']:.1f} times eager"
        )
    if result["two_at_once"]:
        rows["two runs at once"] = f"{result['two_at_once']:.2f} times the time of one"
    if whole := result["whole_run"]:
        rows[f"{whole['passes']} passes with evaluation"] = (
            f"{whole['cpu_s']:.0f} s of one core (wall {whole['wall_s']:.0f} s),"
            f" {whole['peak_memory_gb']:.2f} GB at most"
        )
    if gpu := result["gpu"]:
        where = gpu.get("device", "a GPU")
        rows[f"many runs on {where}"] = (
            f"{gpu['patterns_per_second']:,.0f} patterns/s over {gpu['runs']} runs"
        )
    machine = result["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    core = f" ({machine['core']}: {vectors_of(machine)})" if "core" in machine else ""
    beside = result.get("load_average")
    load = f", beside other work (load average {beside:.1f})" if (beside or 0) >= 0.5 else ""
    rows["measured on"] = (
        f"{machine['processor']}{core}, {machine['cores']} cores, {result['dataset']}, {versions};"
        f" medians of {result['rounds']} rounds{load}"
    )
    return pd.DataFrame({"what": list(rows), "measured": list(rows.values())})
