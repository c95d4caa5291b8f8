"""One torch thread and full float32, for what must give the same bytes wherever it is called."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

_lock = threading.Lock()
_here = threading.local()
_single_blocks = 0
"""Number of blocks of one thread go on, in all threads."""
_threads = 1
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
    global _single_blocks, _threads
    if getattr(_here, "inside", False):
        yield
        return
    with _lock:
        own = torch.get_num_threads()
        if not _single_blocks:
            _threads = own
        elif own == 1:  # new to torch, and the 1 is that of a block elsewhere
            own = _threads
        _single_blocks += 1
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
            _single_blocks -= 1
            _here.inside = False
            torch.set_num_threads(own)


_exact_blocks = 0
"""Number of blocks of full precision go on, in all threads."""
_rounded: tuple[str, str, bool]
"""The process's settings before the first of them: the precision of convolutions and of matrix
products, and whether the first always sum in one order."""


def _set(convolutions: str, products: str, in_one_order: bool) -> None:
    torch.backends.cudnn.conv.fp32_precision = convolutions
    torch.backends.cuda.matmul.fp32_precision = products
    torch.backends.cudnn.deterministic = in_one_order


@contextmanager
def full_precision() -> Iterator[None]:
    """Run a block with float32 as it is written, and the same bytes each time, on a GPU too.

    There torch would round what it convolves to TF32's ten bits, and sum in whatever order is
    fastest. The settings are the whole process's, so blocks that overlap share them.
    """
    global _exact_blocks, _rounded
    with _lock:
        if not _exact_blocks:
            _rounded = (
                torch.backends.cudnn.conv.fp32_precision,
                torch.backends.cuda.matmul.fp32_precision,
                torch.backends.cudnn.deterministic,
            )
            _set("ieee", "ieee", True)
        _exact_blocks += 1
    try:
        yield
    finally:
        with _lock:
            _exact_blocks -= 1
            if not _exact_blocks:
                _set(*_rounded)


@contextmanager
def plain_modes() -> Iterator[None]:
    """Run a block (or, as a decorator, a function) with gradients, the CPU as default device, and
    full precision.

    The default dtype is the whole process's, other threads' too, so it is left alone: whatever
    trains says which dtype it wants.
    """
    with ExitStack() as stack:
        stack.enter_context(full_precision())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # to set it slows down every call of torch
            stack.enter_context(torch.device("cpu"))
        yield
