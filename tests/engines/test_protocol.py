"""Every engine keeps to the one protocol, and is refused where it cannot run."""

import inspect

import numpy as np
import pytest
import torch

from lenet1998 import engines
from lenet1998.engines.compiled.engine import CompiledEngine
from lenet1998.engines.cuda import engine as cuda_engine
from lenet1998.engines.cuda.engine import CudaEngine
from lenet1998.engines.eager import EagerEngine
from lenet1998.engines.protocol import Engine
from lenet1998.errors import BadInput
from lenet1998.models import build_model
from lenet1998.recipes import ORIGINAL

CALLS = [name for name in vars(Engine) if not name.startswith("_")]


@pytest.mark.parametrize("engine", [EagerEngine, CompiledEngine, CudaEngine])
def test_every_engine_is_called_as_the_protocol_says(engine):
    assert len(CALLS) == 6
    assert engine.name in engines.ENGINES
    for call in CALLS:
        ours, theirs = (inspect.signature(getattr(of, call)) for of in (engine, Engine))
        assert ours == theirs, call


@pytest.mark.parametrize("engine", [EagerEngine, CompiledEngine])
def test_a_pass_in_an_order_is_the_pass_of_the_ordered_patterns(engine):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(6, 1, 32, 32, generator=generator)
    labels, order = torch.arange(6), np.array([[4, 0, 4, 5]])
    trained, given = [], ORIGINAL.override(["optimizer=sgd", "eta=0.001"])
    for pool in ((images, labels, order), (images[order[0]], labels[order[0]])):
        worker = engine(given, build_model(given))
        assert isinstance(worker, Engine)
        worker.begin_pass(given.eta, None)
        losses, errors = worker.train(*pool)
        worker.end_pass()
        assert (losses.shape, losses.dtype) == ((1,), np.float64)
        assert (errors.shape, errors.dtype) == ((1,), np.int64)
        (model,) = worker.models
        trained.append(b"".join(p.detach().numpy().tobytes() for p in model.parameters()))
    assert trained[0] == trained[1]


@pytest.mark.parametrize("name", ["eager", "compiled", "auto"])
def test_only_cuda_trains_many_models(name):
    models = [build_model(ORIGINAL, seed) for seed in (0, 1)]
    with pytest.raises(ValueError, match="one model at a time, got 2"):
        engines.create(name, ORIGINAL, models)
    assert isinstance(engines.create(name, ORIGINAL, models[:1]), Engine)


@pytest.mark.parametrize(
    ("name", "device", "needed"), [("compiled", "meta", "cpu"), ("cuda", "cpu", "cuda")]
)
def test_an_engine_asked_for_by_name_is_not_replaced(name, device, needed, monkeypatch):
    monkeypatch.setattr(cuda_engine, "unavailable", lambda: None)
    models = [build_model(ORIGINAL).to(device)]
    message = f"^engine {name}: runs with device {needed}, not with {device}$"
    with pytest.raises(BadInput, match=message):
        engines.create(name, ORIGINAL, models)


def test_auto_is_eager_where_the_loops_do_not_run():
    model = build_model(ORIGINAL)
    assert engines.create("auto", ORIGINAL, [model]).name == "compiled"
    assert engines.create("auto", ORIGINAL, [model.to("meta")]).name == "eager"
