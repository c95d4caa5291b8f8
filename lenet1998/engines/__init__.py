"""Execute a recipe: engines keep to :class:`~lenet1998.engines.protocol.Engine`.

:mod:`~lenet1998.engines.eager` is the reference that the others must equal;
:mod:`~lenet1998.engines.compiled.engine` does the same in compiled loops, and
:mod:`~lenet1998.engines.cuda.engine` for many runs at once on a GPU.
"""

import logging
from collections.abc import Sequence

from lenet1998.engines.compiled import engine as compiled_engine
from lenet1998.engines.compiled import network
from lenet1998.engines.eager import EagerEngine
from lenet1998.engines.protocol import Engine
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.recipes import ENGINES, Recipe

logger = logging.getLogger(__name__)

DEVICES = {"compiled": "cpu", "cuda": "cuda"}
"""The kind of device that an engine needs; eager runs on any."""


def check(name: str, recipe: Recipe) -> None:
    """Refuse an engine before anything is prepared for it.

    Raises:
        BadInput: no such engine, or one that is not here or does not cover the recipe.
    """
    if name not in ENGINES:
        raise BadInput(f"{name}: must be one of {', '.join(ENGINES)}", "engine")
    if name == "compiled" and (reason := network.unavailable()):
        raise BadInput(f"compiled: cannot run here ({reason}); use auto", "engine")
    if name != "cuda":
        return
    from lenet1998.engines.cuda import engine as cuda_engine  # most runs do without

    if reason := cuda_engine.unavailable() or cuda_engine.unsupported(recipe):
        raise BadInput(f"cuda: {reason}; use auto", "engine")
    if recipe.makes_patterns:
        raise BadInput(
            "cuda: runs with distortions, noise or flanks share no patterns; use auto", "engine"
        )


def create(name: str, recipe: Recipe, models: Sequence[LeNet5]) -> Engine:
    """The engine to train models with, on their device: cuda any number, the others one.

    ``auto`` is compiled on the CPU, elsewhere eager. Where the loops cannot be compiled, ``auto``
    goes on with eager, and says so in one line.

    Raises:
        BadInput: no such engine, or one that cannot run here.
        ValueError: more models than the engine trains at once.
    """
    check(name, recipe)
    device = next(models[0].parameters()).device.type
    if (needed := DEVICES.get(name, device)) != device:
        raise BadInput(f"{name}: runs with device {needed}, not with {device}", "engine")
    if name == "cuda":
        from lenet1998.engines.cuda import engine as cuda_engine

        return cuda_engine.CudaEngine(recipe, models)
    if len(models) != 1:
        raise ValueError(f"engine {name} trains one model at a time, got {len(models)}")
    (model,) = models
    if name != "eager" and device == "cpu":
        try:
            return compiled_engine.CompiledEngine(recipe, model)
        except network.CompilerUnavailable as error:
            if name == "compiled":
                raise BadInput(
                    f"compiled: cannot run here ({error}); use auto", "engine"
                ) from error
            logger.warning("the compiled engine cannot run (%s): going on with eager", error)
    return EagerEngine(recipe, model)
