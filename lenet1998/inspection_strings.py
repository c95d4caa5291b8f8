"""Read a line of digits with a trained net."""

import numpy as np
import torch
from torch import Tensor

from lenet1998.data.lines import Line
from lenet1998.data.patterns import scaled
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.pretrained import TrainedNet
from lenet1998.strings import Reading, column_of, of_length, penalties, read


@one_thread()
@torch.no_grad()
def read_field(
    net: TrainedNet, file: str, field: Tensor, length: int | None = None
) -> tuple[Reading, np.ndarray]:
    """Decode the replicated network's outputs; a digit on several contiguous ones counts once.

    Args:
        net: a network that reads strings.
        file: where the field is from, for a complaint.
        field: (1, H, W), prepared.
        length: how many digits there are, if that is known.

    Returns:
        The reading, and the penalties that it is made of, (T, 11).

    Raises:
        BadInput: the network's outputs are no numbers, or there is no place for so many digits.
    """
    outputs = net.model(field[None])[0].flatten(1)
    if not outputs.isfinite().all():
        raise BadInput(f"{file}: no answer, the outputs of {net.source} are no numbers")
    costs = penalties(net.recipe, outputs)
    try:
        return read(costs, None if length is None else of_length(length), repeats=True), costs
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None


def string_answer(net: TrainedNet, file: str, line: Line, length: int | None = None) -> dict:
    """Reading of a line of digits by the replicated network, as ``--json`` prints it.

    Raises:
        BadInput: as :func:`read_field`.
    """
    field = scaled(line.field, net.recipe.scaling)[None]
    reading, costs = read_field(net, file, field, length)
    characters = zip(reading.text, reading.positions, reading.penalties, strict=True)
    return {
        "file": file,
        "string": reading.text,
        "penalty": reading.penalty,
        "characters": [
            {"digit": int(digit), "column": column_of(net.recipe, position), "penalty": penalty}
            for digit, position, penalty in characters
        ],
        "outputs": len(costs),
        "width": line.field.shape[1],
        "ink": "black on white" if line.dark_ink else "white on black",
        "turned_degrees": line.degrees,
    }


def string_in_words(reading: dict) -> str:
    """The answer to a line of digits as a few lines for a reader."""
    name = reading["file"] if reading["file"].isprintable() else repr(reading["file"])
    places = "  ".join(
        f"{found['digit']} at {found['column']} ({found['penalty']:.3g})"
        for found in reading["characters"]
    )
    return (
        f"{name}: {reading['string'] or 'no digit'}\n"
        f"  digits      {places or 'none'}\n"
        f"  penalty     {reading['penalty']:.3g} on {reading['outputs']} outputs\n"
        f"  picture     {reading['ink']}, {reading['width']} columns,"
        f" turned by {reading['turned_degrees']:.1f} degrees"
    )
