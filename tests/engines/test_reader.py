"""The compiled forward pass against the network's own, and the labels that are made of it."""

import numpy as np
import pytest
import torch

from lenet1998.engines.compiled.network import CompilerUnavailable
from lenet1998.engines.compiled.reader import Reader
from lenet1998.models import LeNet5
from lenet1998.switches import NETWORK_SWITCHES
from lenet1998.training import evaluation

CHANGES = [
    {key: value} for key, values in NETWORK_SWITCHES.items() for value in values if key != "output"
] + [
    {"output": "linear"},
    {"output": "linear", "blank": "space"},
    {"pooling": "average", "subsampling_squash": "none", "c3": "dense", "input_size": 28},
]


def network_and_images(**switches) -> tuple[LeNet5, torch.Tensor]:
    model = LeNet5(**switches)
    model.reset_parameters(torch.Generator().manual_seed(5))
    side = model.switches["input_size"]
    return model, torch.randn(40, 1, side, side, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize("switches", CHANGES, ids=str)
def test_outputs_are_the_networks_own(switches):
    model, images = network_and_images(**switches)
    torch.testing.assert_close(Reader(model).outputs(images), model(images).detach())
    assert np.array_equal(evaluation.predict(model, images), model.predict(images).numpy())


def test_it_reads_the_network_as_it_stands():
    model, images = network_and_images()
    reader = Reader(model)
    before = reader.outputs(images)
    with torch.no_grad():
        model.f6.bias += 0.1
    after = reader.outputs(images)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, model(images).detach())


def test_what_rounding_might_decide_is_left_to_the_network(monkeypatch):
    model, images = network_and_images(output="linear")
    own = model(images).detach()
    best = own.topk(2).values
    gap = ((best[:, 0] - best[:, 1]) / best.abs().amax(1)).numpy()
    monkeypatch.setattr(evaluation, "CLOSE", float(np.median(gap)))
    asked = []
    model.register_forward_hook(lambda _, given, __: asked.append(len(given[0])))
    # Outputs that are wrong everywhere: only what is close is put right.
    monkeypatch.setattr(Reader, "outputs", lambda _, images: own.roll(1, dims=1))
    read = evaluation.predict(model, images)
    close = gap <= np.median(gap)
    assert asked == [close.sum()]
    assert np.array_equal(read[close], own.argmax(1).numpy()[close])
    assert np.array_equal(read[~close], own.roll(1, dims=1).argmax(1).numpy()[~close])


def test_without_a_compiler_the_network_answers_itself(monkeypatch):
    def unavailable(*_):
        raise CompilerUnavailable("none")

    model, images = network_and_images()
    monkeypatch.setattr(evaluation, "Reader", unavailable)
    assert torch.equal(evaluation.outputs(model, images), model(images).detach())


def test_a_network_in_double_precision_answers_itself():
    model, images = network_and_images()
    found = evaluation.outputs(model.double(), images.double())
    assert torch.equal(found, model(images.double()).detach())
    with pytest.raises(ValueError, match="float32 on the cpu"):
        Reader(model)


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (3, 2, 32, 32), (3, 1, 32, 36), (3, 32, 32)])
def test_images_of_another_shape_are_refused(shape):
    model, _ = network_and_images()
    with pytest.raises(ValueError, match=r"float32 images \(N, 1, 32, 32\)"):
        Reader(model).outputs(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"float32 images \(N, 1, 32, 32\)"):
        Reader(model).outputs(torch.zeros(3, 1, 32, 32, dtype=torch.float64))
