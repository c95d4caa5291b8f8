"""Exported networks compute what torch does."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from experiments.pretrained.tables import NAMES, weights_of
from lenet1998 import exporting
from lenet1998.data import prepare
from lenet1998.errors import BadInput
from lenet1998.exporting import to_onnx, to_program
from lenet1998.models import LeNet5, build_model
from lenet1998.paper import ascii_codes
from lenet1998.pretrained import load_pretrained
from lenet1998.recipes import RECIPES

PACKAGED = [name for name in NAMES if weights_of(name).is_file()]
needs_onnx = pytest.mark.skipif(
    any(find_spec(package) is None for package in (*exporting.NEEDED, "onnxruntime")),
    reason="needs the extra: pip install 'lenet1998[export]'",
)


@pytest.fixture(scope="module")
def images(digits):
    return prepare(digits.test_images[:100])


def same(found: torch.Tensor, model, images) -> bool:
    """Whether outputs are the network's, to rounding, and so are the labels."""
    expected = model(images).detach()
    close = torch.allclose(found, expected, rtol=1e-5, atol=1e-3)
    return close and torch.equal(model.decide(found), model.decide(expected))


@pytest.mark.parametrize("name", PACKAGED)
def test_a_program_computes_what_the_network_does(name, images, tmp_path):
    model = load_pretrained(name)
    torch.export.save(to_program(model), tmp_path / "net.pt2")
    program = torch.export.load(tmp_path / "net.pt2").module()
    assert same(program(images).detach(), model, images)
    assert same(program(images[:1]).detach(), model, images[:1])


@needs_onnx
@pytest.mark.parametrize(
    "name",
    # Of the others most are the same network with other weights, and each takes a second.
    [n if n == "original" else pytest.param(n, marks=pytest.mark.slow) for n in PACKAGED],
)
def test_onnx_computes_what_the_network_does(name, images, tmp_path):
    from onnxruntime import InferenceSession

    model = load_pretrained(name)
    to_onnx(model, tmp_path / "net.onnx")
    session = InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    assert output.name == ("distances" if model.smallest_wins else "scores")
    for some in (images, images[:1]):
        (found,) = session.run(None, {"images": some.numpy()})
        assert same(torch.from_numpy(found), model, some)


@needs_onnx
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_weights_of_all_convolutions_are_in_the_file(wrapped, images, tmp_path):
    import onnx

    model = load_pretrained()
    if wrapped:
        model.c3 = torch.nn.Sequential(model.c3)
    to_onnx(model, tmp_path / "net.onnx")
    graph = onnx.load(tmp_path / "net.onnx").graph
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    sizes = [stored[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert sizes == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 16, 5, 5)]
    # The network itself still has one kernel for each of Table I's pairs.
    assert sum(p.numel() for p in model.parameters()) == 60_000


@needs_onnx
def test_opencv_reads_the_file(images, tmp_path):
    dnn = pytest.importorskip("cv2").dnn
    for name in ("original", "modern"):
        model = load_pretrained(name)
        to_onnx(model, tmp_path / "net.onnx")
        net = dnn.readNetFromONNX(str(tmp_path / "net.onnx"))
        net.setInput(images.numpy())
        assert same(torch.from_numpy(net.forward()), model, images)


@needs_onnx
def test_letters_in_colour_are_exported(tmp_path):
    from onnxruntime import InferenceSession

    model = LeNet5(codes=ascii_codes("ABC"), in_channels=3)
    fields = torch.rand(3, 3, 32, 32)
    to_onnx(model, tmp_path / "net.onnx")
    session = InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": fields.numpy()})
    assert same(torch.from_numpy(found), model, fields)


def test_a_network_of_another_size_and_kind_is_exported(images):
    recipe = RECIPES["modern"].changed(input_size=28)
    model = build_model(recipe).double()
    small = images[:3, :, 2:-2, 2:-2].double()
    assert same(to_program(model).module()(small).detach(), model, small)


def test_what_is_not_installed_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"onnx, onnxscript: not installed.*lenet1998\[export\]"):
        to_onnx(build_model(), tmp_path / "net.onnx")


@needs_onnx
def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    file = tmp_path / "net.onnx"
    file.write_bytes(b"another")

    def export(*_, f, **__):
        Path(f).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.onnx, "export", export)
    with pytest.raises(OSError, match=f"No space left on device: '{file}'"):
        to_onnx(build_model(RECIPES["original"]), file)
    assert file.read_bytes() == b"another"
    assert [*tmp_path.iterdir()] == [file]
