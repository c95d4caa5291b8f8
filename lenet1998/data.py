"""MNIST and the embedded digits, and what is done to patterns before the network sees them.

Reading (:func:`load`) gives bytes as they are stored, 28x28 ``uint8``; :func:`prepare` makes the
network's input of them. Both are free of chance.
"""

import io
import logging
import os
import queue
import socket
import tempfile
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import file_digest, sha256
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import torch

from lenet1998 import paper
from lenet1998.errors import BadInput
from lenet1998.streams import order_of, stream

logger = logging.getLogger(__name__)

DATASETS = ("auto", "mnist", "digits")

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MNIST_BYTES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}

PROBE_SECONDS = 8.0  # to find out whether any mirror answers
STALL_SECONDS = 20.0  # without a byte, while downloading

# value = offset + gain * pixel / 255
SCALINGS: dict[str, tuple[float, float]] = {
    "paper": (paper.BACKGROUND, paper.INK - paper.BACKGROUND),
    "unit": (0.0, 1.0),
    "half": (-1.0, 2.0),
    "standard": (-0.1307 / 0.3081, 1 / 0.3081),  # mean and deviation of MNIST's training pixels
}

CENTRE = 14  # row and column, from 0, of the pixel that MNIST puts a digit's centre of mass on

DIGITS_TEST_SIZE = 500
DIGITS_SPLIT_SEED = 1998  # not to be used for a run on them: its order would be the split's


class Absent(BadInput):
    """MNIST is neither on disk nor to be downloaded."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test patterns as stored.

    Attributes:
        name: "mnist" or "digits".
        train_images, test_images: (N, 28, 28) uint8, 0 the background.
        train_labels, test_labels: (N,) int64.
        checksum: SHA-256 that identifies the data, in hexadecimal.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    checksum: str


def load(name: str = "auto", directory: str | os.PathLike | None = None) -> Dataset:
    """Load a data set.

    Args:
        name: "mnist": read from ``directory``, downloaded first if it is not there. "digits":
            scikit-learn's 1,797 digits, always at hand. "auto": MNIST, or, with a logged warning,
            the digits where MNIST is neither there nor to be had.
        directory: where ``MNIST/raw/`` is, torchvision's layout, files unzipped (default:
            ``$LENET1998_DATA``, else ``./data``).

    Raises:
        BadInput: if the name is unknown, a file is not the published one (under "auto" too: data
            that is there is never passed over in silence), or MNIST is asked for and not to be had.
    """
    if name not in DATASETS:
        raise BadInput(f"unknown dataset {name!r}: choose from {', '.join(DATASETS)}")
    if name == "digits":
        return _digits()
    directory = Path(directory or os.environ.get("LENET1998_DATA") or "data").expanduser()
    try:
        return _mnist(directory / "MNIST" / "raw")
    except Absent as error:
        if name == "mnist":
            raise
        logger.warning("NOT MNIST but scikit-learn's 8x8 digits, because %s", error)
        return _digits()


def prepare(
    images: np.ndarray, size: int = paper.INPUT_SIZE, scaling: str = "paper"
) -> torch.Tensor:
    """Make the network's input: pad with background on all sides, then map the grey levels.

    Args:
        images: (N, H, H) uint8.
        size: height and width to pad to.
        scaling: a key of :data:`SCALINGS`.

    Returns:
        (N, 1, size, size) float32.

    Source: sections II-B and III-A; that the padding is 2 pixels on each side of a 28x28 pattern
    is measured on the patterns of Fig. 8.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"unknown scaling {scaling!r}: choose from {', '.join(SCALINGS)}")
    margin, odd = divmod(size - images.shape[-1], 2)
    if margin < 0 or odd:
        raise ValueError(f"cannot pad {images.shape[-1]} pixels evenly to {size}")
    offset, gain = SCALINGS[scaling]
    levels = (offset + gain * np.arange(256) / 255).astype(np.float32)
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    return torch.from_numpy(levels[padded])[:, None]


def constant_order(n: int, seed: int) -> np.ndarray:
    """The constant random order: shuffled once, then the same in every pass.

    Args:
        n: how many patterns.
        seed: the run's.

    Returns:
        (n,) int64, a permutation.

    Source: Appendix C.
    """
    return order_of(stream(seed, "order"), n)


# --- MNIST's files ------------------------------------------------------------------------------


def _mnist(raw: Path) -> Dataset:
    from torchvision.datasets.mnist import read_image_file, read_label_file  # slow to import

    missing = [file for file in MNIST_SHA256 if not _verified(raw / file)]
    if missing:
        try:
            _download(missing, raw)
        # torchvision raises RuntimeError, of several lines.
        except (OSError, RuntimeError, HTTPException) as error:
            reason = " ".join(str(error).split())
            raise Absent(
                f"MNIST is not at hand ({reason}): put {', '.join(missing)} (unzipped) into {raw}"
            ) from error
    readers = (read_image_file, read_label_file) * 2
    return Dataset(
        "mnist",
        *(read(raw / file).numpy() for read, file in zip(readers, MNIST_SHA256, strict=True)),
        checksum=sha256("".join(MNIST_SHA256.values()).encode()).hexdigest(),
    )


def _verified(path: Path) -> bool:
    """Whether a file is there; BadInput if it is, but is not the published one."""
    try:
        fault = _fault(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    if fault:
        raise BadInput(f"{path} {fault}: replace it, or remove it to download it again")
    return True


def _fault(path: Path) -> str | None:
    """What is wrong with a file's content, or None if it is the published one."""
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        size = file.tell()
    if digest == MNIST_SHA256[path.name]:
        return None
    for other, known in MNIST_SHA256.items():
        if digest == known:
            return f"holds the content of {other}: the files are swapped"
    if size < MNIST_BYTES[path.name]:
        return f"is truncated: {size:,} bytes of {MNIST_BYTES[path.name]:,}"
    return f"has the wrong SHA-256, {digest} for {MNIST_SHA256[path.name]}"


def _download(files: list[str], raw: Path) -> None:
    """Download files into `raw`; all are verified before any is put there."""
    from torchvision.datasets import MNIST

    _probe([mirror + MNIST.resources[0][0] for mirror in MNIST.mirrors])
    logger.info("downloading MNIST into %s", raw)
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=raw) as folder:
        with (
            _stalling_at_most(STALL_SECONDS),
            redirect_stdout(io.StringIO()) as progress,
            redirect_stderr(progress),
        ):
            downloaded = Path(MNIST(folder, download=True).raw_folder)
        for file in files:
            if fault := _fault(downloaded / file):
                raise OSError(f"{file} as downloaded {fault}")
        for file in files:
            (downloaded / file).replace(raw / file)


def _probe(urls: list[str]) -> None:
    """OSError if none of the addresses answers within PROBE_SECONDS.

    In threads that are left behind, because looking up a host name has no time limit of its own.
    """
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def probe(url: str) -> None:
        try:
            urlopen(Request(url, method="HEAD"), timeout=PROBE_SECONDS).close()
        except (OSError, HTTPException) as error:
            logger.debug("%s: %s", url, error)
            answers.put(False)
        else:
            answers.put(True)

    for url in urls:
        threading.Thread(target=probe, args=(url,), daemon=True).start()
    deadline = time.monotonic() + PROBE_SECONDS
    try:
        if any(answers.get(timeout=max(0.0, deadline - time.monotonic())) for _ in urls):
            return
    except queue.Empty:
        pass
    raise OSError("no mirror can be reached")


@contextmanager
def _stalling_at_most(seconds: float):
    """Give sockets that set no time limit of their own, as torchvision's, this one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


# --- The embedded digits ------------------------------------------------------------------------


def _digits() -> Dataset:
    """scikit-learn's digits, normalised as MNIST is; the test set is DIGITS_TEST_SIZE of them."""
    from sklearn.datasets import load_digits  # slow to import, and MNIST does without

    source = load_digits()
    # load_digits counts ink from 0 to 16. The rounding to 6 places lets every machine round the
    # exact halves alike.
    levels = np.stack([normalise(image) for image in source.images]) * 255 / 16
    images = np.rint(levels.round(6)).astype(np.uint8)
    labels = source.target.astype(np.int64)
    order = constant_order(len(images), DIGITS_SPLIT_SEED)
    test, train = order[:DIGITS_TEST_SIZE], order[DIGITS_TEST_SIZE:]
    parts = images[train], labels[train], images[test], labels[test]
    return Dataset("digits", *parts, checksum=sha256(b"".join(map(bytes, parts))).hexdigest())


def normalise(image: np.ndarray) -> np.ndarray:
    """Scale a digit's bounding box to 20x20, keeping its aspect ratio, and centre it in 28x28.

    Args:
        image: (H, W), ink of any positive levels on exactly 0; some ink there must be.

    Returns:
        (28, 28) float64, in the image's own levels.

    Source: section III-A, which does this to MNIST's bilevel originals.
    """
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * paper.DIGIT_SIZE / max(box.shape))) for side in box.shape)
    digit = _weights(height, box.shape[0]) @ box @ _weights(width, box.shape[1]).T
    top = _first(digit.sum(axis=1))
    left = _first(digit.sum(axis=0))
    field = np.zeros((paper.FIELD_SIZE, paper.FIELD_SIZE))
    field[top : top + height, left : left + width] = digit
    return field


def _weights(new: int, old: int) -> np.ndarray:
    """Bilinear interpolation from `old` to `new` samples, (new, old); the edges are held.

    Where samples get fewer, each is the mean of those it stands for: nothing falls between two.
    """
    position = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    distance = np.abs(position[:, None] - np.arange(old)) / max(1.0, old / new)
    weights = np.maximum(0.0, 1.0 - distance)
    return weights / weights.sum(axis=1, keepdims=True)


def _first(profile: np.ndarray) -> int:
    """Where a profile of ink starts in the field so that its centre of mass is on CENTRE."""
    centre = np.average(np.arange(len(profile)), weights=profile)
    return int(np.clip(round(CENTRE - centre), 0, paper.FIELD_SIZE - len(profile)))
