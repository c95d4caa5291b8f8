"""States of every layer for one image, and a network's kernels."""

import numpy as np
import torch
from torch import Tensor

from lenet1998.models import LeNet5
from lenet1998.modules import MappedConv2d


@torch.no_grad()
def layer_states(model: LeNet5, image: Tensor) -> dict[str, np.ndarray]:
    """The outputs of all layers, squashed, from the image to the output.

    Args:
        model: any variant, on the image's device.
        image: (1, H, W), prepared.

    Returns:
        ``image`` (H, W); ``c1``, ``s2``, ``c3`` and ``s4``, each (maps, side, side); ``c5`` (120,),
        ``f6`` (84,) and ``output`` (classes,). Of a wider field, which has T outputs, the maps are
        wider and the last three (units, T).
    """
    seen: list[Tensor] = []
    # One squashing module serves C1, C3, C5 and F6, so it is met four times on the way.
    modules = (model.squash, model.s2, model.s4, model.output)
    handles = [
        module.register_forward_hook(lambda _module, _inputs, state: seen.append(state))
        for module in modules
    ]
    try:
        model(image[None])
    finally:
        for handle in handles:
            handle.remove()
    names = ("c1", "s2", "c3", "s4", "c5", "f6", "output")
    seen[-1] = seen[-1].movedim(-1, 1)  # at more than one position the output is asked for rows
    found = {"image": image, **dict(zip(names, seen, strict=True))}
    return {name: state.squeeze().cpu().numpy() for name, state in found.items()}


@torch.no_grad()
def kernels(model: LeNet5) -> tuple[np.ndarray, np.ndarray]:
    """C1's kernels (6, 5, 5), and C3's (16, 6, 5, 5) by its maps and the S2 maps they see.

    nan fills the places of pairs that Table I leaves unconnected.
    """
    c3 = model.c3.weight
    if isinstance(model.c3, MappedConv2d):
        connected = model.c3.dense(torch.ones_like(c3)).bool()
        c3 = torch.where(connected, model.c3.dense(c3), torch.nan)
    return model.c1.weight[:, 0].cpu().numpy(), c3.cpu().numpy()
