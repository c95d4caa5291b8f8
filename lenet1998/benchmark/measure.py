"""The engines side by side in one process."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numba import njit

from lenet1998.benchmark.tables import benchmark as table
from lenet1998.counts import count
from lenet1998.data import Dataset, load, prepare
from lenet1998.engines import Engine, evaluation
from lenet1998.engines.compiled import engine as compiled_engine
from lenet1998.engines.compiled import network
from lenet1998.engines.compiled.vectors import LANES, microkernel
from lenet1998.engines.cuda import engine as cuda_engine
from lenet1998.engines.eager import EagerEngine
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, build_model
from lenet1998.recipes import ORIGINAL, Recipe
from lenet1998.training import environment
from lenet1998.training.locks import claimed, replacing
from lenet1998.training.records import write_json
from lenet1998.training.schedule import Schedule

FILE = "benchmark.json"
JIT = """
import time, torch
from lenet1998.models import build_model
from lenet1998.engines.compiled.engine import CompiledEngine
from lenet1998.recipes import ORIGINAL
model = build_model(ORIGINAL)
begun = time.perf_counter()
CompiledEngine(ORIGINAL, model)
print(time.perf_counter() - begun)
"""
# Between us and the command stands a process of little memory: what a process takes at most begins
# with what the one took that forked it.
CHILD = """
import json, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    import resource
except ImportError:  # on Windows, where nothing of Python's tells
    print("null")
else:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit]))
"""


class Trainer:
    """An engine with its own network in the middle of a first pass, ready for more patterns."""

    def __init__(
        self, engine: Callable[[Recipe, LeNet5], Engine], recipe: Recipe, schedule: Schedule
    ):
        model = build_model(recipe)
        self.engine = engine(recipe, model)
        images, labels = schedule.take(schedule.curvature_indices(1), 1)
        self.engine.begin_pass(
            recipe.learning_rate(1), [self.engine.curvature(model, images, labels)]
        )

    def microseconds(self, images, labels) -> tuple[float, float]:
        """Wall and CPU time per pattern."""
        wall, cpu = time.perf_counter(), time.thread_time()
        self.engine.train(images, labels)
        per_pattern = 1e6 / len(labels)
        return (
            (time.perf_counter() - wall) * per_pattern,
            (time.thread_time() - cpu) * per_pattern,
        )


def side_by_side(schedule: Schedule, rounds: int) -> list[dict]:
    """Eager and compiled, in alternating rounds; compiled learns ten times the patterns."""
    contest = {
        "eager": (Trainer(EagerEngine, ORIGINAL, schedule), 200),
        "compiled": (Trainer(compiled_engine.CompiledEngine, ORIGINAL, schedule), 2000),
    }
    times: dict[str, list] = {name: [] for name in contest}
    for turn in range(rounds + 1):
        for name, (trainer, patterns) in contest.items():
            took = trainer.microseconds(*schedule.take(schedule.indices(1)[:patterns], 1))
            if turn:  # the first round warms up
                times[name].append(took)
    rows = []
    for name, taken in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*taken, strict=True))
        ratio = statistics.median(
            mine[1] / theirs[1] for mine, theirs in zip(times["eager"], taken, strict=True)
        )
        rows.append(
            {
                "engine": name,
                "wall_us": wall,
                "cpu_us": cpu,
                "fastest_cpu_us": min(cpu for _, cpu in taken),
                "times_eager": ratio,
            }
        )
    return rows


def reading(schedule: Schedule, rounds: int) -> dict:
    """CPU time to label a test pattern, by the network itself and by the compiled loops.

    In alternating rounds; their labels are the same.
    """
    model, images = build_model(ORIGINAL), schedule.test_images[:5000]
    contest = {
        "eager_us": lambda: model.predict(images, evaluation.BATCH),
        "compiled_us": lambda: evaluation.predict(model, images),
    }
    times: dict[str, list[float]] = {name: [] for name in contest}
    for turn in range(rounds + 1):
        for name, read in contest.items():
            begun = time.thread_time()
            read()
            if turn:  # the first round warms up
                times[name].append((time.thread_time() - begun) * 1e6 / len(images))
    ratios = [eager / compiled for eager, compiled in zip(*times.values(), strict=True)]
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {**medians, "times_eager": statistics.median(ratios)}


def two_at_once(schedule: Schedule, rounds: int) -> float:
    """Wall time of the slower of two runs in two threads over that of one alone, the median."""
    trainers = [Trainer(compiled_engine.CompiledEngine, ORIGINAL, schedule) for _ in range(2)]
    patterns = schedule.take(schedule.indices(1)[:20_000], 1)
    ratios = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            alone = trainers[0].microseconds(*patterns)[0]
            together = pool.map(lambda trainer: trainer.microseconds(*patterns)[0], trainers)
            ratios.append(max(together) / alone)
    return statistics.median(ratios)


def compile_seconds() -> tuple[float, float]:
    """Seconds to have compiled loops in a new process: with an empty disk cache, and a filled."""
    with tempfile.TemporaryDirectory() as cache:
        call = [sys.executable, "-c", JIT]
        variables = {**os.environ, "NUMBA_CACHE_DIR": cache}
        first, again = (
            float(subprocess.run(call, env=variables, check=True, capture_output=True).stdout)
            for _ in range(2)
        )
    return first, again


def multiply_accumulates_per_microsecond() -> float:
    """Peak float32 rate of this core: independent multiply-adds held in registers."""
    from lenet1998.benchmark.measure import multiply_adds

    state = np.full(512, 0.5, np.float32)
    best = 0.0
    # Each a fraction of a millisecond: some fall between what else a shared machine does.
    for _ in range(2_000):
        begun = time.perf_counter()
        done = multiply_adds(state, 200)
        best = max(best, done / (time.perf_counter() - begun) / 1e6)
    return best


def multiply_accumulates_of_an_update(recipe: Recipe) -> int:
    """Least number of multiply-accumulates to learn one pattern.

    Each layer's to read a pattern, once more for the gradient of its parameters if it has any, and
    once more for that of its inputs, but in C1, whose input is the image.
    """
    first, *others = count(build_model(recipe)).layers
    return 2 * first.multiply_accumulates + sum(
        (2 + (layer.parameters > 0)) * layer.multiply_accumulates for layer in others
    )


def gpu(dataset: Dataset, runs: int = 128, patterns: int = 2000) -> dict | None:
    """Many runs on a CUDA device, if there is one that Numba can use."""
    if not cuda_engine.available():
        return None
    schedules = [Schedule(ORIGINAL, seed, dataset) for seed in range(runs)]
    models = [build_model(ORIGINAL, seed).to("cuda") for seed in range(runs)]
    engine = cuda_engine.CudaEngine(ORIGINAL, models)
    pool = prepare(dataset.train_images).to("cuda"), torch.from_numpy(dataset.train_labels).cuda()
    flat = {name: torch.ones_like(p) for name, p in models[0].named_parameters()}
    engine.begin_pass(ORIGINAL.learning_rate(1), [flat] * runs)
    order = np.stack([schedule.indices(1)[:patterns] for schedule in schedules])
    engine.train(*pool, order[:, :10])  # compiles
    begun = time.perf_counter()
    engine.train(*pool, order)
    seconds = time.perf_counter() - begun
    return {
        "device": torch.cuda.get_device_name(),
        "runs": runs,
        "patterns_per_second": runs * patterns / seconds,
    }


def whole_run(data: Path | None) -> dict:
    """The command for the 1998 recipe from end to end: evaluation after each pass, and figures."""
    with tempfile.TemporaryDirectory() as out:
        where = ["--data", str(data)] if data else []
        command = [
            sys.executable,
            "-m",
            "lenet1998.reproduce",
            *where,
            "--out",
            f"{out}/run",
        ]
        call = [sys.executable, "-c", CHILD, *command]
        begun = time.perf_counter()
        told = subprocess.run(call, check=True, capture_output=True).stdout
        wall = time.perf_counter() - begun
    cpu, peak = json.loads(told) or (None, None)
    return {
        "passes": ORIGINAL.passes,
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_memory_gb": peak and peak / 2**30,
    }


@one_thread()
def run(flags: Namespace) -> int:
    """Measure, print the table, and write it with the machine beside it.

    Raises:
        BadInput: there is but one engine here.
    """
    if reason := network.unavailable():
        raise BadInput(f"nothing to compare: {reason}")
    dataset = load("auto", flags.data)
    with claimed(flags.out), replacing(flags.out, [FILE], "a benchmark", flags.overwrite):
        result = measure(flags, dataset)
        write_json(flags.out / FILE, result)
    print(table(result).to_string(index=False))
    print(f"\nwritten to {flags.out / FILE}")
    return 0


def measure(flags: Namespace, dataset: Dataset) -> dict:
    """All that ``benchmark.json`` holds."""
    schedule = Schedule(ORIGINAL, 0, dataset)
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    first, again = compile_seconds()
    peak = multiply_accumulates_per_microsecond()
    work = multiply_accumulates_of_an_update(ORIGINAL)
    machine = environment.describe("all", torch.device("cpu"))
    machine["arithmetic"] = network.ARITHMETIC
    return {
        "engines": side_by_side(schedule, flags.rounds),
        "reading": reading(schedule, flags.rounds),
        "rounds": flags.rounds,
        "multiply_accumulates": work,
        "peak_multiply_accumulates_per_us": peak,
        "floor_us": work / peak,
        "compile_first_s": first,
        "compile_again_s": again,
        "two_at_once": two_at_once(schedule, flags.rounds) if os.cpu_count() > 1 else None,
        "whole_run": whole_run(flags.data) if flags.full else None,
        "gpu": gpu(dataset),
        "dataset": dataset.name,
        "load_average": load_average,
        "environment": machine,
    }


CHAINS, LENGTH = 8, 64
"""Independent chains, enough to hide an addition's latency, and multiply-adds in each."""


@microkernel(2)
def _chains(v, state, factors):
    totals = [v.load(state, LANES * i) for i in range(CHAINS)]
    a, b = v.load(factors, 0), v.load(factors, LANES)
    for _ in range(LENGTH):
        totals = [v.multiply_add(total, a, b) for total in totals]
    for i, total in enumerate(totals):
        v.store(total, state, LANES * i)


_run = _chains()


@njit(nogil=True)
def multiply_adds(state, repeats):
    """Run the chains ``repeats`` times over ``state``, (>= 160,); how many were done."""
    for _ in range(repeats):
        _run(state, 0, state, CHAINS * LANES)
    return repeats * CHAINS * LENGTH * LANES
