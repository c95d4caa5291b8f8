"""Load a data set by name, from where it lies."""

import logging
import os
from pathlib import Path

from lenet1998.data.digits import read_digits
from lenet1998.data.mnist import Absent, read_mnist
from lenet1998.data.patterns import Dataset
from lenet1998.errors import BadInput
from lenet1998.recipes import DATASETS

logger = logging.getLogger(__name__)


def load(name: str = "auto", directory: str | os.PathLike | None = None) -> Dataset:
    """Load a data set.

    Args:
        name: "mnist": read from ``directory``, downloaded first if it is not there. "digits":
            scikit-learn's 1,797 digits, always at hand. "auto": MNIST, or, with a logged warning,
            the digits where MNIST is neither there nor to be had.
        directory: where ``MNIST/raw/`` is, torchvision's layout, files unzipped (default:
            ``$LENET1998_DATA``, else ``./data``).

    Raises:
        BadInput: if the name is unknown, a file is not the published one (under "auto" too: data
            that is there is never passed over in silence), or MNIST is asked for and not to be had.
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
        return read_mnist(directory / "MNIST" / "raw")
    except Absent as error:
        if name == "mnist":
            raise
        logger.warning("NOT MNIST but scikit-learn's 8x8 digits, because %s", error)
        return read_digits()
