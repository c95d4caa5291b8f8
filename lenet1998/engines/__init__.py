"""How a recipe is executed.

Every engine has a ``name`` and a ``model`` that it trains in place; ``begin_pass(eta, curvature)``;
``train(images, labels)``, which learns patterns in the order given and returns the sum of their
losses and the number misread on the fly; ``state_dict()`` and ``load_state_dict(state)``.
:mod:`~lenet1998.engines.eager` is the reference that the others must equal.
"""

import logging

from lenet1998.engines import compiled
from lenet1998.engines.eager import EagerEngine
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe

logger = logging.getLogger(__name__)

ENGINES = ("auto", "eager", "compiled", "cuda")


def create(name: str, recipe: Recipe, model: LeNet5):
    """The engine to train a model with.

    ``auto`` and ``compiled`` go on with eager, and say so in one line, where the loops cannot be
    compiled.

    Raises:
        BadInput: no such engine, or one that cannot run here.
    """
    if name not in ENGINES:
        raise BadInput(f"--engine {name}: must be one of {', '.join(ENGINES)}")
    if name == "cuda":
        raise BadInput("the cuda engine trains many runs together: see training.fit_together")
    on_cpu = next(model.parameters()).device.type == "cpu"
    if name != "eager" and on_cpu:
        try:
            return compiled.CompiledEngine(recipe, model)
        except compiled.CompilerUnavailable as error:
            logger.warning("the compiled engine cannot run (%s): going on with eager", error)
    return EagerEngine(recipe, model)
