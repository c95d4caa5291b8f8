"""One torch thread while a block runs, and afterwards what its caller had."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from lenet1998.engines.exactly import one_thread


@pytest.fixture(autouse=True)
def two_threads():
    """A caller that lets torch use two."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def in_new_thread(function=torch.get_num_threads):
    """What a function gives in a thread that torch has not seen."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


def test_the_callers_number_is_back_afterwards():
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == in_new_thread() == 2


def test_also_after_an_error():
    def fail():
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        one_thread()(fail)()
    assert torch.get_num_threads() == 2


def test_blocks_may_be_nested():
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("last", ["first", "second"])
def test_blocks_may_overlap_in_threads_that_torch_has_not_seen(last):
    begun, may_end = threading.Barrier(3), {name: threading.Event() for name in ("first", "second")}

    def run(name):
        with one_thread():
            begun.wait(10)
            may_end[name].wait(10)
            inside = torch.get_num_threads()
        return inside, torch.get_num_threads()

    with ThreadPoolExecutor(2) as executor:
        runs = {name: executor.submit(run, name) for name in may_end}
        begun.wait(10)
        for name in sorted(may_end, key=lambda name: name == last):
            may_end[name].set()
            assert runs[name].result(10) == (1, 2)
    assert torch.get_num_threads() == in_new_thread() == 2
