"""docs/claims.md: what the paper says of LeNet-5 and its method, each statement with a verdict.

:mod:`~experiments.claims.ledger` says what a row is and makes the tables,
:mod:`~experiments.claims.verdicts` has docs/protocol.md's rules; the statements stand in one
module a subject, each with the function that finds its number and its verdict in the results.
"""

from experiments.claims import curvature, errors, layers, outputs, recognition, training
from experiments.claims.ledger import by_page

CLAIMS = by_page(
    claim
    for subject in (layers, outputs, errors, training, curvature, recognition)
    for claim in subject.CLAIMS
)
"""All of them, in the order of the paper's pages."""
