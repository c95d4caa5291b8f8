"""docs/torch.md's table: each row is tried, and says what is found."""

import copy
import pickle
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from factory import compiled, restored
from torch import nn
from torch.func import functional_call, stack_module_state

import lenet1998
from lenet1998.data import prepare
from lenet1998.exporting import to_onnx, to_program
from lenet1998.models import LeNet5

PAGE = Path(__file__).parents[1] / "docs" / "torch.md"
VARIANTS = ("original", "modern")


@pytest.fixture(scope="module", params=VARIANTS)
def net(request):
    return lenet1998.load_pretrained(request.param)


@pytest.fixture(scope="module")
def images(digits):
    return prepare(digits.test_images)


@pytest.fixture(scope="module")
def labels(digits):
    return torch.from_numpy(digits.test_labels)


def outputs_of(made):
    """A row's check that calling what is made of a network gives the network's outputs."""

    def check(net, images, labels):
        with torch.no_grad():
            torch.testing.assert_close(made(net)(images), net(images), rtol=1e-4, atol=1e-3)
        return "same outputs"

    return check


def labels_of(made):
    """A row's check that what is made of a network gives its labels, but for one in a hundred."""

    def check(net, images, labels):
        with torch.no_grad():
            same = net.decide(made(net)(images).float()) == net.predict(images)
        assert same.float().mean() >= 0.99
        return "same labels, but for 1 in 100 at most"

    return check


def from_nowhere(net):
    with torch.device("meta"):
        other = LeNet5(**net.switches)
    other.to_empty(device="cpu").reset_parameters()
    other.load_state_dict(net.state_dict(), assign=True)
    return other


def averaged(net):
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9), use_buffers=True
    )
    for _ in range(50):
        average.update_parameters(net)
    return average


def stages(net):
    from torchvision.models.feature_extraction import create_feature_extractor

    extractor = create_feature_extractor(net, ["c1", "s2", "c3", "s4", "c5", "f6", "output"])
    return lambda images: extractor(images)["output"]


def onnx(net):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    with TemporaryDirectory() as folder:
        file = Path(folder, "net.onnx")
        to_onnx(net, file)
        session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def quantized(net):
    with warnings.catch_warnings(action="ignore"):  # that torchao will have this
        small = torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)
    assert "quantized" in type(small.f6).__module__
    return small


def distributed(net, images, labels):
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        copies = [copy.deepcopy(net) for _ in range(2)]
        wrapped = nn.parallel.DistributedDataParallel(copies[0])
        for model in (wrapped, copies[1]):
            nn.functional.cross_entropy(model(images), labels).backward()
    finally:
        torch.distributed.destroy_process_group()
    for ours, theirs in zip(*(model.parameters() for model in copies), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    return "same gradients"


def of_many(net, images, labels):
    nets = [net, copy.deepcopy(net)]
    parameters, buffers = stack_module_state(nets)
    many = torch.vmap(lambda p, b: functional_call(net, (p, b), (images,)))(parameters, buffers)
    for found in many:
        torch.testing.assert_close(found, net(images), rtol=1e-4, atol=1e-3)
    return "same outputs"


def each_gradient(net, images, labels):
    def loss(parameters, image, label):
        scores = functional_call(net, parameters, (image[None],))
        return nn.functional.cross_entropy(scores, label[None])

    parameters = dict(net.named_parameters())
    gradients = torch.vmap(torch.func.grad(loss), (None, 0, 0))(parameters, images[:3], labels[:3])
    mean = nn.functional.cross_entropy(net(images[:3]), labels[:3])
    expected = torch.autograd.grad(mean, parameters.values())
    for found, one in zip(gradients.values(), expected, strict=True):
        torch.testing.assert_close(found.mean(0), one, rtol=1e-3, atol=1e-4)
    return "same gradients"


def torchmetrics(net, images, labels):
    metrics = pytest.importorskip("torchmetrics")
    accuracy = metrics.Accuracy(task="multiclass", num_classes=10)(net.scores(images), labels)
    assert accuracy == (net.predict(images) == labels).float().mean()
    return "`model.scores`: same labels"


def scikit_learn(net, images, labels):
    from sklearn.metrics import log_loss, top_k_accuracy_score

    share = net.posteriors(images).detach().double().numpy()
    kinds = range(share.shape[1])
    found = log_loss(labels, share / share.sum(1, keepdims=True), labels=kinds)
    right = share[np.arange(len(labels)), labels].clip(np.finfo(np.float64).eps)
    assert found == pytest.approx(-np.log(right).mean(), rel=1e-5)
    scores = net.scores(images).detach().numpy()
    accuracy = (net.predict(images) == labels).float().mean().item()
    assert top_k_accuracy_score(labels, scores, k=1, labels=range(10)) == pytest.approx(accuracy)
    return "`model.scores`, `model.posteriors`: same labels"


def skorch(net, images, labels):
    wrapper = pytest.importorskip("skorch").NeuralNetClassifier

    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, images):
            return self.net.scores(images)

    found = wrapper(Scores, criterion=nn.CrossEntropyLoss).initialize().predict(images)
    assert np.array_equal(found, net.predict(images))
    return "`model.scores` as the forward pass: same labels"


ROWS = {
    "`torch.compile(model, fullgraph=True)`": outputs_of(compiled),
    "`torch.export.export`": outputs_of(lambda net: to_program(net).module()),
    "`torch.fx.symbolic_trace`": outputs_of(torch.fx.symbolic_trace),
    "torchvision's `create_feature_extractor`": outputs_of(stages),
    "`torch.vmap` over images": outputs_of(
        lambda net: torch.vmap(lambda image: net(image[None])[0])
    ),
    "`torch.vmap` over stacked networks": of_many,
    "`torch.func.grad` for each image": each_gradient,
    "`copy.deepcopy`": outputs_of(copy.deepcopy),
    "`pickle`": outputs_of(lambda net: pickle.loads(pickle.dumps(net))),
    "`torch.save(model.state_dict(), file)`": outputs_of(restored),
    '`torch.device("meta")`, `to_empty`, `load_state_dict(assign=True)`': outputs_of(from_nowhere),
    "`AveragedModel(model, use_buffers=True)`": outputs_of(averaged),
    "`DistributedDataParallel` (gloo)": distributed,
    "`model.double()`": labels_of(
        lambda net: lambda images: copy.deepcopy(net).double()(images.double())
    ),
    "`model.bfloat16()`": labels_of(
        lambda net: lambda images: copy.deepcopy(net).bfloat16()(images.bfloat16())
    ),
    "`quantize_dynamic(model, {nn.Linear})`": labels_of(quantized),
    "ONNX, by `lenet1998.exporting.to_onnx`": outputs_of(onnx),
    "torchmetrics": torchmetrics,
    "scikit-learn": scikit_learn,
    "skorch": skorch,
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_page_is_what_is_found(name, net, images, labels):
    assert f"| {name} | {ROWS[name](net, images, labels)} |" in PAGE.read_text().splitlines()


def test_the_page_has_no_other_rows():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows[2:]] == list(ROWS)
