"""MNIST and the embedded digits, their preparation, distortions, and digits on pictures."""

from lenet1998.data.load import DATASETS, load
from lenet1998.data.patterns import SCALINGS, Dataset, constant_order, prepare

__all__ = ["DATASETS", "SCALINGS", "Dataset", "constant_order", "load", "prepare"]
