"""docs/reliability.md: what a hostile day found."""

import pandas as pd

from experiments.results import FAULTS, shows


@shows(FAULTS)
def runs(result: dict) -> pd.DataFrame:
    """Runs that were stopped, and what came of resuming them."""
    return pd.DataFrame(
        [
            {
                "what was done to it": name,
                "tried": f"{told['tried']:,}",
                "stopped by it": f"{told['stopped']:,}",
                "the same bytes in the end": f"{told['identical']:,}",
                "faults": len(told["failures"]),
            }
            for name, told in result["runs"].items()
        ]
    )


@shows(FAULTS)
def files(result: dict) -> pd.DataFrame:
    """Damaged files, and how many got past their reader."""
    kinds = result["files"]
    rows = {
        name: (told["accepted"], told["refused"], len(told["escaped"]))
        for name, told in kinds.items()
    }
    rows["all"] = tuple(map(sum, zip(*rows.values(), strict=True)))
    return pd.DataFrame(
        [
            {
                "kind of file": name,
                "damaged": f"{sum(counts):,}",
                "accepted": f"{counts[0]:,}",
                "refused in one line": f"{counts[1]:,}",
                "anything else": counts[2],
            }
            for name, counts in rows.items()
        ]
    )


@shows(FAULTS)
def flags(result: dict) -> pd.DataFrame:
    """Command lines with a value that a flag cannot have."""
    rows = {name: (told["cases"], len(told["failures"])) for name, told in result["flags"].items()}
    rows["all"] = tuple(map(sum, zip(*rows.values(), strict=True)))
    return pd.DataFrame(
        [
            {
                "command": name,
                "command lines": f"{cases:,}",
                "one line and exit status 2": f"{cases - failures:,}",
                "anything else": failures,
            }
            for name, (cases, failures) in rows.items()
        ]
    )
