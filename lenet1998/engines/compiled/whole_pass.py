"""One pattern after another, compiled: forward pass, backward pass and update from end to end."""

import hashlib
import logging
import platform
from pathlib import Path

import numpy as np
from llvmlite import binding
from numba import config, njit, types
from numba.core import event

from lenet1998.engines.compiled import blocks, layers, losses, memory, switches, updates, vectors
from lenet1998.engines.compiled import memory as m
from lenet1998.engines.compiled.switches import CROSS_ENTROPY, DESCENT, MOMENTUM, OPTIONS

logger = logging.getLogger(__name__)

FUNCTIONS = ("train", "outputs", "curvature")
gradients, curvatures = layers.backward_pass(power=1), layers.backward_pass(power=2)


def fuses() -> bool:
    """Test for fused multiply-adds on the processor that Numba compiles for."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    if config.CPU_NAME is None and config.CPU_FEATURES is None:
        return bool(binding.get_host_cpu_features().get("fma"))
    # Only LLVM knows what a processor that is named has.
    probe = njit((types.float32,))(lambda x: vectors.fma(x, x, x))
    return any("vfmadd" in code for code in probe.inspect_asm().values())


def _over_patterns(sources: str):
    """The loops over patterns, to be compiled; ``sources`` is there to be in their cache's key.

    Numba on its own would only notice changes to this file.
    """

    def train(
        images,
        labels,
        seen,
        made,
        switches,
        numbers,
        net,
        rates,
        gradient,
        first_moment,
        second_moment,
        steps,
        work,
    ):
        """Learn patterns one after another; the sum of their losses and the number misclassified.

        C3 has a kernel from S2's map ``seen[p]`` to its map ``made[p]``. ``steps`` is how many
        updates came before.
        """
        sources  # noqa: B018
        loss_sum = 0.0
        errors = 0
        shares = np.empty(switches.classes)
        stepping = switches.batch_size == 1 and switches.update == DESCENT
        # What steps as the backward pass goes needs no gradient.
        size = m.DENSE if stepping else m.PARAMETERS
        for n in range(labels.size):
            if n % switches.batch_size == 0:
                layers.clear(gradient, 0, size)
            layers.see(images[n], work)
            layers.forward(switches, numbers, net, work)
            layers.output(switches, net, work)
            loss, read = losses.loss(switches, work, labels[n], shares)
            loss_sum += loss
            errors += read != labels[n]
            layers.loss_backward(stepping, switches, net, rates, gradient, work, shares)
            gradients(stepping, switches, numbers, net, rates, gradient, work, work, seen, made)
            seen_of_batch = n % switches.batch_size + 1
            if seen_of_batch < switches.batch_size and n + 1 < labels.size:
                continue
            if switches.batch_size > 1:
                updates.divide(gradient, np.float32(seen_of_batch))
            steps += 1
            if switches.update == DESCENT:
                updates.descend(net, rates, gradient, size)
            elif switches.update == MOMENTUM:
                updates.descend_with_momentum(net, rates, gradient, first_moment, switches.momentum)
            else:
                updates.descend_by_adam(net, rates, gradient, first_moment, second_moment, steps)
        return loss_sum, errors

    def outputs(images, switches, numbers, net, work, found):
        """Distances or logits of patterns, one after another, into ``found``."""
        sources  # noqa: B018
        for n in range(len(images)):
            layers.see(images[n], work)
            layers.forward(switches, numbers, net, work)
            layers.output(switches, net, work)
            for i in range(found.shape[1]):
                found[n, i] = work[m.OUTPUT + i]

    def curvature(
        images, labels, seen, made, switches, numbers, net, squares, work, inputs, part, total
    ):
        """Add patterns' curvatures to ``total``; ``squares`` are the parameters'.

        Sixteen patterns at a time are summed in ``part``: nearer than one long sum.
        """
        sources  # noqa: B018
        shares = np.empty(switches.classes)
        for n in range(labels.size):
            layers.see(images[n], work)
            layers.forward(switches, numbers, net, work)
            layers.output(switches, net, work)
            losses.loss(switches, work, labels[n], shares)
            shares[labels[n]] += 1.0  # the posteriors themselves
            for i in range(inputs.size):
                inputs[i] = work[i] * work[i]
            if switches.loss == CROSS_ENTROPY:
                for i in range(shares.size):
                    work[m.OUTPUT_DELTA + i] = np.float32(shares[i] * (1.0 - shares[i]))
                layers.linear_backward(False, squares, squares, part, inputs, work)
            else:
                losses.state_curvature(switches, net, work, shares, m.F6_DELTA)
            curvatures(False, switches, numbers, squares, squares, part, inputs, work, seen, made)
            if n % 16 == 15 or n + 1 == labels.size:
                layers.add(total, 0, part, 0, total.size)
                layers.clear(part, 0, part.size)

    return train, outputs, curvature


class Announcement(event.Listener):
    """One line, once, when the loops begin to be compiled and are not on the disk."""

    told = False

    def on_start(self, happening) -> None:
        compiled = happening.data["dispatcher"].py_func
        ours = compiled.__module__ == __name__ and compiled.__name__ in FUNCTIONS
        if ours and not self.told:
            self.told = True
            logger.warning("compiling the loops for this processor: some seconds, once")

    def on_end(self, happening) -> None:
        pass


class Pass:
    """The loops over patterns, compiled.

    Attributes:
        train, outputs, curvature: see :func:`_over_patterns`; on disk unless no cache directory is
            writable.
    """

    def __init__(self):
        modules = (blocks, layers, losses, memory, switches, updates, vectors)
        files = (__file__, *(module.__file__ for module in modules))
        sources = b"".join(Path(file).read_bytes() for file in files)
        made = _over_patterns(hashlib.sha256(sources).hexdigest())
        self._functions = dict(zip(FUNCTIONS, made, strict=True))
        try:
            self._compile(cache=True)
        except RuntimeError as error:
            logger.warning("the compiled loops are compiled anew in every process: %s", error)
            self._compile()

    def _compile(self, **options) -> None:
        for name, function in self._functions.items():
            setattr(self, name, njit(**options, **OPTIONS)(function))

    def forget_disk(self, error: Exception) -> None:
        """Compile in memory from now on, as the disk cache led to an error."""
        logger.warning(
            "the compiled loops' disk cache is of no use (%s): compiling in memory", error
        )
        self._compile()


event.register("numba:compile", Announcement())
PASS = Pass()
