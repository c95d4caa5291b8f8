"""The compiled engine against eager autograd in float64, for every value of every switch."""

import copy
import importlib.util
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import torch
from numba.core import caching

import lenet1998.engines.compiled as compiled_package
from lenet1998 import paper
from lenet1998.data import load, prepare
from lenet1998.engines.compiled import network
from lenet1998.engines.compiled import whole_pass as kernels
from lenet1998.engines.compiled.engine import CompiledEngine
from lenet1998.engines.compiled.network import CompilerUnavailable, Network
from lenet1998.engines.eager import EagerEngine
from lenet1998.models import build_model
from lenet1998.recipes import NETWORK_SWITCHES, ORIGINAL, RECIPES
from lenet1998.training.run import fit

SOFTMAX = {"output": "linear", "loss": "cross_entropy"}
SGD = {"optimizer": "sgd", "eta": 0.0002}
CHANGES = [
    {},
    *(
        {key: value}
        for key, (_, *values) in NETWORK_SWITCHES.items()
        for value in values
        if key != "output"
    ),
    SOFTMAX,
    {**SOFTMAX, "blank": "space"},
    {"half_distance": False},
    {"loss": "distance"},
    {"loss": "distance", "half_distance": False},
    {"rubbish_j": 60.0, "eta": 1e-4},
    {"pooling": "max", "subsampling_squash": "none", "squash": "relu", "input_size": 28},
]
WAYS = [
    SGD,
    {**SGD, "momentum": 0.9},
    {"mu": 0.1},
    {"mu_subsampling": 0.5, "mu_f6": 0.005},
    {**SGD, "eta": 0.02, "momentum": 0.5, "rates": "fan_in"},
    {"batch_size": 32},
    {**SGD, "momentum": 0.9, "batch_size": 32},
    {"optimizer": "adam", "eta": 0.001, "batch_size": 32},
    {"optimizer": "adam", "eta": 0.0002},
]
MODERN = RECIPES["modern"].changed(batch_size=1, eta=0.001)


FEATURES = {"features": "1998"}


def name(changes: dict) -> str:
    return ",".join(f"{key}={value}" for key, value in changes.items()) or "original"


def recipes(*others: dict) -> list:
    return [
        *(pytest.param(ORIGINAL.changed(**c), id=name(c)) for c in (*CHANGES, *others)),
        pytest.param(MODERN, id="modern, pattern by pattern"),
        pytest.param(RECIPES["modern"], id="modern"),
    ]


@pytest.fixture
def patterns(digits):
    def prepared(recipe, first: int, count: int):
        part = slice(first, first + count)
        images = prepare(digits.train_images[part], recipe.input_size, recipe.scaling)
        labels = torch.tensor(digits.train_labels[part])
        if recipe.blank != "none":
            labels[::5] = paper.CLASSES
        return images, labels

    return prepared


def begin(engine, curvature=None):
    engine.begin_pass(engine.recipe.learning_rate(1), [curvature])
    return engine


def digest(model) -> str:
    """All of a network's bytes in short."""
    state = model.state_dict().values()
    return sha256(b"".join(values.numpy().tobytes() for values in state)).hexdigest()


def flat_curvature(model) -> dict:
    return {name: torch.full_like(p, 0.5) for name, p in model.named_parameters()}


@pytest.mark.parametrize("recipe", recipes())
def test_gradients_equal_autograd_in_float64(recipe, patterns):
    recipe = recipe.changed(optimizer="sgd", momentum=0.5, eta=1e-6, batch_size=4)
    model = build_model(recipe, seed=8)
    exact = copy.deepcopy(model).double()
    engine = begin(CompiledEngine(recipe, model))
    images, labels = patterns(recipe, 0, 3)
    engine.train(images, labels)
    recipe.build_criterion()(exact(images.double()), labels).backward()
    (state,) = engine.state_dicts()
    for name, p in exact.named_parameters():
        # From rest, the velocity is the gradient.
        found = state["velocity"][name].double()
        torch.testing.assert_close(found, p.grad, rtol=0, atol=5e-6 * p.grad.abs().max().item())


@pytest.mark.parametrize("recipe", recipes())
def test_steps_taken_on_the_way_are_those_of_gathered_gradients(recipe, patterns):
    taken = []
    for momentum in (0.0, 1e-30):  # which leaves the velocity what the gradient is
        way = recipe.changed(optimizer="sgd", momentum=momentum, eta=0.01, batch_size=1)
        engine = begin(CompiledEngine(way, build_model(way, seed=8)))
        engine.train(*patterns(way, 0, 1))
        engine.end_pass()
        taken.append(digest(engine.models[0]))
    assert taken[0] == taken[1]


@pytest.mark.parametrize(
    "recipe", recipes(*WAYS, *({**FEATURES, **way} for way in ({}, *WAYS[3:6])))
)
def test_after_300_updates_as_close_to_float64_as_eager_is(recipe, patterns):
    # With seed 2 no float32 run meets a kink (of relu, or two equal maxima) from the wrong side.
    start = build_model(recipe, seed=2)
    curvature = None
    if recipe.optimizer == "sdlm":
        images, labels = patterns(recipe, 500, 100)
        curvature = EagerEngine(recipe, start).curvature(start, images, labels)
    images, labels = patterns(recipe, 0, 300)
    exact, eager, loops = (
        begin(engine(recipe, model), curvature)
        for engine, model in (
            (EagerEngine, copy.deepcopy(start).double()),
            (EagerEngine, copy.deepcopy(start)),
            (CompiledEngine, start),
        )
    )
    exact_loss, exact_errors = exact.train(images.double(), labels)
    eager.train(images, labels)
    parts = [loops.train(*part) for part in zip(images.split(128), labels.split(128), strict=True)]
    loops.end_pass()
    assert sum(errors for _, errors in parts) == exact_errors
    assert sum(loss for loss, _ in parts) == pytest.approx(exact_loss, rel=1e-5)
    final = [dict(engine.models[0].named_parameters()) for engine in (exact, eager, loops)]
    for name, p in final[0].items():
        off_eager, off_loops = ((model[name] - p).abs().max().item() for model in final[1:])
        # Where eager happens to be lucky, one rounding of a state of order 1 is no fault.
        assert off_loops <= 2 * off_eager + torch.finfo(torch.float32).eps, name


@pytest.mark.parametrize("engine", [EagerEngine, CompiledEngine])
@pytest.mark.parametrize("way", [{}, *WAYS], ids=name)
def test_frozen_layers_stay_and_the_others_learn(engine, way, patterns):
    recipe = ORIGINAL.changed(**FEATURES, **way)
    trained = begin(engine(recipe, build_model(recipe)), flat_curvature(build_model(recipe)))
    trained.train(*patterns(recipe, 0, 64))
    trained.end_pass()
    for layer, start in build_model(recipe).named_parameters():
        now = trained.models[0].get_parameter(layer)
        assert torch.equal(now, start) != start.requires_grad, layer
    again = engine(recipe, build_model(recipe))
    again.load_state_dicts(trained.state_dicts())


def test_one_compilation_serves_every_recipe(patterns):
    for changes in (CHANGES[0], *CHANGES[-4:], *WAYS):
        CompiledEngine(ORIGINAL.changed(**changes), build_model(ORIGINAL.changed(**changes)))
    assert len(kernels.PASS.train.signatures) == 1


def test_the_next_process_does_not_compile():
    code = (
        "from lenet1998.engines.compiled import engine as compiled, whole_pass as kernels\n"
        "from lenet1998.models import build_model\n"
        "from lenet1998.recipes import ORIGINAL\n"
        "compiled.CompiledEngine(ORIGINAL, build_model(ORIGINAL))\n"
        "assert kernels.PASS.train.stats.cache_hits and not kernels.PASS.train.stats.cache_misses"
    )
    CompiledEngine(ORIGINAL, build_model(ORIGINAL))
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_process_that_compiles_learns_what_the_next_one_learns(tmp_path):
    code = (
        "import torch\n"
        "from lenet1998.data import load, prepare\n"
        "from lenet1998.engines.compiled import engine as compiled, whole_pass as kernels\n"
        "from lenet1998.models import build_model\n"
        "from lenet1998.recipes import ORIGINAL\n"
        "data, model = load('digits'), build_model(ORIGINAL)\n"
        "engine = compiled.CompiledEngine(ORIGINAL, model)\n"
        "half = {name: torch.full_like(p, 0.5) for name, p in model.named_parameters()}\n"
        "engine.begin_pass(5e-4, [half])\n"
        "labels = torch.from_numpy(data.train_labels[:200])\n"
        "loss, _ = engine.train(prepare(data.train_images[:200]), labels)\n"
        "engine.end_pass()\n"
        "print(len(kernels.PASS.train.stats.cache_hits), repr(loss), model.f6.weight.sum().item())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]
    (first, second), told = [run.stdout.split() for run in runs], [run.stderr for run in runs]
    assert (first[0], second[0]) == ("0", "1")  # compiled, and read from disk
    assert first[1:] == second[1:]
    assert told == ["compiling the loops for this processor: some seconds, once\n", ""]


def test_a_processor_without_fused_multiply_adds_goes_on_with_eager(tmp_path):
    code = (
        "import logging\n"
        "from lenet1998 import engines\n"
        "from lenet1998.models import build_model\n"
        "from lenet1998.recipes import ORIGINAL\n"
        "print(engines.create('auto', ORIGINAL, [build_model(ORIGINAL)]).name)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "eager\n"
    assert run.stderr == (
        "the compiled engine cannot run (this processor has no fused multiply-add):"
        " going on with eager\n"
    )


def test_two_threads_give_the_bytes_of_one(patterns):
    images, labels = patterns(ORIGINAL, 0, 400)

    def run(seed):
        model = build_model(ORIGINAL, seed)
        engine = begin(CompiledEngine(ORIGINAL, model), flat_curvature(model))
        engine.train(images, labels)
        engine.end_pass()
        return digest(model)

    alone = [run(seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(run, (1, 2))) == alone


@pytest.mark.parametrize("changes", WAYS[1:], ids=name)
def test_an_engine_goes_on_where_another_was_kept(changes, patterns):
    recipe = ORIGINAL.changed(**changes)
    images, labels = patterns(recipe, 0, 60)
    model = build_model(recipe)
    curvature = flat_curvature(model)
    second = CompiledEngine(recipe, copy.deepcopy(model))
    whole = begin(CompiledEngine(recipe, copy.deepcopy(model)), curvature)
    whole.train(images, labels)
    whole.end_pass()
    first = begin(CompiledEngine(recipe, model), curvature)
    first.train(images[:32], labels[:32])
    first.end_pass()
    second.models[0].load_state_dict(model.state_dict())
    second.load_state_dicts(copy.deepcopy(first.state_dicts()))
    begin(second, curvature).train(images[32:], labels[32:])
    second.end_pass()
    assert digest(whole.models[0]) == digest(second.models[0])


@pytest.mark.parametrize("changes", CHANGES, ids=name)
def test_nan_is_not_hidden(changes, patterns):
    recipe = ORIGINAL.changed(**changes)
    model = build_model(recipe)
    engine = begin(CompiledEngine(recipe, model), flat_curvature(model))
    images, labels = patterns(recipe, 0, 2)
    images[1, 0, 9, 9] = torch.nan
    loss, _ = engine.train(images, labels)
    assert loss != loss


def test_an_engine_is_sound_again_after_nan(patterns):
    images, labels = patterns(ORIGINAL, 0, 20)
    fresh = build_model(ORIGINAL)
    used = copy.deepcopy(fresh)
    engine = begin(CompiledEngine(ORIGINAL, used), flat_curvature(used))
    engine.train(torch.full_like(images, torch.nan), labels)
    used.load_state_dict(fresh.state_dict())
    other = CompiledEngine(ORIGINAL, fresh)
    for again in (begin(engine, flat_curvature(used)), begin(other, flat_curvature(fresh))):
        again.train(images, labels)
        again.end_pass()
    assert digest(used) == digest(fresh)


@pytest.mark.slow
def test_without_a_cache_directory_it_compiles_in_memory(monkeypatch, patterns, caplog):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(kernels, "PASS", kernels.Pass())
    assert "compiled anew in every process" in caplog.text
    engine = CompiledEngine(ORIGINAL, build_model(ORIGINAL))
    begin(engine, flat_curvature(engine.models[0]))
    loss, errors = engine.train(*patterns(ORIGINAL, 0, 5))
    assert loss > 0
    assert 0 <= errors <= 5


class Broken:
    """A compiled function whose cache, or whose compiler, fails."""

    def __init__(self, error: Exception):
        self.error = error

    def __call__(self, *arguments):
        raise self.error


def test_a_full_disk_only_costs_the_cache(monkeypatch, caplog):
    working = kernels.PASS.train
    monkeypatch.setattr(kernels, "njit", lambda **options: lambda python: working)
    monkeypatch.setattr(kernels, "PASS", copy.copy(kernels.PASS))
    kernels.PASS.train = Broken(OSError("No space left on device"))
    CompiledEngine(ORIGINAL, build_model(ORIGINAL))
    assert kernels.PASS.train is working
    assert "No space left on device" in caplog.text


def test_no_compiler_is_an_error_of_its_own(monkeypatch):
    broken = Broken(RuntimeError("LLVM is ill\nand more"))
    monkeypatch.setattr(kernels, "njit", lambda **options: lambda python: broken)
    monkeypatch.setattr(kernels, "PASS", copy.copy(kernels.PASS))
    kernels.PASS.train = broken
    with pytest.raises(CompilerUnavailable, match=r"cannot compile here \(LLVM is ill\)$"):
        CompiledEngine(ORIGINAL, build_model(ORIGINAL))


def test_without_numba_the_module_still_imports(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    loops = "whole_pass", "layers", "losses", "updates", "switches", "blocks", "memory", "vectors"
    for module in loops:
        monkeypatch.delitem(sys.modules, f"lenet1998.engines.compiled.{module}")
        monkeypatch.delattr(compiled_package, module)
    spec = importlib.util.spec_from_file_location("without_numba", network.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "Numba cannot be imported" in module.unavailable()
    with pytest.raises(module.CompilerUnavailable, match="Numba cannot be imported"):
        module.check_available()
    monkeypatch.setattr(network, "unavailable", module.unavailable)
    for made in (
        lambda: CompiledEngine(ORIGINAL, build_model(ORIGINAL)),
        lambda: Network(build_model(MODERN)),
    ):
        with pytest.raises(CompilerUnavailable, match="Numba cannot be imported"):
            made()


def test_wrong_calls_raise(patterns):
    with pytest.raises(ValueError, match="float32 on the cpu"):
        CompiledEngine(ORIGINAL, build_model(ORIGINAL).double())
    with pytest.raises(ValueError, match="not this recipe's"):
        CompiledEngine(ORIGINAL, build_model(MODERN))
    engine = CompiledEngine(ORIGINAL, build_model(ORIGINAL))
    with pytest.raises(ValueError, match="needs a curvature"):
        engine.begin_pass(5e-4, None)
    images, labels = patterns(ORIGINAL, 0, 3)
    for wrong in (
        (images[..., :28, :28], labels),
        (images, labels[:2]),
        (images.double(), labels),
        (images, labels.int()),
        (images, labels + 10),
        (images, labels - 10),
    ):
        with pytest.raises(ValueError, match=r"expected|must be 0 to 9"):
            engine.train(*wrong)


@pytest.mark.slow
@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA")
def test_a_full_pass_of_mnist_ends_within_three_patterns_of_eager():
    # Of the first reading, whose smaller rates do not amplify the engines' rounding.
    recipe, data = ORIGINAL.changed(passes=1), load("mnist")
    eager, compiled = (fit(recipe, 0, data, engine=name) for name in ("eager", "compiled"))
    assert eager.environment["engine"] != compiled.environment["engine"]
    assert abs(eager.last["test_errors"] - compiled.last["test_errors"]) <= 3
    assert eager.last["loss"] == pytest.approx(compiled.last["loss"], rel=1e-4)
