"""README and the docs' home: section III-B in three rows."""

from collections.abc import Sequence

import pandas as pd

from experiments.distortions.tables import PUBLISHED_GAIN, Gain
from experiments.published.tables import claims
from experiments.results import DISTORTIONS, ORIGINAL, shows
from lenet1998.report.tables import spread
from lenet1998.training.records import RunRecord


@shows(ORIGINAL, DISTORTIONS)
def section_3b(plain: Sequence[RunRecord], distorted: Sequence[RunRecord]) -> pd.DataFrame:
    """Both errors and the gain by distortions: ours, the paper's, the verdict."""
    rows = [
        (f"{claim.what}, %", spread([run.last[claim.key] for run in plain]), claim)
        for claim in claims()[:2]
    ]
    both = ([run.last["test_error_percent"] for run in runs] for runs in (plain, distorted))
    gain = Gain(*both)
    return pd.DataFrame(
        [(what, ours, f"{claim.value:g}", claim.verdict(plain)) for what, ours, claim in rows]
        + [
            (
                "fall of the test error by distorted patterns, points",
                gain.of_means,
                f"{PUBLISHED_GAIN:.2f}",
                gain.verdict,
            )
        ],
        columns=["section III-B", "ours", "the paper", "verdict"],
    )
