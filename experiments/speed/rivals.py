"""Other ways to train the same networks, side by side in one process: docs/performance.md.

Pattern by pattern ``original``, in mini-batches ``modern``: eager torch, ``torch.compile``, JAX (a
``lax.scan`` over the patterns or batches, with XLA's convolution or as im2col and a product), and
the compiled engine, in alternating rounds, one thread each. JAX is of this script alone:
``pip install jax``. Each learns the same patterns from the same start, and ends with the same loss.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from lenet1998.models import build_model

# Before JAX and torch are imported: one thread each.
os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1 "
    + os.environ.get("XLA_FLAGS", "")
)

import numpy as np
import torch

from experiments.results import RIVALS
from lenet1998 import paper
from lenet1998.cli import Parser, entry, path, whole_number, writable
from lenet1998.data import load
from lenet1998.engines import create
from lenet1998.engines.compiled import network
from lenet1998.engines.eager import EagerEngine
from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES
from lenet1998.training import environment
from lenet1998.training.records import write_json
from lenet1998.training.schedule import Schedule

PATTERNS = {"original": 500, "modern": 2560}
"""What each learns in a round; our engine learns it eight times over."""


class Compiled(EagerEngine):
    """The eager engine with forward pass, loss and backward pass compiled by torch."""

    def __init__(self, recipe, model):
        super().__init__(recipe, model)
        criterion = self.criterion
        self._loss = torch.compile(lambda images, labels: criterion(model(images), labels))

    def train(self, images, labels, order=None):
        total, size = torch.zeros(1, dtype=torch.float64), self.recipe.batch_size
        for batch, target in zip(images.split(size), labels.split(size), strict=True):
            loss = self._loss(batch, target)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(target)
        return total.numpy(), None


class Jax:
    """The network, its loss and its update in JAX, a pass as one ``lax.scan``."""

    def __init__(self, recipe, model, im2col: bool = False):
        import jax

        self.jax, self.recipe, self.im2col = jax, recipe, im2col
        state = {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}
        self.codes = state.pop("output.codes", None)
        self.parameters = {name: jax.numpy.asarray(value) for name, value in state.items()}
        self.velocity = {name: 0 * value for name, value in self.parameters.items()}
        self._train = jax.jit(self._pass)

    def begin_pass(self, eta: float, curvatures) -> None:
        if self.recipe.optimizer == "sdlm":
            rates = self.recipe.sdlm_rates(eta, curvatures[0])
            self.rates = {name: rate.numpy() for name, rate in rates.items()}
        else:
            self.rates = {name: np.float32(eta) for name in self.parameters}

    def _convolve(self, maps, kernels):
        jnp, side = self.jax.numpy, kernels.shape[-1]
        if not self.im2col:
            return self.jax.lax.conv(maps, kernels, (1, 1), "VALID")
        n, channels, height, width = maps.shape
        rows, columns = height - side + 1, width - side + 1
        shifted = [
            maps[:, :, r : r + rows, c : c + columns] for r in range(side) for c in range(side)
        ]
        table = jnp.stack(shifted, 2).reshape(n, channels * side**2, rows * columns)
        flat = kernels.reshape(len(kernels), -1)
        return jnp.einsum("of,nfp->nop", flat, table).reshape(n, -1, rows, columns)

    def _subsample(self, p, layer: str, maps):
        n, channels, height, width = maps.shape
        mean = maps.reshape(n, channels, height // 2, 2, width // 2, 2).mean((3, 5))
        if f"{layer}.weight" not in p:
            return mean
        shape = (1, -1, 1, 1)
        weight, bias = p[f"{layer}.weight"].reshape(shape), p[f"{layer}.bias"].reshape(shape)
        return self._squash(weight * mean + bias)

    def _squash(self, x):
        if self.recipe.squash == "tanh":
            return self.jax.numpy.tanh(x)
        return paper.TANH_AMPLITUDE * self.jax.numpy.tanh(paper.TANH_SLOPE * x)

    def _loss(self, p, images, labels):
        jnp, jax, bias = self.jax.numpy, self.jax, lambda layer: p[f"{layer}.bias"][:, None, None]
        kernels = p["c3.weight"]
        if self.recipe.c3 == "table":
            where = np.array([(o, i) for o, row in enumerate(paper.C3_TABLE) for i in row]).T
            kernels = jnp.zeros((16, 6, 5, 5), kernels.dtype).at[tuple(where)].set(kernels)
        maps = self._squash(self._convolve(images, p["c1.weight"]) + bias("c1"))
        maps = self._subsample(p, "s2", maps)
        maps = self._squash(self._convolve(maps, kernels) + bias("c3"))
        column = self._subsample(p, "s4", maps).reshape(len(images), -1)
        c5 = self._squash(column @ p["c5.weight"].reshape(120, -1).T + p["c5.bias"])
        f6 = self._squash(c5 @ p["f6.weight"].T + p["f6.bias"])
        chosen = jnp.arange(len(labels)), labels
        if self.codes is None:
            logits = f6 @ p["output.weight"].T + p["output.bias"]
            return (jax.nn.logsumexp(logits, 1) - logits[chosen]).mean()
        distances = 0.5 * jnp.square(f6[:, None] - self.codes).sum(-1)
        rubbish = jnp.full((len(labels), 1), -self.recipe.rubbish_j)
        normaliser = jax.nn.logsumexp(jnp.concatenate([rubbish, -distances], 1), 1)
        return (distances[chosen] + normaliser).mean()

    def _pass(self, parameters, velocity, rates, images, labels):
        def step(carry, batch):
            parameters, velocity = carry
            loss, gradient = self.jax.value_and_grad(self._loss)(parameters, *batch)
            velocity = {k: self.recipe.momentum * velocity[k] + gradient[k] for k in gradient}
            parameters = {k: parameters[k] - rates[k] * velocity[k] for k in parameters}
            return (parameters, velocity), loss

        carry, losses = self.jax.lax.scan(step, (parameters, velocity), (images, labels))
        return *carry, losses.sum()

    def train(self, images, labels):
        size = self.recipe.batch_size
        parts = (
            images.numpy().reshape(-1, size, *images.shape[1:]),
            labels.numpy().reshape(-1, size),
        )
        found = self._train(self.parameters, self.velocity, self.rates, *parts)
        self.parameters, self.velocity, loss = found
        return np.array([float(loss) * size]), None


def contest(recipe, schedule: Schedule, rounds: int) -> list[dict]:
    """Times per pattern of each rival at a recipe, and the loss that its first round ends with."""
    makers = {
        "eager": EagerEngine,
        "torch.compile": Compiled,
        "JAX, convolution": Jax,
        "JAX, im2col": lambda recipe, model: Jax(recipe, model, im2col=True),
        "lenet1998, compiled": lambda recipe, model: create("compiled", recipe, [model]),
    }
    curvature = None
    if recipe.optimizer == "sdlm":
        first = schedule.take(schedule.curvature_indices(1), 1)
        curvature = [EagerEngine(recipe, model := build_model(recipe)).curvature(model, *first)]
    patterns = schedule.take(schedule.indices(1)[: PATTERNS[recipe.name]], 1)
    rivals, rows = {}, {name: {"seconds": []} for name in makers}
    for name, make in makers.items():
        rivals[name] = make(recipe, build_model(recipe))
        rivals[name].begin_pass(recipe.learning_rate(1), curvature)
        loss, _ = rivals[name].train(*patterns)  # compiles
        rows[name]["loss"] = float(loss[0]) / len(patterns[1])
    for _ in range(rounds):
        for name, rival in rivals.items():
            repeats = 8 if name.startswith("lenet1998") else 1
            begun = time.perf_counter()
            for _ in range(repeats):
                rival.train(*patterns)
            rows[name]["seconds"].append((time.perf_counter() - begun) / repeats)
    ours = rows["lenet1998, compiled"]["seconds"]
    return [
        {
            "rival": name,
            "us": 1e6 * statistics.median(row["seconds"]) / len(patterns[1]),
            "fastest_us": 1e6 * min(row["seconds"]) / len(patterns[1]),
            "times_ours": statistics.median(
                theirs / mine for theirs, mine in zip(row["seconds"], ours, strict=True)
            ),
            "loss": row["loss"],
        }
        for name, row in rows.items()
    ]


@entry
def main(arguments: list[str] | None = None) -> int:
    """Measure, and write what was measured with the machine beside it."""
    parser = Parser(
        prog="rivals.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=path, metavar="DIR", help="where MNIST is")
    parser.add_argument("--rounds", default=9, type=whole_number, metavar="N", help="default 9")
    default = Path("experiments", "results")
    parser.add_argument("--results", default=default, type=path, metavar="DIR")
    flags = parser.parse_args(arguments)
    try:
        import jax
    except ImportError:
        raise BadInput("JAX is not installed: pip install jax") from None
    torch.set_num_threads(1)
    out, dataset = writable(flags.results, "--results"), load("mnist", flags.data)
    load_average = os.getloadavg()[0]
    recipes = [RECIPES[name] for name in PATTERNS]
    found = {
        recipe.name: contest(recipe, Schedule(recipe, 0, dataset), flags.rounds)
        for recipe in recipes
    }
    machine = environment.describe("all", torch.device("cpu"))
    machine["versions"] |= {"jax": jax.__version__}
    machine["arithmetic"] = network.ARITHMETIC
    write_json(
        out / RIVALS,
        {
            "recipes": found,
            "batch_size": RECIPES["modern"].batch_size,
            "rounds": flags.rounds,
            "load_average": load_average,
            "environment": machine,
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
