"""One torch thread and full float32, for what must give the same bytes wherever it is called."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_lock = threading.Lock()
_here = threading.local()
_inside = 0
"""How many blocks go on, in all threads."""
_before = 1
"""torch's number of threads before the first of them."""


def _flushes() -> bool:
    """Test whether this thread flushes denormal numbers to 0."""
    return not float(np.multiply(np.finfo(np.float32).tiny, np.float32(0.5)))


@contextmanager
def one_thread() -> Iterator[None]:
    """Run a block (or, as a decorator, a function) with one torch thread, then as before.

    With more, sums are split between them and rounded otherwise; and single patterns are slower.
    Numbers below the smallest normal one are kept, too, if the caller has them flushed to 0.

    torch (built with OpenMP, as its wheels are) keeps the number for each thread that has used it,
    and gives to others what was set last by any. So every thread sets its own, blocks may overlap,
    and when all have ended each thread and those to come have what they had.
    """
    global _inside, _before
    if getattr(_here, "inside", False):
        yield
        return
    with _lock:
        own = torch.get_num_threads()
        if not _inside:
            _before = own
        elif own == 1:  # new to torch, and the 1 is that of a block elsewhere
            own = _before
        _inside += 1
        _here.inside = True
        torch.set_num_threads(1)
    flushed = _flushes()
    if flushed:
        torch.set_flush_denormal(False)
    try:
        yield
    finally:
        if flushed:
            torch.set_flush_denormal(True)
        with _lock:
            _inside -= 1
            _here.inside = False
            torch.set_num_threads(own)
