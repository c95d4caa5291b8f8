"""Optimizer states of engines, checked as they come back from a checkpoint."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lenet1998.errors import BadInput
from lenet1998.models import outline


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping) -> None:
    """Give an optimizer back what it had learnt of its parameters.

    Its settings are the recipe's, and stay what they are whatever the state says.

    Args:
        optimizer: SDLM, SGD or Adam.
        state: as its ``state_dict`` gave it.

    Raises:
        BadInput: the state of another kind of optimizer or of other parameters, or no numbers.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    names = {
        "SDLM": {"curvature"},
        "SGD": {"momentum_buffer"} if optimizer.defaults.get("momentum") else set(),
        "Adam": {"step", "exp_avg", "exp_avg_sq"},
    }[type(optimizer).__name__]
    places = [place for place, p in enumerate(parameters) if names and p.requires_grad]
    kept = state.get("state")
    if not isinstance(kept, Mapping) or kept.keys() != set(places):
        raise BadInput("it keeps the state of another optimizer")
    for place, values in kept.items():
        if not isinstance(values, Mapping) or values.keys() != names:
            raise BadInput("it keeps the state of another optimizer")
        p = parameters[place]
        for name, value in values.items():
            check_tensor(name, value, () if name == "step" else p.shape, p.dtype)
            least = {"step": 1, "exp_avg_sq": 0, "curvature": 0}.get(name)
            if least is not None and bool((value < least).any()):
                raise BadInput(f"its {name} is below {least}")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": dict(kept), "param_groups": groups})


def check_tensor(name: str, value, shape: Sequence[int], dtype: torch.dtype) -> None:
    """Refuse what is not a tensor of this shape and type.

    Raises:
        BadInput: with the name; also where a value is no number.
    """
    asked = (tuple(shape), dtype, torch.strided, False)
    if not isinstance(value, Tensor) or outline(value) != asked:
        raise BadInput(f"its {name} is no tensor of {tuple(shape)} {dtype}")
    # Squares may have become infinite without any harm.
    if value.isnan().any() or ("exp_avg_sq" not in name and value.isinf().any()):
        raise BadInput(f"its {name} holds values that are no numbers")
