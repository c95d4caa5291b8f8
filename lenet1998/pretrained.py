"""Trained networks, however they are named: a variant, a run's folder, or a file of weights."""

from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from lenet1998 import errors
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, build_model, load_weights, read_weights
from lenet1998.recipes import RECIPES, Recipe, recipe_named, recorded
from lenet1998.training.records import (
    WEIGHTS,
    RunRecord,
    has_record,
    made_beside,
    read_record,
)


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A trained network, its recipe, and the record of the run that made it, if it is there.

    Attributes:
        source: what it was read from, for a reader.
    """

    recipe: Recipe
    model: LeNet5
    source: str
    record: RunRecord | None = None


def load_net(name: str) -> TrainedNet:
    """The network that a name stands for.

    Args:
        name: a run's folder (``runs/original/seed-0``), a ``.safetensors`` file that a run wrote,
            or a variant whose weights come with the package.

    Raises:
        BadInput: nothing of the sort, a corrupt file, or the weights of another network.
    """
    path = Path(name)
    if path.is_dir():
        return _of_run(path)
    if path.is_file():
        recipe = _recipe_in(path)
        return TrainedNet(recipe, load_weights(build_model(recipe), path), name)
    if name in RECIPES:
        return TrainedNet(
            RECIPES[name], load_pretrained(name), f"{name} as it comes with lenet1998"
        )
    raise BadInput(
        f"{name}: no run's folder, no file of weights, and no variant ({', '.join(RECIPES)})"
    )


def _of_run(folder: Path) -> TrainedNet:
    if not has_record(folder):
        raise BadInput(f"{folder}: no run's folder (it has no record.json)")
    record = read_record(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise BadInput(f"{weights}: is missing; without weights there is no network to show")
    recipe = recorded(record.recipe, folder)
    if _recipe_in(weights) != recipe:
        raise BadInput(f"{weights}: the weights of another run than the one recorded beside them")
    return TrainedNet(recipe, load_weights(build_model(recipe), weights), str(folder), record)


def _recipe_in(file: Path) -> Recipe:
    """The recipe that travels with the weights a run wrote."""
    _, metadata = read_weights(file)
    if "recipe" not in metadata:
        raise BadInput(f"{file}: was not written by a run of lenet1998 (it names no recipe)")
    recipe = errors.parse_text(metadata["recipe"], file)
    errors.check(recipe, errors.RECIPE, file)
    return recorded(recipe, file)


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
    with made_beside(Path(file)) as made:
        torch.onnx.export(
            to_program(model),
            f=str(made),
            input_names=["images"],
            output_names=["distances" if model.smallest_wins else "scores"],
            external_data=False,
            verbose=False,
        )


def _example(model: LeNet5) -> torch.Tensor:
    """Two images of zeros of the network's size, kind and device; one would be taken for all."""
    size, weight = model.switches["input_size"], model.c1.weight
    return torch.zeros(2, 1, size, size, dtype=weight.dtype, device=weight.device)


def _packaged(recipe: Recipe, weights: str) -> LeNet5:
    """A recipe's network with the weights of a file of the package."""
    with as_file(files("lenet1998") / "weights" / weights) as file:
        return load_weights(build_model(recipe), file)


def load_pretrained(variant: str = "original") -> LeNet5:
    """The network of a named variant as it was trained on MNIST with seed 0.

    The weights are those of a committed run: which, and what it misreads, the file says in its
    metadata. docs/pretrained.md has a card of each.

    Raises:
        BadInput: no such variant, or one whose weights do not come with the package.
    """
    recipe = recipe_named(variant)
    weights = f"{variant}.safetensors"
    if not (files("lenet1998") / "weights" / weights).is_file():
        raise BadInput(
            f"{variant}: its weights do not come with lenet1998; train it with"
            f" python -m lenet1998.reproduce --variant {variant}"
        )
    return _packaged(recipe, weights)
