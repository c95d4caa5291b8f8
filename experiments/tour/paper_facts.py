"""The constants of the paper, as docs/api/paper.md lists them."""

from collections.abc import Mapping

import pandas as pd

from experiments.results import shows
from lenet1998 import paper


@shows()
def constants() -> pd.DataFrame:
    """Each constant with its value and where it stands in the paper."""
    names = [name for name in paper.PLACES if name.isupper()]
    return pd.DataFrame(
        {
            "name": [f"`{name}`" for name in names],
            "value": [_words(getattr(paper, name)) for name in names],
            "where": [paper.PLACES[name] for name in names],
        }
    )


def _words(value) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(one)}" for key, one in value.items())
    if isinstance(value, tuple):
        inner = [f"({_words(one)})" if isinstance(one, tuple) else _words(one) for one in value]
        return ", ".join(inner)
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"
