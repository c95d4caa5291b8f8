"""docs/why.md: pictures as people take them, and how many are read right."""

import pandas as pd

from experiments.results import PICTURES, shows


@shows(PICTURES)
def kinds(content: dict) -> pd.DataFrame:
    """Counts of the pictures of each kind that were kept apart."""
    rows = [
        {"picture": kind, "n": content["pictures"], **halves["kept apart"]}
        for kind, halves in content["kinds"].items()
    ]
    return pd.DataFrame(rows).rename(columns={"wrong": "misclassified"})
