"""Trained networks, however they are named: a variant, a run's folder, or a file of weights."""

import json
from dataclasses import dataclass
from enum import Enum
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save
from torch import Tensor

from lenet1998 import errors, paper
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, build_model, lenet5
from lenet1998.recipes import RECIPES, Recipe, recipe_named, recorded
from lenet1998.training.records import WEIGHTS, RunRecord, has_record, read_record, write_atomically
from lenet1998.weights import load_weights, read_weights

if TYPE_CHECKING:
    from lenet1998.transforms import Prepare

__all__ = ["TrainedNet", "Weights", "load_net", "load_pretrained", "save_weights"]


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


def load_net(name: str, variant: str | None = None) -> TrainedNet:
    """The network that a name stands for.

    Args:
        name: a run's folder (``runs/original/seed-0``), a ``.safetensors`` file that a run or
            :func:`save_weights` wrote, or a variant whose weights come with the package.
        variant: of a file that does not name its recipe.

    Raises:
        BadInput: nothing of the sort, a corrupt file, or the weights of another network.
    """
    path = Path(name)
    if path.is_dir():
        return _of_run(path)
    if path.is_file():
        recipe = _recipe_in(path, variant)
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
    model = build_model(recipe, classes=record.dataset.get("classes", paper.CLASSES))
    return TrainedNet(recipe, load_weights(model, weights), str(folder), record)


def _recipe_in(file: Path, variant: str | None = None) -> Recipe:
    """The recipe that travels with the weights a run wrote, or else the variant's."""
    _, metadata = read_weights(file)
    if "recipe" not in metadata:
        if variant is not None:
            return recipe_named(variant)
        raise BadInput(
            f"{file}: was not written by a run of lenet1998 (it names no recipe); name its variant"
        )
    recipe = errors.parse_text(metadata["recipe"], file)
    errors.check(recipe, errors.RECIPE, file)
    return recorded(recipe, file)


class Weights(Enum):
    """The weights that come with the package, each a run of seed 0 on MNIST.

    As torchvision has them: ``meta``, ``transforms()`` and ``get_state_dict()``, and ``DEFAULT``.

    Example::

        >>> weights = Weights.ORIGINAL
        >>> weights.meta["test_errors"], weights.meta["n"]
        (97, 10000)
        >>> images = weights.transforms()(lenet1998.data.load("digits").test_images[8:10])
        >>> lenet1998.load_pretrained(weights).predict(images)
        tensor([3, 7])
    """

    ORIGINAL = "original"
    ORIGINAL_LOGISTIC = "original-logistic"
    DISTORTIONS = "distortions"
    NOISE = "noise"
    MODERN = "modern"
    STRINGS = "strings"
    FEATURES_1998 = "1998-features"
    DEFAULT = "original"

    @property
    def meta(self) -> dict[str, Any]:
        """Facts of the weights, from their file.

        ``recipe`` (its switches), ``num_params``, ``categories`` (a name for each label),
        ``min_size``; ``accuracy`` in percent, ``test_errors`` and ``n``, the patterns they are of;
        ``seed``, ``dataset``, ``dataset_sha256`` and ``commit`` of the run.
        """
        with as_file(_file(self.value)) as file:
            state, told = read_weights(file)
        recipe, n, errors = (json.loads(told[key]) for key in ("recipe", *_COUNTS))
        blank = [] if recipe["blank"] == "none" else ["blank"]
        return {
            "recipe": recipe,
            "num_params": sum(tensor.numel() for tensor in state.values())
            - (state["output.codes"].numel() if "output.codes" in state else 0),
            "categories": [*map(str, range(paper.CLASSES)), *blank],
            "min_size": (recipe["input_size"], recipe["input_size"]),
            "accuracy": 100 * (n - errors) / n,
            "test_errors": errors,
            "n": n,
            "seed": int(told["seed"]),
            **{key: told[key] for key in ("dataset", "dataset_sha256", "commit")},
        }

    def transforms(self) -> "Prepare":
        """A module that makes the network's images of pictures and arrays."""
        from lenet1998.transforms import Prepare

        recipe = RECIPES[self.value]
        return Prepare(size=recipe.input_size, scaling=recipe.scaling)

    def get_state_dict(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return load_pretrained(self).state_dict()


_COUNTS = ("test_patterns", "test_errors")


def _file(variant: str) -> Traversable:
    return files("lenet1998") / "weights" / f"{variant}.safetensors"


def load_pretrained(variant: str | Weights = "original") -> LeNet5:
    """The network of a named variant as it was trained on MNIST with seed 0.

    The weights are those of a committed run: which, and what it misclassifies, the file says in its
    metadata. docs/pretrained.md has a card of each.

    Args:
        variant: its name, or a member of :class:`Weights`.

    Raises:
        BadInput: no such variant, or one whose weights do not come with the package.
    """
    name = variant.value if isinstance(variant, Weights) else variant
    recipe = recipe_named(name)
    if not _file(name).is_file():
        raise BadInput(
            f"{name}: its weights do not come with lenet1998; train it with"
            f" python -m lenet1998.reproduce --variant {name}"
        )
    with as_file(_file(name)) as file:
        return load_weights(build_model(recipe), file)


def save_weights(model: LeNet5, file: str | PathLike[str]) -> None:
    """Write a network's state dict as a safetensors file that carries its switches.

    ``python -m lenet1998.predict --variant VARIANT --weights FILE`` reads with it, and
    :func:`load_net` loads it. A file of that name is replaced once the new one is whole.
    """
    model = lenet5(model)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    write_atomically(Path(file), save(state, {"switches": json.dumps(model.switches)}))
