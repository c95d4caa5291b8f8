"""What a run learns from is the same bytes on every machine, under every version of a library.

``python tests/data/test_same_bytes.py`` prints the digests that are committed in same_bytes.json.
"""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy._core import _multiarray_umath as numpys_loops

from experiments.ablations.rubbish import KINDS, rubbish
from lenet1998.data import SCALINGS, load, prepare
from lenet1998.data.distortions import draw, warp
from lenet1998.data.flanks import string
from lenet1998.data.patterns import normalise
from lenet1998.data.streams import stream, uniform
from lenet1998.recipes import recipe_named
from lenet1998.training.schedule import Schedule

COMMITTED = Path(__file__).with_name("same_bytes.json")
N = 200

DISPATCHED = [
    name for name in numpys_loops.__cpu_dispatch__ if numpys_loops.__cpu_features__.get(name)
]
"""The vector instructions that NumPy uses here and can do without."""

MACHINES = {
    "torch without vectors": {"ATEN_CPU_CAPABILITY": "default"},
    "torch with AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "NumPy without vectors": {"NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED)},
    "NumPy without AVX512": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(
            name for name in DISPATCHED if name.startswith(("AVX512", "X86_V4"))
        )
    },
    "BLAS of Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS of Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},  # it has no fused multiply-add
    "one thread": {"OMP_NUM_THREADS": "1"},
    "two threads": {"OMP_NUM_THREADS": "2"},
}


def digests() -> dict[str, str]:
    """SHA-256 of everything that patterns, their versions and their orders are made by."""
    dataset = load("digits")
    images, labels = dataset.train_images[:N], dataset.train_labels[:N]
    anything = uniform(stream(1, "rubbish"), (5 * N, 28, 28))
    any_bytes = (256 * anything).astype(np.uint8)
    maps, more_maps = (draw(n, stream(0, "distortions", 1)) for n in (N, 5 * N))
    gaps = stream(0, "test strings").random_raw(9).astype(np.int64) % 6 - 1
    made = {
        "digits": [
            dataset.train_images,
            dataset.train_labels,
            dataset.test_images,
            dataset.test_labels,
        ],
        "normalised": [normalise(sheet) for sheet in anything.reshape(50, -1, 98)],
        "string": [string(images[:10], gaps)],
        "maps": maps,
    }
    made |= {f"prepared {scaling}": [prepare(images, 32, scaling)] for scaling in SCALINGS}
    made |= {f"rubbish {kind}": [rubbish(kind, images, labels, N)] for kind in KINDS}
    for size in (32, 28):
        made[f"warped {size}"] = [warp(images, maps, size), warp(any_bytes, more_maps, size)]
    for name, switches in {
        "constant": (),
        "renewed": ("order=renewed",),
        "distorted": ("distortions=true",),
        "part": ("train_size=500", "held_out=300", "curvature_draw=fresh"),
    }.items():
        schedule = Schedule(recipe_named("original").override(list(switches)), 0, dataset)
        made[f"order {name}"] = [schedule.indices(1), schedule.indices(2)]
        made[f"curvature {name}"] = [schedule.curvature_indices(2)]
    for name, *switches in (
        *((f"noise {scaling}", "noise=0.1", f"scaling={scaling}") for scaling in SCALINGS),
        ("flanks", "flanks=true", "blank=space"),
        ("all at once", "flanks=true", "blank=space", "distortions=true", "noise=0.1"),
    ):
        schedule = Schedule(recipe_named("original").override(switches), 0, dataset)
        made[name] = [
            *schedule.take(schedule.indices(2)[:N], 2),
            *schedule.take(schedule.curvature_indices(1)[:N], 1, first=40, curvature=True),
        ]
    return {name: _digest(arrays) for name, arrays in made.items()}


def _digest(arrays) -> str:
    known = sha256()
    for array in map(np.asarray, arrays):
        known.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return known.hexdigest()


def committed() -> dict[str, str]:
    return json.loads(COMMITTED.read_bytes())


@pytest.mark.parametrize("threads", [1, 2])
def test_the_bytes_are_the_committed_ones(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert digests() == committed()
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_the_bytes_are_the_same_with_other_instructions_and_threads(machine):
    told = subprocess.run(
        [sys.executable, "-W", "ignore", __file__],
        env=os.environ | MACHINES[machine],
        capture_output=True,
        check=True,
    )
    assert json.loads(told.stdout) == committed()


if __name__ == "__main__":
    print(json.dumps(digests(), indent=2))
