"""What torch is told to do while a run is trained, and that it is as before afterwards."""

import threading

import pytest
import torch

from lenet1998.engines.exactly import full_precision, plain_modes


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
