"""Load a data set by name, from where it lies."""

import logging
import os
from pathlib import Path

import numpy as np

from lenet1998.data.mnist import Absent, read_mnist
from lenet1998.data.patterns import Dataset, constant_order, normalise
from lenet1998.errors import BadInput
from lenet1998.recipes import DATASETS

__all__ = ["load", "read_digits"]

logger = logging.getLogger(__name__)


def load(name: str = "auto", directory: str | os.PathLike | None = None) -> Dataset:
    """Load a data set.

    Args:
        name: "mnist": read from ``directory``, downloaded first if it is not there. "digits":
            scikit-learn's 1,797 digits, always at hand. "auto": MNIST, or, with a logged warning,
            the digits where MNIST is neither there nor to be had.
        directory: where ``MNIST/raw/`` is, torchvision's layout (default: ``$LENET1998_DATA``, else
            ``./data``). Gzipped files, other names and other folders near by are found, too.

    Raises:
        BadInput: if the name is unknown, a file is not the published one (under "auto" too: data
            that is there is never passed over in silence), or MNIST is asked for and not to be had.

    Example::

        >>> train, test = load("digits")
        >>> loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
    """
    if name not in DATASETS:
        raise BadInput(f"unknown dataset {name!r}: choose from {', '.join(DATASETS)}")
    if name == "digits":
        return read_digits()
    directory = Path(directory or os.environ.get("LENET1998_DATA") or "data")
    try:
        directory = directory.expanduser()
    except RuntimeError as error:  # no such user's home
        raise BadInput(f"cannot read {directory}: {error}") from None
    try:
        return read_mnist(directory)
    except Absent as error:
        if name == "mnist":
            raise
        logger.warning("NOT MNIST but scikit-learn's 8x8 digits, because %s", error)
        return read_digits()


DIGITS_TEST_SIZE = 500
DIGITS_SPLIT_SEED = 1998  # not to be used for a run on them: its order would be the split's


def read_digits() -> Dataset:
    """scikit-learn's digits, normalised as MNIST is; the test set is DIGITS_TEST_SIZE of them."""
    from sklearn.datasets import load_digits  # slow to import, and MNIST does without

    source = load_digits()
    # load_digits counts ink from 0 to 16. The rounding to 6 places makes exact halves of what sums
    # leave beside them.
    levels = np.stack([normalise(image) for image in source.images]) * 255 / 16
    images = np.rint(np.rint(levels * 1e6) / 1e6).astype(np.uint8)
    labels = source.target.astype(np.int64)
    order = constant_order(len(images), DIGITS_SPLIT_SEED)
    test, train = order[:DIGITS_TEST_SIZE], order[DIGITS_TEST_SIZE:]
    parts = images[train], labels[train], images[test], labels[test]
    return Dataset("digits", *parts)
