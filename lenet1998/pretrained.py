"""Trained networks, however they are named: a variant, a run's folder, or a file of weights."""

from dataclasses import dataclass
from pathlib import Path

from lenet1998 import schema
from lenet1998.building import build_model, load_pretrained
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, load_weights, read_weights
from lenet1998.recipes import RECIPES, Recipe, recorded
from lenet1998.training.records import WEIGHTS, RunRecord, has_record, read_record


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
    recipe = schema.parse_text(metadata["recipe"], file)
    schema.check(recipe, schema.RECIPE, file)
    return recorded(recipe, file)
