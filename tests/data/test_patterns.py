"""Datasets of one's own, forms of images that are prepared or refused, and sums to the last bit."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lenet1998.data import Dataset, prepare
from lenet1998.data.streams import stream, uniform
from lenet1998.data.sums import centre_of_mass, product, total


@pytest.fixture(scope="module")
def images(digits):
    return digits.test_images[:5]


def own(digits, **changes):
    """A small data set of the digits' first patterns, as four arrays with some changed."""
    parts = {
        "train_images": digits.train_images[:30],
        "train_labels": digits.train_labels[:30],
        "test_images": digits.test_images[:20],
        "test_labels": digits.test_labels[:20],
    }
    return Dataset("own", **parts | changes)


# --- Datasets -----------------------------------------------------------------------------------


def test_parts_are_datasets_of_torch(digits):
    train, test = digits
    assert (len(train), len(test)) == (1297, 500)
    assert (len(digits.train), len(digits.test)) == (1297, 500)
    assert isinstance(train, torch.utils.data.Dataset)
    image, label = train[3]
    assert (image.shape, image.dtype, label.dtype) == ((1, 28, 28), torch.uint8, torch.int64)
    np.testing.assert_array_equal(image[0], digits.train_images[3])
    assert label == digits.train_labels[3]
    images, labels = next(iter(DataLoader(test, batch_size=7)))
    assert torch.equal(prepare(images), prepare(digits.test_images[:7]))
    np.testing.assert_array_equal(labels, digits.test_labels[:7])


def test_a_dataset_is_shown_in_a_line(digits):
    shown = "Dataset('digits': 1,297 training and 500 test patterns of 28x28, 10 classes)"
    assert repr(digits) == shown


def test_a_checksum_is_that_of_the_arrays(digits):
    arrays = digits.train_images, digits.train_labels, digits.test_images, digits.test_labels
    assert Dataset("same", *arrays).checksum == digits.checksum
    images = digits.train_images.copy()
    images[5, 14, 14] ^= 1
    assert Dataset("other", images, *arrays[1:]).checksum != digits.checksum
    assert Dataset("told", images, *arrays[1:], checksum="abc").checksum == "abc"


@pytest.mark.parametrize(
    "changes",
    [
        lambda d: {"train_images": torch.from_numpy(d.train_images[:30])},
        lambda d: {"train_images": d.train_images[:30, None]},
        lambda d: {"train_images": d.train_images[:30].astype(np.int64)},
        lambda d: {"train_images": (d.train_images[:30] / 255).astype(np.float32)},
        lambda d: {"train_labels": torch.from_numpy(d.train_labels[:30])},
        lambda d: {"train_labels": d.train_labels[:30].astype(np.uint8)},
        lambda d: {"train_labels": d.train_labels[:30].tolist()},
    ],
)
def test_other_forms_of_the_same_are_the_same(changes, digits):
    plain, other = own(digits), own(digits, **changes(digits))
    assert other.checksum == plain.checksum
    assert (other.train_images.dtype, other.train_labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(other.train_images, plain.train_images)


REFUSED = {
    "900 for 1000": (
        lambda d: {"train_labels": d.train_labels[:31]},
        ValueError,
        "30 train_images with 31 train_labels",
    ),
    "negative": (
        lambda d: {"test_labels": d.test_labels[:20] - 5},
        ValueError,
        "test_labels must be from 0 to 255, got -",
    ),
    "beyond bytes": (
        lambda d: {"test_labels": d.test_labels[:20] + 250},
        ValueError,
        "test_labels must be from 0 to 255, got 25",
    ),
    "float labels": (
        lambda d: {"train_labels": d.train_labels[:30] / 1},
        TypeError,
        "train_labels must be whole numbers, got float64",
    ),
    "one-hot labels": (
        lambda d: {"train_labels": np.eye(10, dtype=int)[d.train_labels[:30]]},
        ValueError,
        r"train_labels must be \(N,\), got \(30, 10\)",
    ),
    "NaN": (
        lambda d: {"train_images": d.train_images[:30] * np.nan},
        ValueError,
        "train_images of floats must be from 0 to 1.*got nan",
    ),
    "floats to 255": (
        lambda d: {"test_images": d.test_images[:20] * 1.0},
        ValueError,
        "test_images of floats must be from 0 to 1.*got 0 to 255",
    ),
    "prepared": (
        lambda d: {"test_images": prepare(d.test_images[:20])},
        ValueError,
        "test_images of floats must be from 0 to 1.*do not normalise",
    ),
    "between levels": (
        lambda d: {"test_images": d.test_images[:20] / 300},
        ValueError,
        "test_images must be whole grey levels",
    ),
    "two sizes": (
        lambda d: {"test_images": d.test_images[:20, 4:24, 4:24]},
        ValueError,
        "must be of one size, got 28x28 and 20x20",
    ),
    "flat": (
        lambda d: {"test_images": d.test_images[:20].reshape(20, 1, 28 * 28)[:, :, :, None]},
        ValueError,
        "test_images must be grey",
    ),
    "strings": (
        lambda d: {"train_labels": [str(label) for label in d.train_labels[:30]]},
        TypeError,
        "train_labels must be whole numbers",
    ),
}


@pytest.mark.parametrize(("changes", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_dataset_is_refused_by_name(changes, error, words, digits):
    with pytest.raises(error, match=words):
        own(digits, **changes(digits))


# --- Forms of images ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a[:, None],
        lambda a: a.astype(np.int32),
        lambda a: a.tolist(),
        lambda a: a / 255,
        lambda a: (a / 255).astype(np.float32),
        lambda a: torch.from_numpy(a),
        lambda a: torch.from_numpy(a)[:, None] / 255,
        lambda a: (torch.from_numpy(a) / 255).requires_grad_(),
    ],
)
@pytest.mark.parametrize("scaling", ["paper", "standard"])
def test_every_form_of_an_image_is_prepared_alike(form, images, scaling):
    expected = prepare(images, scaling=scaling)
    assert torch.equal(prepare(form(images), scaling=scaling), expected)


def test_levels_between_the_bytes_are_scaled_as_they_are(images):
    prepared = prepare(torch.from_numpy(images / 255).to(torch.bfloat16), scaling="unit")
    wanted = torch.from_numpy(images / 255).to(torch.bfloat16).float()
    torch.testing.assert_close(prepared[:, 0, 2:30, 2:30], wanted, rtol=1e-6, atol=1e-6)


def test_bool_is_background_and_ink(images):
    bilevel = images > 127
    assert torch.equal(prepare(bilevel), prepare(bilevel * np.uint8(255)))


def test_one_image_is_a_batch_of_one(images):
    assert torch.equal(prepare(images[0]), prepare(images[:1]))


def test_sides_are_padded_each_by_its_own_margin(images):
    prepared = prepare(images[:, :, 4:24])
    assert prepared.shape == (5, 1, 32, 32)
    assert torch.equal(prepared[..., 6:26], prepare(images)[..., 6:26])
    assert (prepared[..., :6] == prepared[0, 0, 0, 0]).all()


@pytest.mark.parametrize(
    ("form", "error", "words"),
    [
        (lambda a: a * 1.0, ValueError, "from 0 to 1, as torchvision has them, got 0 to 255"),
        (lambda a: a / 127.5 - 1, ValueError, "got -1 to 1: .* do not normalise"),
        (lambda a: a * np.nan, ValueError, "got nan to nan"),
        (lambda a: a / 0.0, ValueError, "must be from 0 to 1"),
        (lambda a: (a > 0).astype(np.uint8), ValueError, "levels 0 and 1 only.*give bool"),
        (lambda a: a.astype(int) - 1, ValueError, "must be from 0 to 255, got -1 to 254"),
        (lambda a: a.astype(int) * 257, ValueError, "must be from 0 to 255, got 0 to 65535"),
        (lambda a: a[..., None], ValueError, r"the channel before the rows, got \(5, 28, 28, 1\)"),
        (lambda a: a[0, :, :, None], ValueError, r"got \(28, 28, 1\)"),
        (lambda a: a[0, :, :, None].repeat(3, 2), ValueError, r"grey.*got \(28, 28, 3\)"),
        (lambda a: a[:, None].repeat(3, 1), ValueError, r"grey.*got \(5, 3, 28, 28\)"),
        (lambda a: torch.from_numpy(a[:3]), ValueError, "may be one picture in colour"),
        (lambda a: a.ravel(), ValueError, r"must be grey.*got \(3920,\)"),
        (lambda a: a.reshape(5, -1), ValueError, "cannot pad 5 pixels evenly"),
        (lambda a: a[:, 1:], ValueError, "cannot pad 27 pixels evenly to 32"),
        (lambda a: np.pad(a, 20), ValueError, "cannot pad 68 pixels evenly to 32"),
        (lambda a: a.astype(complex), TypeError, "numbers, got complex128"),
        (lambda a: a.astype(str), TypeError, "numbers, got <U"),
        (lambda a: None, TypeError, "numbers, got object"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_other_images_are_refused_in_words(form, error, words, images):
    with pytest.raises(error, match=words):
        prepare(form(images))


def test_nothing_is_prepared_to_nothing():
    assert prepare(np.zeros((0, 28, 28), np.uint8)).shape == (0, 1, 32, 32)


@pytest.fixture(scope="module")
def values():
    return 10 ** (6 * uniform(stream(0, "rubbish"), (40, 300)))


def test_a_total_is_added_up_from_the_first(values):
    for axis, rows in ((1, values.tolist()), (0, values.T.tolist())):
        expected = []
        for row in rows:
            amount = 0.0
            for value in row:
                amount += value
            expected.append(amount)
        assert total(values, axis).tolist() == expected
    assert total(np.ones(3, np.float32)).dtype == np.float64


def test_a_product_is_added_up_term_by_term(values):
    left, right = values[:4], values.T[:, :5]
    expected = np.zeros((4, 5)).tolist()
    for i, row in enumerate(left.tolist()):
        for j, column in enumerate(right.T.tolist()):
            for one, other in zip(row, column, strict=True):
                expected[i][j] += one * other
    assert product(left, right).tolist() == expected
    np.testing.assert_allclose(product(left, right), left @ right)


def test_the_centre_of_mass_is_in_places_from_0():
    assert centre_of_mass(np.array([0, 1, 0, 3])) == 2.5
