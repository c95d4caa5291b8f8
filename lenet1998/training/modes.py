"""Torch's modes as a process starts with them, for what must give the same bytes everywhere."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def plain_modes() -> Iterator[None]:
    """Run a block (or, as a decorator, a function) with gradients and the CPU as default device.

    The default dtype is the whole process's, other threads' too, so it is left alone: whatever
    trains says which dtype it wants.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # to set it slows down every call of torch
            stack.enter_context(torch.device("cpu"))
        yield
