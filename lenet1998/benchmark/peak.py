"""The arithmetic ceiling of this core: float32 multiply-adds that touch no memory."""

from numba import njit

from lenet1998.engines.compiled.vectors import LANES, microkernel

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
