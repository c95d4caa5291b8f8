"""One torch thread and full precision while a block runs, and afterwards what its caller had."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from lenet1998.engines.exactly import full_precision, one_thread, plain_modes


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


def settings() -> tuple[str, str, bool]:
    return (
        torch.backends.cudnn.conv.fp32_precision,
        torch.backends.cuda.matmul.fp32_precision,
        torch.backends.cudnn.deterministic,
    )


@pytest.fixture
def rounded():
    """A process that has asked for speed."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    yield settings()
    torch.set_float32_matmul_precision(before)


def test_a_block_computes_in_full_precision_in_one_order(rounded):
    assert rounded == ("tf32", "tf32", False)  # torch's own for convolutions
    with plain_modes():
        assert settings() == ("ieee", "ieee", True)
    assert settings() == rounded


def test_the_settings_return_after_an_error(rounded):
    with pytest.raises(ValueError, match="in the block"), full_precision():
        raise ValueError("in the block")
    assert settings() == rounded


def test_blocks_of_several_threads_overlap(rounded):
    begun, ended = threading.Event(), threading.Event()
    seen = []

    def other():
        with full_precision():
            begun.set()
            ended.wait(10)
            seen.append(settings())

    thread = threading.Thread(target=other)
    with full_precision():
        thread.start()
        assert begun.wait(10)
    ended.set()
    thread.join()
    assert seen == [("ieee", "ieee", True)]
    assert settings() == rounded


@pytest.mark.parametrize("precise_first", [False, True])
def test_blocks_of_one_thread_and_of_full_precision_keep_apart(rounded, precise_first):
    outer, inner = (plain_modes, one_thread) if precise_first else (one_thread, plain_modes)
    with outer(), inner():
        assert (settings(), torch.get_num_threads()) == (("ieee", "ieee", True), 1)
    assert (settings(), torch.get_num_threads()) == (rounded, 2)
