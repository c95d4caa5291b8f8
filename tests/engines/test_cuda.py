"""The CUDA engine against the eager one: in Numba's simulator, or on a GPU where there is one.

The simulator must be chosen before numba is imported, so this file also runs as a script in a
process of its own, which prints what it found as JSON.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch

from lenet1998.data import load
from lenet1998.engines.cuda import kernel as cuda_kernel
from lenet1998.engines.cuda.engine import CudaEngine, available, unavailable, unsupported
from lenet1998.engines.eager import EagerEngine
from lenet1998.engines.evaluation import predict
from lenet1998.models import build_model
from lenet1998.recipes import NETWORK_SWITCHES, ORIGINAL, Recipe, recipe_named
from lenet1998.training.run import fit, fit_together
from lenet1998.training.schedule import Schedule

SGD = {"optimizer": "sgd", "eta": 0.01}
LINEAR = {"output": "linear", "loss": "cross_entropy"}

# Switches, runs and patterns for each; together they name every value that the engine knows.
CASES = {
    "original": ({}, 2, 2),
    "28, dense, half distance, tanh, logistic, sum, one-hot codes, sgd by fan-in": (
        {
            "input_size": 28,
            "c3": "dense",
            "loss": "distance",
            "squash": "tanh",
            "subsampling_squash": "logistic",
            "pooling": "trainable",
            "codes": "one_hot",
            "rates": "fan_in",
            **SGD,
        },
        1,
        1,
    ),
    "28, linear, relu, none, average, momentum": (
        {
            "input_size": 28,
            "squash": "relu",
            "subsampling_squash": "none",
            "pooling": "average",
            "momentum": 0.9,
            **LINEAR,
            **SGD,
        },
        1,
        3,
    ),
    "28, discriminative, logistic, trainable average": (
        {
            "input_size": 28,
            "half_distance": False,
            "rubbish_j": 50.0,
            "squash": "logistic",
            "pooling": "trainable_average",
        },
        1,
        1,
    ),
    "32, dense, whole distance, max, none, random codes, rates by layer": (
        {
            "c3": "dense",
            "loss": "distance",
            "half_distance": False,
            "pooling": "max",
            "subsampling_squash": "none",
            "codes": "random",
            "rates": "layer",
        },
        2,
        1,
    ),
}
REFUSED = {("blank", "space")}
ORIGINAL_AT_28 = {"input_size": 28}
ETA = {"sdlm": 5e-4, "sgd": 0.01}
EPSILON = float(np.finfo(np.float32).eps)


def material(recipe: Recipe, runs: int, patterns: int) -> SimpleNamespace:
    """A pool twice as large as needed, an order for each run, and a curvature for each."""
    generator = torch.Generator().manual_seed(1998)
    size, pool = recipe.input_size, 2 * patterns
    ink = torch.rand(pool, 1, size, size, generator=generator)
    return SimpleNamespace(
        images=torch.where(ink > 0.7, ink, -0.1),
        labels=torch.randint(0, 10, (pool,), generator=generator),
        order=np.stack(
            [np.random.default_rng(run).permutation(pool)[:patterns] for run in range(runs)]
        ),
        models=[build_model(recipe, seed) for seed in range(runs)],
        curvatures=[
            {name: torch.rand(p.shape, generator=generator) for name, p in model.named_parameters()}
            for model in [build_model(recipe)] * runs
        ],
        eta=ETA[recipe.optimizer],
    )


class ThreadInTurn(threading.Thread):
    """A simulated CUDA thread, which runs when told to, up to its next barrier."""

    def __init__(self, function, args, block: int, index: int):
        super().__init__(target=function, args=args, daemon=True)
        self.blockIdx, self.threadIdx = SimpleNamespace(x=block), SimpleNamespace(x=index)
        self.barriers, self.place, self.error = 0, None, None
        self.turn, self.over = threading.Semaphore(0), threading.Semaphore(0)
        self.start()

    def run(self):
        self.turn.acquire()
        try:
            super().run()
        except Exception as error:
            self.error = error
        self.place = None
        self.over.release()

    def syncthreads(self):
        caller = sys._getframe(2)  # beyond cuda.syncthreads
        self.place = f"{caller.f_code.co_name}, line {caller.f_lineno}"
        self.barriers += 1
        self.over.release()
        self.turn.acquire()

    def advance(self) -> str | None:
        """Let it run; return the barrier that it has come to, or None at its end."""
        self.turn.release()
        self.over.acquire()
        if self.error:
            raise self.error
        return self.place


class BlockInTurn:
    """A block whose threads run one after another, each up to its next barrier, in a fixed order.

    The simulator's own manager lets all of them run and polls them. Whenever one waits for a lock,
    the polling can keep the interpreter for 5 ms: the same work takes seconds or minutes by chance.
    """

    step = 1  # -1: the last thread first

    def __init__(self, function, grid_dim, block_dim, debug):
        self.function, self.indices = function, range(block_dim[0])[:: self.step]

    def run(self, block, *args):
        threads = [ThreadInTurn(self.function, args, block[0], index) for index in self.indices]
        place = "start"
        while place:
            place, *others = {thread.advance() for thread in threads}
            assert not others, f"some threads are at {place}, others at {others}"


def trained(recipe: Recipe, given: SimpleNamespace, threads: int):
    engine = CudaEngine(recipe, given.models, threads)
    engine.begin_pass(given.eta, given.curvatures)
    learnt = engine.train(given.images, given.labels, given.order)
    engine.end_pass()
    return learnt


def eager(recipe: Recipe, given: SimpleNamespace, run: int, dtype=torch.float32):
    model = build_model(recipe, run).to(dtype)
    engine = EagerEngine(recipe, model)
    engine.begin_pass(given.eta, [given.curvatures[run]])
    (loss,), (wrong,) = engine.train(
        given.images.to(dtype), given.labels, given.order[run : run + 1]
    )
    return model, float(loss), int(wrong)


def deviation(model, reference, start) -> float:
    """The largest difference in a tensor, in units of what is allowed: 1e-5 of the largest change
    of the tensor's values, and two units in the last place of the largest value."""
    worst = 0.0
    for name, expected in reference.named_parameters():
        change = (expected - start.get_parameter(name)).abs().max().item()
        allowed = 1e-5 * change + 2 * EPSILON * expected.abs().max().item()
        found = (model.get_parameter(name) - expected).abs().max().item() if change else 0.0
        worst = max(worst, found / allowed)
    return worst


def against_eager(switches: dict, runs: int, patterns: int, threads: int) -> dict:
    recipe = Recipe(**switches)
    given = material(recipe, runs, patterns)
    losses, errors = trained(recipe, given, threads)
    references = [eager(recipe, given, run) for run in range(runs)]
    return {
        "deviation": max(
            deviation(model, reference, build_model(recipe, run))
            for run, (model, (reference, _, _)) in enumerate(
                zip(given.models, references, strict=True)
            )
        ),
        "losses": losses.tolist(),
        "errors": errors.tolist(),
        "eager": [[loss for _, loss, _ in references], [wrong for _, _, wrong in references]],
    }


def same_for_any_threads() -> bool:
    """One pattern by 3 threads, and by 32 of which the last runs first: the same bytes."""
    results = []
    for threads, step in ((3, 1), (32, -1)):
        given = material(ORIGINAL, 1, 1)
        with mock.patch.object(BlockInTurn, "step", step):
            trained(ORIGINAL, given, threads)
        results.append([p.detach().numpy().tobytes() for p in given.models[0].parameters()])
    return results[0] == results[1]


def resumed_equals_uninterrupted() -> bool:
    """Two patterns by two engines, the second continuing from the first's state: velocities too."""
    recipe = Recipe(**CASES["28, linear, relu, none, average, momentum"][0])
    once, twice = material(recipe, 1, 2), material(recipe, 1, 2)
    trained(recipe, once, 4)
    states = None
    for pattern in range(2):
        engine = CudaEngine(recipe, twice.models, 4)
        if states:
            engine.load_state_dicts(states)
        engine.begin_pass(twice.eta, None)
        engine.train(twice.images, twice.labels, twice.order[:, pattern : pattern + 1])
        engine.end_pass()
        states = engine.state_dicts()
    pairs = zip(once.models[0].parameters(), twice.models[0].parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def conflicts(switches: dict) -> list[str]:
    """Where two threads meet in a cell of shared memory between two barriers, one of them writing.

    Shared memory starts as nan, so that reading what was never written shows in the parameters.
    """
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    touched, found = {}, set()

    class Watched:
        def __init__(self, shape, dtype):
            self.cells = np.full(shape, np.nan, dtype)

        def note(self, k, writes):
            thread = threading.current_thread()
            seen = touched.setdefault((id(self), int(k)), [thread.barriers, set(), set()])
            if seen[0] != thread.barriers:
                seen[:] = [thread.barriers, set(), set()]
            seen[1 + writes].add(thread.threadIdx.x)
            if seen[2] and len(seen[1] | seen[2]) > 1:
                caller = sys._getframe(2)
                found.add(f"{caller.f_code.co_name}, line {caller.f_lineno}")

        def __getitem__(self, k):
            self.note(k, False)
            return self.cells[k]

        def __setitem__(self, k, value):
            self.note(k, True)
            self.cells[k] = value

    def shared_array(self, shape, dtype, alignment=None):
        # The simulator's own arrays, too, are told apart by the line they are made in.
        line = sys._getframe(1).f_lineno
        return self._allocations.setdefault(line, Watched(shape, dtype))

    with mock.patch.object(FakeCUDAShared, "array", shared_array):
        recipe = Recipe(**switches)
        given = material(recipe, 1, 2)
        trained(recipe, given, 16)
    if not all(torch.isfinite(p).all() for p in given.models[0].parameters()):
        found.add("a cell was read that had never been written")
    assert touched
    return sorted(found)


def refusals() -> list[str]:
    """What wrong calls are told."""
    given = material(ORIGINAL, 1, 1)
    engine = CudaEngine(ORIGINAL, given.models, 4)
    told = []
    for call in (
        lambda: CudaEngine(recipe_named("modern"), given.models),
        lambda: CudaEngine(ORIGINAL, []),
        lambda: CudaEngine(ORIGINAL, [build_model(Recipe(c3="dense"))]),
        lambda: CudaEngine(ORIGINAL, [build_model(ORIGINAL).double()]),
        lambda: engine.train(given.images, given.labels, given.order),
        lambda: engine.begin_pass(given.eta, None),
        lambda: engine.begin_pass(given.eta, given.curvatures),
        lambda: engine.train(given.images[..., :28], given.labels, given.order),
        lambda: engine.train(given.images, given.labels, given.order + 2),
        lambda: engine.train(given.images, given.labels, given.order[0]),
    ):
        try:
            call()
        except (ValueError, RuntimeError) as error:
            told.append(str(error))
        else:
            told.append("nothing")
    return told


def main() -> None:
    from numba.cuda.simulator import kernel

    torch.set_num_threads(1)
    with (
        mock.patch.object(kernel, "BlockManager", BlockInTurn),
        # Plain functions will do, and a quarter of the time is saved: the simulator would look at
        # each call for the module that it has already replaced for the kernel.
        mock.patch.object(cuda_kernel, "_device", lambda function: function),
    ):
        found = {name: against_eager(*case, threads=5) for name, case in CASES.items()}
        found["any threads"] = same_for_any_threads()
        found["conflicts"] = conflicts(ORIGINAL_AT_28)
        found["resumed"] = resumed_equals_uninterrupted()
        found["refusals"] = refusals()
    print(json.dumps(found))


in_the_simulator = pytest.mark.slow
"""Of a process in which every CUDA thread is one of Python's."""


@pytest.fixture(scope="module")
def simulated() -> dict:
    pytest.importorskip("numba.cuda")
    run = subprocess.run(
        [sys.executable, str(Path(__file__).resolve())],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@in_the_simulator
@pytest.mark.parametrize("name", CASES)
def test_simulated_runs_equal_eager_ones(simulated, name):
    found = simulated[name]
    losses, errors = found["eager"]
    assert found["deviation"] <= 1
    assert found["losses"] == pytest.approx(losses, rel=1e-6)
    assert found["errors"] == errors


@in_the_simulator
def test_the_number_of_threads_changes_nothing(simulated):
    assert simulated["any threads"]


@in_the_simulator
def test_no_barrier_is_missing(simulated):
    assert simulated["conflicts"] == []


@in_the_simulator
def test_resumed_equals_uninterrupted(simulated):
    assert simulated["resumed"]


@in_the_simulator
def test_wrong_calls_are_refused(simulated):
    expected = (
        "batch_size=128",
        "need models",
        "recipe's network",
        "in float32",
        "begin_pass",
        "one curvature for each run",
        "nothing",
        r"images must be \(2, 1, 32, 32\)",
        "index the pool of 2",
        r"order must be \(1, N\)",
    )
    for told, pattern in zip(simulated["refusals"], expected, strict=True):
        assert re.search(pattern, told)


def test_every_switch_value_is_covered():
    recipes = [Recipe(**switches) for switches, _, _ in CASES.values()]
    for key, values in NETWORK_SWITCHES.items():
        covered = {value for value in values if (key, value) not in REFUSED}
        assert {getattr(recipe, key) for recipe in recipes} == covered
    losses = {(recipe.loss, recipe.half_distance) for recipe in recipes}
    assert {loss for loss, _ in losses} == {"distance", "discriminative", "cross_entropy"}
    assert {("distance", True), ("discriminative", True)} < losses


def test_unsupported_recipes_are_named():
    assert unsupported(ORIGINAL) is None
    assert "batch_size=128" in unsupported(recipe_named("modern"))
    assert "adam" in unsupported(Recipe(optimizer="adam", eta=0.001))
    assert "features=1998" in unsupported(recipe_named("1998-features"))
    for key, value in REFUSED:
        assert f"{key}={value}" in unsupported(Recipe(**{key: value}))


@pytest.mark.skipif(available(), reason="this machine has CUDA")
def test_without_cuda_it_says_why():
    assert available() is False
    assert re.search("GPU|numba-cuda", unavailable())
    with pytest.raises(RuntimeError, match=re.escape(unavailable())):
        CudaEngine(ORIGINAL, [build_model(ORIGINAL)])


def assembly(recipe: Recipe, threads: int, monkeypatch) -> str:
    """The kernel compiled to PTX for compute capability 9.0, which needs NVVM but no GPU."""
    pytest.importorskip("numba_cuda")  # what comes with numba itself cannot without a GPU
    compiler = pytest.importorskip("numba.cuda")
    dispatcher = pytest.importorskip("numba.cuda.dispatcher")
    types = pytest.importorskip("numba").types
    nvvm = pytest.importorskip("numba.cuda.cudadrv.nvvm")
    if not nvvm.is_available():
        pytest.skip("NVVM is not installed")
    # Device functions are compiled for the current GPU, so there has to be one.
    pretended = SimpleNamespace(compute_capability=(9, 0))
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: pretended)
    layout = tuple((name, p.numel()) for name, p in build_model(recipe).named_parameters())
    switches = tuple((key, getattr(recipe, key)) for key in cuda_kernel.SWITCHES)
    kernel = cuda_kernel.build.__wrapped__(switches, layout, threads)
    table, numbers = types.float32[:, ::1], types.int64[::1]
    signature = (table, numbers, types.int64[:, ::1], table, table)
    signature += (types.UniTuple(types.float32, 7), table, types.float64[::1], numbers)
    return compiler.compile_ptx(kernel.py_func, signature, cc=(9, 0))[0]


@pytest.mark.parametrize("name", list(CASES)[:3])  # one for each kind of update
def test_compiles_into_registers_and_static_shared_memory(name, monkeypatch):
    ptx = assembly(Recipe(**CASES[name][0]), 512, monkeypatch)
    shared = [int(size) for size in re.findall(r"\.shared .*\[(\d+)\];", ptx)]
    assert len(shared) == 9
    assert sum(shared) <= 48 * 1024
    assert "__local_depot" not in ptx  # local arrays became registers
    assert not re.search(r"\bcall\b", ptx)  # every stage was inlined, so that its sizes are known
    # Only the sum of the losses is float64.
    assert len(re.findall(r"(?:add|mul|fma|div|sub)\.(?:rn\.)?f64", ptx)) <= 2


@pytest.mark.skipif(not available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("name", CASES)
def test_gpu_equals_eager(name):
    found = against_eager(*CASES[name], threads=512)
    losses, errors = found["eager"]
    assert found["deviation"] <= 2  # tanh and exp are another library's
    assert found["losses"] == pytest.approx(losses, rel=1e-5)
    assert found["errors"] == errors


@pytest.mark.skipif(not available(), reason="needs a CUDA GPU")
def test_a_gpu_gives_the_same_bytes_again_and_for_any_company():
    recipe, data = ORIGINAL.changed(passes=2), load("digits")
    once = fit_together(recipe, [0, 1], data)
    for seeds in ([0, 1], [1, 4, 0]):
        for run in fit_together(recipe, seeds, data):
            if run.seed in (0, 1):
                for name, values in once[run.seed].weights.items():
                    assert np.array_equal(run.weights[name], values)


@pytest.mark.skipif(not available(), reason="needs a CUDA GPU")
def test_a_gpu_measures_as_a_cpu_does():
    recipe, data = ORIGINAL.changed(passes=1), load("digits")
    (record,) = fit_together(recipe, [0], data)
    model = build_model(recipe)
    model.load_state_dict({name: torch.from_numpy(x) for name, x in record.weights.items()})
    schedule = Schedule(recipe, 0, data)
    assert np.array_equal(record.predictions, predict(model, schedule.test_images))
    cpu = fit(recipe, 0, data)
    rates = [(run.per_pass[0]["rate_min"], run.per_pass[0]["rate_max"]) for run in (record, cpu)]
    assert rates[0] == pytest.approx(rates[1], rel=1e-5)


@pytest.mark.skipif(not available(), reason="needs a CUDA GPU")
def test_many_runs_on_a_gpu_stay_as_near_to_float64_as_eager_ones():
    given = material(ORIGINAL, 128, 300)
    trained(ORIGINAL, given, 512)  # compiles
    given = material(ORIGINAL, 128, 300)
    begun = time.perf_counter()
    trained(ORIGINAL, given, 512)
    print(f"{128 * 300 / (time.perf_counter() - begun):,.0f} patterns/s, transfers included")
    for run in (0, 127):
        exact, _, _ = eager(ORIGINAL, given, run, torch.float64)
        rounded, _, _ = eager(ORIGINAL, given, run)
        for name, p in exact.named_parameters():
            allowed = 4 * (rounded.get_parameter(name) - p).abs().max().item() + 1e-6
            assert (given.models[run].get_parameter(name) - p).abs().max().item() <= allowed


if __name__ == "__main__":
    main()
