"""Networks for other programs: a program of ``torch.export``, or a file of ONNX."""

import copy
from importlib.util import find_spec
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, lenet5, within
from lenet1998.training.records import made_beside

__all__ = ["to_onnx", "to_program"]

NEEDED = ("onnx", "onnxscript")
"""Packages that torch needs to write ONNX, which the extra ``export`` brings."""


def to_program(model: LeNet5) -> ExportedProgram:
    """The network as a program of ``torch.export``.

    Shape:
        - its input: (N, in_channels, input_size, input_size), prepared as for the network; any N.
        - its output: (N, classes), with a blank class one more.

    Example::

        >>> program = to_program(lenet1998.load_pretrained("original"))
        >>> program.module()(torch.zeros(5, 1, 32, 32)).shape
        torch.Size([5, 10])
    """
    model = lenet5(model)
    example = _example(model)
    return torch.export.export(model, (example,), dynamic_shapes=({0: Dim("patterns")},))


def to_onnx(model: LeNet5, file: Path) -> None:
    """Write the network as an ONNX file, weights and all.

    Its input is called ``images``, its output ``distances`` or ``scores``; shapes are those of
    :func:`to_program`. C3's kernels are constants, with zeros where Table I has no connection.

    Raises:
        BadInput: what the extra ``export`` brings is not installed.
        OSError: the file cannot be written.
    """
    if lacking := [package for package in NEEDED if find_spec(package) is None]:
        raise BadInput(
            f"{', '.join(lacking)}: not installed, and needed to write ONNX; install"
            " lenet1998[export]"
        )
    model = lenet5(model)
    folded = copy.deepcopy(model)
    if model.switches["c3"] == "table":
        folded.c3 = within(folded.c3).as_conv2d()
    with made_beside(Path(file)) as made:
        torch.onnx.export(
            to_program(folded),
            f=str(made),
            input_names=["images"],
            output_names=["distances" if model.smallest_wins else "scores"],
            external_data=False,
            verbose=False,
        )


def _example(model: LeNet5) -> torch.Tensor:
    """Two images of zeros of the network's size, kind and device; one would be taken for all."""
    size, weight = model.switches["input_size"], next(model.parameters())
    channels = model.switches.get("in_channels", 1)
    return torch.zeros(2, channels, size, size, dtype=weight.dtype, device=weight.device)
