"""docs/performance.md: the engines, and other ways to train the same networks."""

import pandas as pd

from experiments.results import BENCHMARK, BENCHMARKS_OLDER, RIVALS, shows
from lenet1998.benchmark.tables import benchmark, processor, versions


@shows(BENCHMARK, BENCHMARKS_OLDER)
def engines(latest: dict, older: dict) -> pd.DataFrame:
    """The engines side by side, on each machine and with each arithmetic that was measured."""
    return benchmark(latest, *older["machines"])


@shows(RIVALS)
def rivals(result: dict) -> pd.DataFrame:
    """Measurements of ``experiments/speed/rivals.py``, per pattern."""
    one, batches = (
        {row["rival"]: f"{row['us']:.1f} us ({row['times_ours']:.1f} times ours)" for row in rows}
        for rows in (result["recipes"]["original"], result["recipes"]["modern"])
    )
    machine, names = result["environment"], [*one, "measured on"]
    one["measured on"] = f"{machine['core']}: {processor(result)}"
    batches["measured on"] = f"{versions(machine)}; medians of {result['rounds']} rounds"
    mini_batches = f"modern, mini-batches of {result['batch_size']}"
    return pd.DataFrame(
        {
            "one thread": names,
            "original, pattern by pattern": [one[name] for name in names],
            mini_batches: [batches[name] for name in names],
        }
    )
