"""A recipe, a seed and a data set become a run record; many of them, a study."""

from lenet1998.training.evaluation import predict
from lenet1998.training.run import fit, fit_together

__all__ = ["fit", "fit_together", "predict"]
