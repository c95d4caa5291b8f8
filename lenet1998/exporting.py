"""Networks for other programs: as ``torch.export`` programs and as ONNX files.

Both take any number of images of the network's own size and give what
:meth:`~lenet1998.models.LeNet5.forward` does: squared distances, of which the smallest wins, or
scores, of which the largest does. Which of the two, the output's name in an ONNX file says.

Example::

    >>> program = to_program(lenet1998.load_pretrained("original"))
    >>> program.module()(torch.zeros(3, 1, 32, 32)).shape
    torch.Size([3, 10])
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from lenet1998.errors import BadInput
from lenet1998.models import LeNet5

NEEDED = ("onnx", "onnxscript")
"""What torch needs to write ONNX, and the extra ``export`` brings."""


def to_program(model: LeNet5) -> ExportedProgram:
    """The network as a program of ``torch.export``.

    Shape:
        - its input: (N, 1, input_size, input_size), prepared as for the network; any N.
        - its output: (N, 10), (N, 11) with a blank class.
    """
    example = _example(model)
    return torch.export.export(model, (example,), dynamic_shapes=({0: Dim("patterns")},))


def to_onnx(model: LeNet5, file: Path) -> None:
    """Write the network as an ONNX file, weights and all.

    Its input is called ``images``, its output ``distances`` or ``scores``; shapes are those of
    :func:`to_program`.

    Raises:
        BadInput: what the extra ``export`` brings is not installed.
        OSError: the file cannot be written.
    """
    if lacking := [package for package in NEEDED if find_spec(package) is None]:
        raise BadInput(
            f"{', '.join(lacking)}: not installed, and needed to write ONNX; install"
            " lenet1998[export]"
        )
    torch.onnx.export(
        to_program(model),
        f=str(file),
        input_names=["images"],
        output_names=["distances" if model.smallest_wins else "scores"],
        external_data=False,
        verbose=False,
    )


def _example(model: LeNet5) -> torch.Tensor:
    """Two images of zeros of the network's size, kind and device; one would be taken for all."""
    size, weight = model.switches["input_size"], model.c1.weight
    return torch.zeros(2, 1, size, size, dtype=weight.dtype, device=weight.device)
