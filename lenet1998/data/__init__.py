"""MNIST and the embedded digits, their preparation, distortions, and digits on pictures."""

from lenet1998.data.load import load
from lenet1998.data.patterns import Dataset, constant_order, prepare
from lenet1998.recipes import DATASETS, SCALINGS

__all__ = ["DATASETS", "SCALINGS", "Dataset", "constant_order", "load", "prepare"]
