"""docs/claims.md: what the paper says of LeNet-5 and its method, each statement with a verdict.

:mod:`~experiments.claims.ledger` says what a row is,
:mod:`~experiments.claims.verdicts` has docs/protocol.md's rules; the statements stand in one
module a subject, each with the function that finds its number and its verdict in the results.
"""

import pandas as pd

from experiments.claims import curvature, errors, layers, outputs, recognition, training
from experiments.claims.ledger import Evidence, by_page
from experiments.claims.verdicts import VERDICTS
from experiments.results import shows

CLAIMS = by_page(
    claim
    for subject in (layers, outputs, errors, training, curvature, recognition)
    for claim in subject.CLAIMS
)
"""All of them, in the order of the paper's pages."""


@shows(Evidence)
def table(evidence: Evidence) -> pd.DataFrame:
    """One row per statement."""
    rows = []
    for claim in CLAIMS:
        found = claim.found(evidence)
        rows.append(
            {
                "page": claim.page,
                "section": claim.section,
                "the paper says": claim.words,
                "tested by": claim.test,
                "ours": found.ours,
                "verdict": f"**{found.verdict}**",
                "command": f"`{claim.command}`",
            }
        )
    return pd.DataFrame(rows)


@shows(Evidence)
def summary(evidence: Evidence) -> pd.DataFrame:
    """Number of statements with each verdict that occurs."""
    given = [claim.found(evidence).verdict for claim in CLAIMS]
    found = [verdict for verdict in VERDICTS if verdict in given]
    counts = [given.count(verdict) for verdict in found]
    return pd.DataFrame({"verdict": [*found, "all"], "statements": [*counts, len(given)]})
