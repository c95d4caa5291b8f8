"""A network in use: wrapped, loaded, asked for scores, shown what it did not learn."""

import copy
import io
from functools import partial

import numpy as np
import pytest
import torch
from factory import compiled
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.optim.swa_utils import AveragedModel

from lenet1998 import build_model, count, load_pretrained, paper
from lenet1998.counts import forms
from lenet1998.data import prepare
from lenet1998.data.pictures import Picture
from lenet1998.data.streams import initial_weights
from lenet1998.engines.evaluation import outputs
from lenet1998.errors import BadInput
from lenet1998.exporting import to_program
from lenet1998.models import LeNet5, initial_parameters, kernels
from lenet1998.modules import Start
from lenet1998.pretrained import save_weights
from lenet1998.recipes import NETWORK_SWITCHES, RECIPES, SCALINGS
from lenet1998.training.schedule import Schedule
from lenet1998.weights import load_weights


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# --- Who wins -----------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["original", "modern", "strings"])
@pytest.mark.parametrize(
    "wrap", [nn.Sequential, checkpoint_wrapper, lambda m: torch.compile(m, backend="eager")]
)
def test_a_wrapped_layer_changes_no_answer(variant, wrap):
    plain, wrapped = build_model(variant), build_model(variant)
    for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output"):
        setattr(wrapped, name, wrap(getattr(wrapped, name)))
    images = torch.rand(3, 1, 32, 32)
    assert wrapped.smallest_wins == plain.smallest_wins
    with torch.no_grad():
        for call in ("predict", "scores", "posteriors"):
            torch.testing.assert_close(getattr(wrapped, call)(images), getattr(plain, call)(images))
    assert count(wrapped) == count(plain)
    assert forms(wrapped) == forms(plain)
    for ours, theirs in zip(kernels(wrapped), kernels(plain), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name in ("c1", "c3", "f6"):
        assert wrapped.fan_in(name) == plain.fan_in(name)
    torch.testing.assert_close(outputs(wrapped, images), outputs(plain, images))
    for model in (wrapped, plain):
        model.reset_parameters(torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(wrapped(images), plain(images))


@pytest.mark.parametrize("variant", RECIPES)
@pytest.mark.parametrize("shape", [(32, 32), (32, 41), (36, 40)])
def test_scores_and_posteriors(variant, shape):
    model, images = build_model(variant), torch.rand(5, 1, *shape)
    scores, shares = model.scores(images, batch=2), model.posteriors(images, batch=2)
    assert torch.equal(scores.argmax(1), model.predict(images))
    assert scores.shape == model(images).shape
    classes = model.classes + model.smallest_wins
    assert shares.shape == (5, classes, *scores.shape[2:])
    torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))
    assert scores.requires_grad
    if model.smallest_wins:
        own = RECIPES[variant].changed(loss="discriminative").build_criterion()
        distances = model(images).movedim(1, -1)
        expected = own.log_posteriors(distances)[0].exp().roll(-1, -1).movedim(-1, 1)
        torch.testing.assert_close(shares, expected)


# --- Defaults and switches ----------------------------------------------------------------------


def test_the_defaults_are_the_original():
    recipe = RECIPES["original"]
    model = LeNet5()
    assert model.switches == {key: getattr(recipe, key) for key in NETWORK_SWITCHES}
    for key in ("scaling", "rubbish_j", "half_distance"):
        assert getattr(model, key) == getattr(recipe, key)
    assert initial_parameters(recipe) == Start()
    model.reset_parameters(initial_weights(5))
    torch.manual_seed(1)
    other = LeNet5()
    torch.manual_seed(1)
    other.reset_parameters()
    for name, tensor in build_model(seed=5).state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_a_networks_layers_draw_from_torchs_generator_once():
    torch.manual_seed(1)
    model = LeNet5()
    other = copy.deepcopy(model)
    torch.manual_seed(1)
    other.reset_parameters()
    assert all(map(torch.equal, model.parameters(), other.parameters()))


OTHERS = [(key, value) for key, values in NETWORK_SWITCHES.items() for value in values[1:]]


@pytest.mark.parametrize(("key", "value"), OTHERS)
@pytest.mark.parametrize("way", [lambda s: s, copy.deepcopy, saved])
def test_the_state_of_another_network_is_refused(key, value, way):
    model, other = LeNet5(), LeNet5(**{key: value})
    before = copy.deepcopy(model.state_dict())
    for strict in (True, False):
        with pytest.raises(RuntimeError, match=f"{key}={value} there, {key}="):
            model.load_state_dict(way(other.state_dict()), strict=strict)
    assert all(map(torch.equal, model.state_dict().values(), before.values()))
    for wrapped in (nn.Sequential, AveragedModel):
        with pytest.raises(RuntimeError, match=f"{key}={value} there"):
            wrapped(model).load_state_dict(wrapped(other).state_dict())


def test_plain_tensors_load_wherever_they_fit(tmp_path):
    state = LeNet5(squash="relu").state_dict()
    assert LeNet5().load_state_dict(dict(state))
    save_file(state, tmp_path / "net.safetensors")
    assert LeNet5().load_state_dict(load_file(tmp_path / "net.safetensors"))


@pytest.mark.parametrize(("key", "value"), OTHERS)
def test_a_file_of_another_networks_weights_is_refused(key, value, tmp_path):
    other = LeNet5(**{key: value})
    save_weights(other, tmp_path / "net.safetensors")
    with pytest.raises(BadInput, match=rf"another network \({key}={value} there, {key}="):
        load_weights(LeNet5(), tmp_path / "net.safetensors")
    loaded = load_weights(LeNet5(**{key: value}), tmp_path / "net.safetensors")
    assert all(map(torch.equal, loaded.state_dict().values(), other.state_dict().values()))


# --- Images -------------------------------------------------------------------------------------


def on_a_field(digits, offset, gain):
    images = torch.from_numpy(digits.test_images[:20])[:, None] / 255
    return nn.functional.pad(offset + gain * images, (2, 2, 2, 2), value=offset)


UNPREPARED = {
    "0 to 1": (0, 1),
    "0 to 255": (0, 255),
    "normalised": (-0.1307 / 0.3081, 1 / 0.3081),
    "of ImageNet": (-0.485 / 0.229, 1 / 0.229),
    "-1 to 1": (-1, 2),
    "inverted": (1.175, -1.275),
    "0 to 1, inverted": (1, -1),
    "0 to 255, inverted": (255, -255),
}


@pytest.mark.parametrize("kind", UNPREPARED)
@pytest.mark.parametrize("call", ["__call__", "predict", "scores", "posteriors"])
def test_unprepared_images_are_warned_of_once(kind, call, digits):
    model, images = build_model(), on_a_field(digits, *UNPREPARED[kind])
    dark = ", dark on light" if "inverted" in kind else ""
    says = rf"background of \S+{dark}; .*lenet1998\.transforms\.Prepare\(size=32, scaling='paper'\)"
    with pytest.warns(UserWarning, match=says), torch.no_grad():
        getattr(model, call)(images)
    with torch.no_grad():
        getattr(model, call)(images[:7])
        model.scaling = None
        build_model().features(images)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_prepared_images_are_not_warned_of(scaling, digits):
    model = build_model(RECIPES["original"].changed(scaling=scaling))
    offset, gain = SCALINGS[scaling]
    images = on_a_field(digits, offset, gain)
    noisy = torch.where(torch.rand_like(images) < 0.1, 2 * offset + gain - images, images)
    shifted = images.roll(9, -1)
    line = torch.cat(list(images), -1)[None]
    for prepared in (images, images[:1], noisy, noisy[:1], shifted, line):
        model.predict(prepared)
    for made in (torch.zeros, torch.rand, torch.randn):
        model.predict(made(9, 1, 32, 32))
    for other in {*SCALINGS} - {scaling}:
        with pytest.warns(UserWarning, match="do not look prepared"):
            copy.deepcopy(model).predict(on_a_field(digits, *SCALINGS[other]))


@pytest.mark.parametrize("variant", ["distortions", "noise", "strings"])
def test_patterns_that_a_recipe_makes_are_not_warned_of(variant, digits):
    recipe = RECIPES[variant].changed(train_size=100)
    images, _ = Schedule(recipe, 0, digits).take(np.arange(100), 1)
    build_model(recipe).predict(images)


@pytest.mark.parametrize(
    "images", [np.zeros((1, 1, 32, 32), np.float32), torch.zeros(1, 1, 32, 32, dtype=torch.uint8)]
)
@pytest.mark.parametrize("call", ["forward", "features", "predict", "scores", "posteriors"])
def test_what_is_no_tensor_of_floating_point_is_refused(images, call):
    with pytest.raises(TypeError, match=r"^images must be a tensor of floating point.*Prepare\("):
        getattr(LeNet5(), call)(images)


# --- Other characters ---------------------------------------------------------------------------


LETTERS = paper.ascii_codes("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize("codes", [LETTERS, torch.from_numpy(LETTERS), LETTERS.tolist()])
def test_letters_in_colour(codes):
    model = LeNet5(codes=codes, in_channels=3, blank="space")
    assert model(torch.zeros(2, 3, 32, 36)).shape == (2, 27, 1, 2)
    assert torch.equal(model.output.codes[:26], torch.from_numpy(LETTERS).float())
    assert torch.equal(model.output.codes[26], torch.full((84,), -1.0))
    layers = {layer.name: layer for layer in count(model).layers}
    assert (layers["c1"].parameters, layers["output"].connections) == (6 * 76, 27 * 84)
    assert layers["c1"].connections == 28 * 28 * 6 * 76
    assert count(model).parameters == sum(p.numel() for p in model.parameters())
    again = LeNet5(**model.switches)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.output.codes, model.output.codes)
    assert "codes=(26, 84), classes=26, in_channels=3" in repr(model)
    ones = torch.ones(1, 3, 32, 32)
    torch.testing.assert_close(outputs(model, ones), model(ones))
    with pytest.raises(ValueError, match="in_channels=1"):
        model.read("a.png")


@pytest.mark.parametrize(
    ("switches", "classes"),
    [
        ({"output": "linear", "classes": 26}, 26),
        ({"codes": "random", "classes": 3}, 3),
        ({"codes": "one_hot", "classes": 84}, 84),
        ({"codes": LETTERS, "classes": 26}, 26),
        ({"codes": LETTERS[:11]}, 11),
    ],
)
def test_any_number_of_classes(switches, classes):
    model = LeNet5(**switches)
    assert model.classes == classes
    assert model.scores(torch.rand(2, 1, 32, 32)).shape == (2, classes)
    assert count(model).layers[-1].maps == classes
    ones = torch.ones(1, 1, 32, 32)
    torch.testing.assert_close(outputs(model, ones), model(ones))


@pytest.mark.parametrize(
    ("switches", "says"),
    [
        ({"classes": 26}, "26 classes need codes=a tensor"),
        ({"classes": 85, "codes": "one_hot"}, "85 classes need codes=a tensor"),
        ({"classes": 9, "codes": LETTERS}, "9 classes need codes=a tensor"),
        ({"codes": LETTERS, "output": "linear"}, "of output=rbf, got"),
        ({"codes": LETTERS[:, :80]}, r"codes must be \(classes, 84\)"),
        ({"codes": None}, "codes must be one of bitmaps, random, one_hot; got None"),
        ({"classes": 0}, "classes must be >= 1, got 0"),
        ({"classes": 2.0, "codes": "random"}, "classes must be a whole number, got 2.0"),
        ({"in_channels": 0}, "in_channels must be >= 1, got 0"),
        ({"in_channels": "3"}, "in_channels must be a whole number, got '3'"),
    ],
)
def test_classes_that_there_are_no_codes_of(switches, says):
    with pytest.raises((TypeError, ValueError), match=says):
        LeNet5(**switches)


@pytest.mark.parametrize("wrap", [lambda model: model, compiled, nn.DataParallel])
def test_a_network_of_numpys_numbers_is_saved_however_it_is_wrapped(wrap, tmp_path):
    sizes = {"classes": np.int64(26), "in_channels": np.int8(3), "input_size": np.uint8(28)}
    model = LeNet5(codes="random", **sizes)
    save_weights(wrap(model), tmp_path / "net.safetensors")
    again = load_weights(LeNet5(**model.switches), tmp_path / "net.safetensors")
    assert torch.equal(again.f6.weight, model.f6.weight)
    assert count(wrap(model)) == count(again)


@pytest.mark.parametrize("batch", [0, -1, 1.5, True])
@pytest.mark.parametrize("call", ["predict", "scores", "posteriors"])
def test_a_batch_that_is_no_number_of_patterns_is_refused(call, batch, digits):
    images = prepare(digits.test_images[:2])
    with pytest.raises((TypeError, ValueError), match="batch must be"):
        getattr(build_model(), call)(images, batch=batch)


@pytest.mark.parametrize("of", [nn.Linear(2, 2), None, "original", RECIPES["original"], LeNet5])
@pytest.mark.parametrize("call", [count, to_program, partial(save_weights, file="net")])
def test_what_is_no_lenet5_is_refused(call, of):
    with pytest.raises(TypeError, match="model must be a LeNet5, got "):
        call(of)


# --- Pictures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["original", "modern", "strings"])
def test_a_picture_is_read(variant, digits, tmp_path):
    model = load_pretrained(variant)
    pattern = digits.test_images[9]
    file = tmp_path / "seven.png"
    Image.fromarray(pattern).save(file)
    (expected,) = model.scores(prepare(pattern[None])).detach()
    with Image.open(file) as image:
        image.load()
    for picture in (file, str(file), image, pattern, Picture(pattern, False, False)):
        found = model.read(picture)
        assert (found.digit, digits.test_labels[9]) == (7, 7)
        torch.testing.assert_close(found.scores, expected)
        if model.smallest_wins:
            assert torch.equal(found.distances, -found.scores)
            assert found.rubbish == found.posteriors[-1]
        else:
            assert (found.distances, found.rubbish) == (None, None)
