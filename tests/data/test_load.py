"""Reading and refusing files, doing without the network, and preparing patterns."""

import contextlib
import gzip
import hashlib
import http.server
import logging
import os
import socket
import threading
import time

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST

from lenet1998 import paper
from lenet1998.data import SCALINGS, constant_order, load, mnist, prepare
from lenet1998.data.mnist import MNIST_SHA256
from lenet1998.data.patterns import CENTRE
from lenet1998.errors import BadInput

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = MNIST_SHA256

# torchvision leaves it to the garbage collector to close the answers of mirrors that refuse.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def raw(directory):
    return directory / "MNIST" / "raw"


def listing(directory):
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


# --- MNIST on disk ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "auto"])
def test_reads_the_four_files(tiny_mnist, digits, name):
    tiny = load(name, tiny_mnist)
    assert tiny.name == "mnist"
    np.testing.assert_array_equal(tiny.train_images, digits.train_images[:300])
    np.testing.assert_array_equal(tiny.train_labels, digits.train_labels[:300])
    np.testing.assert_array_equal(tiny.test_images, digits.test_images[:100])
    np.testing.assert_array_equal(tiny.test_labels, digits.test_labels[:100])
    assert tiny.train_images.dtype == np.uint8
    assert tiny.train_labels.dtype == np.int64
    assert tiny.train_images.flags.writeable  # torch warns of arrays that are not
    assert len(tiny.checksum) == 64


def test_directory_defaults_to_the_environment(tiny_mnist, monkeypatch):
    monkeypatch.setenv("LENET1998_DATA", str(tiny_mnist))
    assert load().name == "mnist"


def test_a_home_that_nobody_has_is_bad_input(monkeypatch):
    monkeypatch.setenv("LENET1998_DATA", "~nouser/mnist")
    for directory in (None, "~nouser/mnist"):
        with pytest.raises(BadInput, match=r"^cannot read ~nouser/mnist: "):
            load("auto", directory)


def test_directory_defaults_to_data_here(tiny_mnist, monkeypatch):
    monkeypatch.delenv("LENET1998_DATA", raising=False)
    tiny_mnist.rename(tiny_mnist.parent / "data")
    monkeypatch.chdir(tiny_mnist.parent)
    assert load().name == "mnist"


def spoil(path, how):
    content = path.read_bytes()
    match how:
        case "truncated":
            content = content[:-1]
        case "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        case "swapped":
            content = path.with_name(TEST_LABELS).read_bytes()
        case "web page":
            content = b"<!doctype html>" * 100
        case "empty":
            content = b""
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("name", ["mnist", "auto"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", "is truncated: 307 bytes of 308"),
        ("wrong", "has the wrong SHA-256"),
        ("swapped", f"holds the content of {TEST_LABELS}"),
        ("web page", "is too long: 1,500 bytes for 308"),
        ("empty", "is truncated: 0 bytes of 308"),
    ],
)
def test_refuses_a_spoilt_file_and_leaves_it_alone(tiny_mnist, name, how, words):
    path = raw(tiny_mnist) / TRAIN_LABELS
    content = spoil(path, how)
    with pytest.raises(BadInput) as caught:
        load(name, tiny_mnist)
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert "\n" not in message
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["mnist", "auto"])
@pytest.mark.parametrize("kind", ["folder", "fifo", "/dev/zero", "/dev/null"])
def test_refuses_unread_what_is_no_regular_file(tiny_mnist, name, kind):
    path = raw(tiny_mnist) / TEST_LABELS
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)  # to open it would wait for a writer
        case device:
            path.symlink_to(device)
    with pytest.raises(BadInput, match=f"{TEST_LABELS} is no regular file: replace it, or remove"):
        load(name, tiny_mnist)


def test_refuses_unread_what_is_far_too_long(tiny_mnist):
    path = raw(tiny_mnist) / TEST_LABELS
    os.truncate(path, 1 << 40)  # of holes
    with pytest.raises(BadInput, match=r"is too long: 1,099,511,627,776 bytes for 108"):
        load("mnist", tiny_mnist)


def test_refuses_what_it_cannot_read(tiny_mnist, monkeypatch):
    path = raw(tiny_mnist) / TEST_LABELS

    def forbidden(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "open", forbidden)
    with pytest.raises(BadInput, match=f"cannot read .*{TRAIN_IMAGES}.*Permission denied"):
        load("auto", tiny_mnist)


def test_never_reads_torchvisions_old_copy(tiny_mnist):
    """torchvision prefers `processed/`, which nothing verifies, if it is there."""
    before = load("mnist", tiny_mnist)
    processed = tiny_mnist / "MNIST" / "processed"
    processed.mkdir()
    for file in ("training.pt", "test.pt"):
        torch.save((torch.zeros(9, 28, 28, dtype=torch.uint8), torch.zeros(9)), processed / file)
    np.testing.assert_array_equal(load("mnist", tiny_mnist).test_images, before.test_images)


NAMES = {
    "7-Zip": lambda name: name.replace("-idx", ".idx"),
    "gzip": lambda name: f"{name}.gz",
    "7-Zip's archive": lambda name: name.replace("-idx", ".idx") + ".gz",
    "capitals": str.upper,
    "underscores": lambda name: name.replace("-", "_"),
    "test for t10k": lambda name: name.replace("t10k", "test"),
    "an ending": lambda name: f"{name}.bin",
    "a second download": lambda name: f"{name} (1)",
    "a prefix": lambda name: f"mnist-{name}",
    "a folder each": lambda name: f"{name}.d/{name}",
}


def renamed(directory, place, name, files=MNIST_SHA256):
    """Move some of MNIST's files below a directory, under other names."""
    for file in list(files):
        old, new = raw(directory) / file, directory / place / name(file)
        content = old.read_bytes()
        old.unlink()
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(gzip.compress(content) if new.suffix == ".gz" else content)


@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "mnist/raw", "raw", ""])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_reads_files_of_other_names_in_other_folders(tiny_mnist, name, place):
    before = load("mnist", tiny_mnist)
    renamed(tiny_mnist, place, name)
    found = load("auto", tiny_mnist)
    assert (found.name, found.checksum) == ("mnist", before.checksum)
    np.testing.assert_array_equal(found.train_images, before.train_images)
    np.testing.assert_array_equal(found.test_labels, before.test_labels)
    assert found.train_images.flags.writeable


def test_reads_files_in_the_folder_itself(tiny_mnist):
    assert load("mnist", raw(tiny_mnist)).name == "mnist"


def test_reads_a_set_of_which_half_is_named_otherwise(tiny_mnist):
    renamed(tiny_mnist, "", NAMES["gzip"], [TRAIN_IMAGES, TEST_LABELS])
    assert load("mnist", tiny_mnist).name == "mnist"


@pytest.mark.parametrize("name", ["mnist", "auto"])
def test_names_files_that_only_look_like_it(tiny_mnist, name, caplog):
    renamed(tiny_mnist, "MNIST", NAMES["7-Zip"])
    odd = tiny_mnist / "MNIST" / NAMES["7-Zip"](TRAIN_LABELS)
    odd.write_bytes(odd.read_bytes()[:-1])
    if name == "auto":
        assert load(name, tiny_mnist).name == "digits"
        message = caplog.text
    else:
        with pytest.raises(BadInput) as caught:
            load(name, tiny_mnist)
        message = str(caught.value)
    assert f"put {TRAIN_LABELS} (unzipped)" in message
    assert f"; {odd} is truncated: 307 bytes of 308" in message


def test_names_what_is_no_gzip_file(tiny_mnist):
    renamed(tiny_mnist, "", NAMES["gzip"])
    odd = tiny_mnist / f"{TEST_LABELS}.gz"
    odd.write_bytes(odd.read_bytes()[:2] + b"no more")
    with pytest.raises(BadInput, match=f"; {odd} is no gzip file"):
        load("mnist", tiny_mnist)


def test_an_archive_that_grows_without_end_is_not_unzipped(tiny_mnist):
    renamed(tiny_mnist, "", NAMES["gzip"])
    odd = tiny_mnist / f"{TEST_LABELS}.gz"
    odd.write_bytes(gzip.compress(bytes(1 << 20)))
    # One byte more than the longest file has.
    with pytest.raises(BadInput, match=f"; {odd} is too long: 235,217 bytes for 108"):
        load("mnist", tiny_mnist)


def test_refuses_an_unknown_name():
    with pytest.raises(BadInput, match="'cifar': choose from auto, mnist, digits"):
        load("cifar")


# --- MNIST from the network ---------------------------------------------------------------------


def test_without_files_and_network_mnist_says_what_to_put_where(tmp_path):
    start = time.monotonic()
    with pytest.raises(BadInput) as caught:
        load("mnist", tmp_path)
    assert time.monotonic() - start < 2
    message = str(caught.value)
    assert str(raw(tmp_path)) in message
    assert all(file in message for file in MNIST_SHA256)
    assert "\n" not in message
    assert listing(tmp_path) == []


def test_one_missing_file_is_named_alone(tiny_mnist):
    (raw(tiny_mnist) / TRAIN_LABELS).unlink()
    with pytest.raises(BadInput, match=f"put {TRAIN_LABELS} .unzipped. into"):
        load("mnist", tiny_mnist)


def test_without_files_and_network_auto_warns_and_gives_the_digits(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="lenet1998.data.load"):
        fallback = load("auto", tmp_path)
    assert fallback.name == "digits"
    (record,) = caplog.records
    assert record.getMessage().startswith("NOT MNIST")
    assert "\n" not in record.getMessage()


@contextlib.contextmanager
def mirror(monkeypatch, files, odd=None, how=None):
    """A list of mirrors, of which the second, on this machine, serves `files`, name to content.

    Asked for the file named `odd` it is silent, or drips bytes in its header or content, or never
    comes to an end, as `how` says. Yields the list of the paths that were asked for.
    """
    over, asked = threading.Event(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            name = self.path.lstrip("/")
            with contextlib.suppress(OSError):  # who has heard enough hangs up
                if name == odd:
                    self.misbehave()
                elif name in files:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(files[name])))
                    self.end_headers()
                    self.wfile.write(files[name])
                else:
                    self.send_error(404)

        def misbehave(self):
            if how == "stalls":
                over.wait()
            if how != "drips its header":
                self.send_response(200)
                self.end_headers()
            while not over.is_set():
                self.wfile.write(b"x" if "drips" in how else b"x" * 10_000)
                if "drips" in how:
                    over.wait(0.02)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(MNIST, "mirrors", ["http://mirror.invalid/", address])
        try:
            yield asked
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def packed(tiny_mnist, monkeypatch):
    """The tiny files as a mirror has them, and torchvision knows them."""
    files = {
        file + ".gz": gzip.compress((raw(tiny_mnist) / file).read_bytes()) for file in MNIST_SHA256
    }
    known = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
    monkeypatch.setattr(MNIST, "resources", known)
    return files


def test_downloads_in_silence(tiny_mnist, packed, tmp_path, monkeypatch, capfd):
    with mirror(monkeypatch, packed):
        downloaded = load("mnist", tmp_path / "new")
    assert capfd.readouterr() == ("", "")
    assert listing(tmp_path / "new") == sorted(MNIST_SHA256)
    again, original = load("mnist", tmp_path / "new"), load("mnist", tiny_mnist)
    for dataset in (downloaded, again):
        np.testing.assert_array_equal(dataset.train_images, original.train_images)
        np.testing.assert_array_equal(dataset.test_labels, original.test_labels)


def test_a_download_leaves_alone_what_is_there(tiny_mnist, packed, monkeypatch):
    (raw(tiny_mnist) / TRAIN_LABELS).unlink()
    present = raw(tiny_mnist) / TEST_LABELS
    before = present.stat()
    with mirror(monkeypatch, packed) as asked:
        load("mnist", tiny_mnist)
    assert set(asked) == {f"/{TRAIN_LABELS}.gz"}
    assert listing(tiny_mnist) == sorted(MNIST_SHA256)
    assert (present.stat().st_ino, present.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_what_one_mirror_lacks_another_has(packed, tmp_path, monkeypatch):
    spoilt = dict.fromkeys(packed, b"<!doctype html>")
    with mirror(monkeypatch, spoilt) as asked:
        (_, poor) = MNIST.mirrors
        with mirror(monkeypatch, packed):
            (_, rich) = MNIST.mirrors
            monkeypatch.setattr(MNIST, "mirrors", [poor, rich])
            assert load("mnist", tmp_path / "new").name == "mnist"
    assert set(asked) == {f"/{TRAIN_IMAGES}.gz"}  # and no more is expected of it


def test_what_is_no_address_is_no_mirror(packed, tmp_path, monkeypatch):
    with mirror(monkeypatch, packed):
        monkeypatch.setattr(MNIST, "mirrors", ["mirror.invalid/", *MNIST.mirrors])
        assert load("mnist", tmp_path / "new").name == "mnist"
        monkeypatch.setattr(MNIST, "mirrors", ["http://[::/"])
        with pytest.raises(BadInput, match="no mirror has all of it"):
            load("mnist", tmp_path / "other")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("cut short", "File not found or corrupted"),
        ("other content", f"{TEST_LABELS} as downloaded has the wrong SHA-256"),
        ("swapped", "File not found or corrupted"),
        ("no gzip", "File not found or corrupted"),
        ("absent", "HTTP Error 404: "),
        ("stalls", "timed out after 0."),
        ("drips", "timed out after 0."),
        ("drips its header", "timed out after 0."),
        ("never ends", "sends more than "),
    ],
)
def test_a_failed_download_leaves_nothing(packed, tmp_path, monkeypatch, how, words):
    name, odd = TEST_LABELS + ".gz", None  # the last of the files
    match how:
        case "cut short":
            packed[name] = packed[name][:-20]
        case "other content":  # that torchvision takes for the right one
            monkeypatch.setitem(mnist.MNIST_SHA256, TEST_LABELS, "0" * 64)
        case "swapped":
            packed[name] = packed[TRAIN_LABELS + ".gz"]
        case "no gzip":
            packed[name] = b"<!doctype html>"
        case "absent":
            del packed[name]
        case _:
            odd = name
            monkeypatch.setattr(mnist, "STALL_SECONDS", 0.3)
    start = time.monotonic()
    with mirror(monkeypatch, packed, odd, how), pytest.raises(BadInput) as caught:
        load("mnist", tmp_path / "new")
    assert time.monotonic() - start < 3
    message = str(caught.value)
    assert "MNIST is not at hand" in message
    assert words in message
    assert f"put {', '.join(MNIST_SHA256)} (unzipped) into {raw(tmp_path / 'new')}" in message
    assert "\n" not in message
    assert list(raw(tmp_path / "new").iterdir()) == []


def test_a_slow_mirror_is_given_up_for_the_next(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "MIRROR_SECONDS", 0.5)
    slow = TRAIN_LABELS + ".gz"
    start = time.monotonic()
    with mirror(monkeypatch, packed, slow, "drips"):
        slow_one = MNIST.mirrors[1]
        with mirror(monkeypatch, packed):
            monkeypatch.setattr(MNIST, "mirrors", [slow_one, MNIST.mirrors[1]])
            assert load("mnist", tmp_path / "new").name == "mnist"
    assert 0.5 < time.monotonic() - start < 3
    assert listing(tmp_path / "new") == sorted(MNIST_SHA256)


def test_all_mirrors_together_have_a_limit(packed, tmp_path, monkeypatch):
    assert len(MNIST.mirrors) * mnist.MIRROR_SECONDS <= 600
    monkeypatch.setattr(mnist, "MIRROR_SECONDS", 0.3)
    start = time.monotonic()
    with mirror(monkeypatch, packed, TRAIN_LABELS + ".gz", "stalls"):
        monkeypatch.setattr(MNIST, "mirrors", MNIST.mirrors[1:] * 2)
        with pytest.raises(BadInput, match=r"timed out after 0\.[34] seconds; .*timed out after 0"):
            load("mnist", tmp_path / "new")
    assert time.monotonic() - start < 3
    assert listing(tmp_path / "new") == []


def test_gives_up_on_a_mirror_that_never_answers(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        monkeypatch.setattr(mnist, "PROBE_SECONDS", 0.3)
        start = time.monotonic()
        with pytest.raises(BadInput, match=r"timed out after 0\.[34] seconds"):
            load("mnist", tmp_path)
        assert time.monotonic() - start < 3


def test_gives_up_on_a_look_up_that_never_ends(tmp_path, monkeypatch):
    over = threading.Event()

    def endless(*args, **kwargs):
        over.wait()
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", endless)
    monkeypatch.setattr(mnist, "PROBE_SECONDS", 0.2)
    try:
        with pytest.raises(BadInput, match=r"timed out after 0\.[23] seconds"):
            load("mnist", tmp_path)
    finally:
        over.set()


def test_gives_up_within_ten_seconds():
    assert len(MNIST.mirrors) * mnist.PROBE_SECONDS < 10


def test_torchvisions_files_are_the_published_ones():
    assert [name for name, _ in MNIST.resources] == [f"{file}.gz" for file in MNIST_SHA256]


# --- The embedded digits ------------------------------------------------------------------------


def test_digits_are_the_same_every_time(digits):
    again = load("digits")
    assert again.checksum == digits.checksum
    np.testing.assert_array_equal(again.train_images, digits.train_images)
    # The split and the drawing of the digits are promises: records refer to this checksum.
    assert digits.checksum == "6bf27fc5b8c9537d44bc404edb51ad2c030ecf673820e0bb5acbf4d691e07482"


def test_digits_have_mnists_form(digits):
    assert digits.train_images.shape == (1297, 28, 28)
    assert digits.test_images.shape == (500, 28, 28)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_labels.dtype == np.int64
    assert set(digits.train_labels) == set(digits.test_labels) == set(range(10))
    assert digits.train_images.max() == 255


def test_digits_are_size_normalised_and_centred(digits):
    images = np.concatenate([digits.train_images, digits.test_images])
    ink = images > 0
    height, width = (
        np.array([np.ptp(np.flatnonzero(image.any(axis=axis))) + 1 for image in ink])
        for axis in (1, 0)
    )
    # The faintest edge of a digit may round to nothing.
    assert np.maximum(height, width).max() == paper.DIGIT_SIZE
    assert np.maximum(height, width).min() >= paper.DIGIT_SIZE - 1
    pixels = np.arange(28)
    mass = images.sum(axis=(1, 2), dtype=np.float64)
    for axis in (1, 2):
        centre = images.sum(axis=axis, dtype=np.float64) @ pixels / mass
        assert np.abs(centre - CENTRE).max() < 0.51


# --- Preparation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scaling", "low", "high"),
    [
        ("paper", -0.1, 1.175),
        ("unit", 0, 1),
        ("half", -1, 1),
        ("standard", -0.4242, 2.8215),
    ],
)
def test_scalings_at_background_and_ink(scaling, low, high):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 3, 5] = 255
    prepared = prepare(image, scaling=scaling)
    assert prepared.min().item() == pytest.approx(low, abs=1e-4)
    assert prepared.max().item() == pytest.approx(high, abs=1e-4)
    assert prepared[0, 0, 5, 7] == prepared.max()  # two pixels further, down and right


def test_every_scaling_is_tested_above():
    assert set(SCALINGS) == {"paper", "unit", "half", "standard"}


def test_prepare_pads_two_pixels_of_background_on_each_side():
    prepared = prepare(np.full((3, 28, 28), 255, np.uint8))
    assert prepared.shape == (3, 1, 32, 32)
    assert prepared.dtype == torch.float32
    inside = torch.zeros(32, 32, dtype=torch.bool)
    inside[2:30, 2:30] = True
    assert (prepared[:, 0, inside] == paper.INK).all()
    assert (prepared[:, 0, ~inside] == torch.tensor(paper.BACKGROUND)).all()


def test_prepare_can_leave_the_size_alone(digits):
    prepared = prepare(digits.test_images[:5], size=28, scaling="unit")
    np.testing.assert_allclose(prepared[:, 0].numpy(), digits.test_images[:5] / 255, rtol=1e-6)


def test_prepare_refuses_what_it_cannot_do():
    image = np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(ValueError, match="unknown scaling 'papre'"):
        prepare(image, scaling="papre")
    for size in (31, 26):
        with pytest.raises(ValueError, match=f"cannot pad 28 pixels evenly to {size}"):
            prepare(image, size=size)


# --- Order --------------------------------------------------------------------------------------


def test_constant_order_is_a_permutation_that_depends_on_the_seed_alone():
    order = constant_order(1000, seed=3)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(1000))
    np.testing.assert_array_equal(order, constant_order(1000, seed=3))
    assert (order != constant_order(1000, seed=4)).any()
    assert constant_order(8, seed=0).tolist() == [3, 2, 1, 6, 0, 7, 4, 5]  # records depend on it


def test_constant_order_leaves_numpys_global_generator_alone():
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    constant_order(10, seed=0)
    assert np.random.random() == expected


# --- The real files -----------------------------------------------------------------------------


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="LENET1998_DATA is not set")
def test_real_mnist_is_the_test_set_of_1998():
    mnist = load("mnist")
    assert mnist.train_images.shape == (paper.TRAIN_SIZE, 28, 28)
    assert mnist.test_images.shape == (paper.TEST_SIZE, 28, 28)
    errors = paper.fig8_errors()
    np.testing.assert_array_equal(mnist.test_labels[errors.index], errors.label)
    prepared = prepare(mnist.train_images[:10_000])
    assert prepared.mean().item() == pytest.approx(0.028, abs=0.003)
    assert prepared.var().item() == pytest.approx(0.123, abs=0.003)
