"""A recipe, a seed and a data set give the same bytes on every machine that these tests run on.

``python tests/training/test_bytes_of_runs.py`` prints the digests that are committed in
bytes_of_runs.json. A change that changes one of them changes ``ARITHMETIC``, too.
"""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from llvmlite import binding

from lenet1998.data import load
from lenet1998.engines.compiled.network import ARITHMETIC
from lenet1998.errors import BadInput
from lenet1998.recipes import ORIGINAL, RECIPES, SWITCHES, Recipe
from lenet1998.training import fit

COMMITTED = Path(__file__).with_name("bytes_of_runs.json")
LINEAR = {"output": "linear", "loss": "cross_entropy"}
SGD, ADAM = {"optimizer": "sgd", "eta": 0.001}, {"optimizer": "adam", "eta": 0.001}
BLANK = {"blank": "space", "flanks": True}
NUMBERS = {
    "rubbish_j": 60.0,
    "initial_gain": 2.4,
    "initial_coefficient": 0.25,
    "eta": "stretched",
    "mu": 0.1,
    "mu_subsampling": 0.02,
    "mu_f6": 0.5,
    "curvature_patterns": 30,
    "batch_size": 7,
    "held_out": 100,
    "noise": 0.1,
}
WAYS = [
    {"output": "linear", "loss": "cross_entropy", "blank": "space"},
    {"loss": "distance", "half_distance": False, "f6_curvature": "gauss_newton"},
    {"loss": "discriminative", "f6_curvature": "gauss_newton", "half_distance": False},
    {**LINEAR, "pooling": "max", "squash": "relu", "subsampling_squash": "none", "c3": "dense"},
    {"pooling": "max", "input_size": 28},
    SGD,
    {**SGD, "momentum": 0.9},
    {**SGD, "rates": "fan_in", "schedule": "printed"},
    {**SGD, "momentum": 0.9, "batch_size": 32},
    {**SGD, "batch_size": 32},
    ADAM,
    {**ADAM, "batch_size": 32},
    {**BLANK, "blank_share": 0.3},
    {"features": "1998", **ADAM},
]


def recipes() -> dict[str, Recipe]:
    """Every variant on 2,000 patterns; every value of every switch, and ways to train, on 200."""
    found = {
        name: recipe.changed(train_size=1000, passes=2, held_out=min(recipe.held_out, 200))
        for name, recipe in RECIPES.items()
    }
    values = [
        {key: value}
        for key, switch in SWITCHES.items()
        for value in switch.metadata.get("values", [NUMBERS.get(key)])
        if value is not None and value != getattr(ORIGINAL, key)
    ]
    for changes in [*values, *WAYS]:
        needed = LINEAR if changes.get("output", changes.get("loss")) in LINEAR.values() else {}
        needed |= SGD if changes.get("optimizer", changes.get("rates")) in ("sgd", "fan_in") else {}
        needed |= ADAM if changes.get("optimizer") == "adam" else {}
        needed |= {"eta": 0.001} if "schedule" in changes else {}
        recipe = ORIGINAL.changed(**needed | changes | {"train_size": 100, "passes": 2})
        found[recipe.name] = recipe
    return found


def digest(recipe: Recipe, dataset) -> str:
    """All that a run learns and answers, in short: weights, labels, losses, errors and rates."""
    record = fit(recipe, 0, dataset, engine="compiled")
    assert record.environment["arithmetic"] == ARITHMETIC
    passes = [{**row, "seconds": 0} for row in record.per_pass]
    content = [repr(passes).encode(), record.predictions.tobytes()]
    content += [record.weights[name].tobytes() for name in sorted(record.weights)]
    return sha256(b"".join(content)).hexdigest()[:16]


def digests() -> dict:
    dataset = load("digits")
    return {"arithmetic": ARITHMETIC} | {
        name: digest(recipe, dataset) for name, recipe in recipes().items()
    }


def test_every_value_of_every_switch_is_tried():
    assert len(recipes()) > 70
    for key, switch in SWITCHES.items():
        for value in switch.metadata.get("values", ()):
            assert any(getattr(recipe, key) == value for recipe in recipes().values()), (key, value)
    with pytest.raises(BadInput):
        ORIGINAL.changed(loss="cross_entropy")  # as for one of them that needs another


@pytest.mark.parametrize("name", recipes())
def test_this_machine_gives_the_committed_bytes(name, digits):
    assert digest(recipes()[name], digits) == json.loads(COMMITTED.read_text())[name]


AVX2, AVX512 = {"avx2", "fma", "bmi2"}, {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
MACHINES = {
    # What LLVM may use there, beside what every x86-64 has; and settings of other libraries.
    "this one, two threads": (set(), {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}),
    "haswell": (AVX2, {"ATEN_CPU_CAPABILITY": "default"}),
    "znver3": (AVX2 | {"sse4a"}, {"ATEN_CPU_CAPABILITY": "avx2"}),
    "znver5": (AVX512 | {"sse4a"}, {"OMP_NUM_THREADS": "1"}),
    "skylake-avx512": (AVX512, {"ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "2"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_another_machine_gives_the_committed_bytes(machine):
    needs, settings = MACHINES[machine]
    have = {name for name, there in binding.get_host_cpu_features().items() if there}
    if lacking := needs - have:
        pytest.skip(f"this processor lacks {', '.join(sorted(lacking))}")
    if not machine.startswith("this"):
        # Without features named, those of the processor named and no others.
        settings = settings | {"NUMBA_CPU_NAME": machine, "NUMBA_CPU_FEATURES": ""}
    run = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == json.loads(COMMITTED.read_text())


if __name__ == "__main__":
    print(json.dumps(digests(), indent=1))
