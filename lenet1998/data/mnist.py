"""MNIST's four files: found, verified by their SHA-256, and downloaded where they are missing."""

import io
import logging
import queue
import socket
import tempfile
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from hashlib import file_digest, sha256
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from lenet1998.data.patterns import Dataset
from lenet1998.errors import BadInput

logger = logging.getLogger(__name__)

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


class Absent(BadInput):
    """MNIST is neither on disk nor to be downloaded."""


def read_mnist(raw: Path) -> Dataset:
    """MNIST from the folder of its unzipped files, downloaded first if they are not there.

    Raises:
        Absent: they are neither there nor to be had.
        BadInput: a file that is there is not the published one.
    """
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
