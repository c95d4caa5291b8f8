"""One torch thread, for what must give the same bytes wherever it is called from."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_here = threading.local()
_inside = 0
"""How many blocks go on, in all threads."""
_before = 1
"""torch's number of threads before the first of them."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Run a block (or, as a decorator, a function) with one torch thread, then as before.

    With more, sums are split between them and rounded otherwise; and single patterns are slower.

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
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            _here.inside = False
            torch.set_num_threads(own)
