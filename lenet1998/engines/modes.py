"""Torch's modes as a process starts with them, for what must give the same bytes everywhere."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_lock = threading.Lock()
_inside = 0
"""How many blocks of full precision go on, in all threads."""
_before: tuple[str, str, bool]
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
    global _inside, _before
    with _lock:
        if not _inside:
            _before = (
                torch.backends.cudnn.conv.fp32_precision,
                torch.backends.cuda.matmul.fp32_precision,
                torch.backends.cudnn.deterministic,
            )
            _set("ieee", "ieee", True)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _set(*_before)


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
