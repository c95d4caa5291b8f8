"""MNIST's four files: found, verified by their SHA-256, and downloaded where they are missing."""

import io
import logging
import queue
import stat
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import file_digest, sha256
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

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
FILE_SECONDS = 300.0  # for one file from one mirror, however its bytes come
DOWNLOAD_SECONDS = 600.0  # for all files from all mirrors

# What urllib raises; ValueError where it is given, or sent on to, what is no address.
_REFUSALS = (OSError, HTTPException, ValueError)


class Absent(BadInput):
    """MNIST is neither on disk nor to be downloaded."""


def read_mnist(raw: Path) -> Dataset:
    """MNIST from the folder of its unzipped files, downloaded first if they are not there.

    Raises:
        Absent: they are neither there nor to be had.
        BadInput: a file that is there is not the published one.
    """
    missing = [file for file in MNIST_SHA256 if not _verified(raw / file)]
    if missing:
        try:
            _download(missing, raw)
        except OSError as error:
            reason = " ".join(str(error).split())
            raise Absent(
                f"MNIST is not at hand ({reason}): put {', '.join(missing)} (unzipped) into {raw}"
            ) from error
    return Dataset(
        "mnist",
        *(_read(raw / file) for file in MNIST_SHA256),
        checksum=sha256("".join(MNIST_SHA256.values()).encode()).hexdigest(),
    )


def _read(file: Path) -> np.ndarray:
    """Read a verified file, in the shape that its header gives; labels as int64.

    torchvision reads such files, too, but takes longer to import than a short run takes.
    """
    content = np.fromfile(file, np.uint8)
    start = 4 + 4 * content[3]  # the fourth byte counts the dimensions
    values = content[start:].reshape(content[4:start].view(">i4"))
    return values.astype(np.int64) if values.ndim == 1 else values


def _verified(path: Path) -> bool:
    """Look for a file; BadInput if it is there and is not the published one."""
    try:
        state = path.stat()
        if stat.S_ISREG(state.st_mode):
            with path.open("rb") as file:
                fault = _fault(path.name, state.st_size, file)
        else:
            fault = "is no regular file"  # and may never end
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    if fault:
        raise BadInput(f"{path} {fault}: replace it, or remove it to download it again")
    return True


def _fault(name: str, size: int, content: BinaryIO) -> str | None:
    """Fault of a file's content, or None if it is the published one.

    What no file of MNIST has the size of is not read.
    """
    if size in MNIST_BYTES.values():
        digest = file_digest(content, "sha256").hexdigest()
        if digest == MNIST_SHA256[name]:
            return None
        for other, known in MNIST_SHA256.items():
            if digest == known:
                return f"holds the content of {other}: the files are swapped"
    if size < MNIST_BYTES[name]:
        return f"is truncated: {size:,} bytes of {MNIST_BYTES[name]:,}"
    if size > MNIST_BYTES[name]:
        return f"is too long: {size:,} bytes for {MNIST_BYTES[name]:,}"
    return f"has the wrong SHA-256, {digest} for {MNIST_SHA256[name]}"


def _download(files: list[str], raw: Path) -> None:
    """Download files into `raw`; all are verified before any is put there."""
    from torchvision.datasets import MNIST

    mirrors = list(MNIST.mirrors)
    _probe([f"{mirror}{files[0]}.gz" for mirror in mirrors])
    logger.info("downloading MNIST into %s", raw)
    until = time.monotonic() + DOWNLOAD_SECONDS
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=raw) as folder:
        for file in files:
            (Path(folder) / file).write_bytes(_from_any(mirrors, file, until))
        for file in files:
            (Path(folder) / file).replace(raw / file)


def _from_any(mirrors: list[str], file: str, until: float) -> bytes:
    """A file's content, unzipped and verified; mirrors that fail are from now on asked last.

    Args:
        until: when the download as a whole is given up, by :func:`time.monotonic`.

    Raises:
        OSError: no mirror has it, with what each did instead.
    """
    complaints = []
    for mirror in tuple(mirrors):
        try:
            # What deflate cannot compress is hardly longer for it.
            content = _unzipped(_get(f"{mirror}{file}.gz", 2 * MNIST_BYTES[file], until), file)
            if fault := _fault(file, len(content), io.BytesIO(content)):
                raise OSError(f"{file} as downloaded {fault}")
        except _REFUSALS as error:
            complaints.append(f"{mirror}: {error}")
            mirrors.remove(mirror)
            mirrors.append(mirror)
        else:
            return content
    raise OSError(f"no mirror has {file}.gz: {'; '.join(complaints)}")


def _unzipped(packed: bytearray, file: str) -> bytes:
    """Unzip a file, up to a little more than its right number of bytes."""
    try:
        return zlib.decompressobj(wbits=31).decompress(packed, MNIST_BYTES[file] + 1)
    except zlib.error as error:
        raise OSError(f"what comes as {file}.gz is no gzip file ({error})") from None


def _get(url: str, largest: int, until: float) -> bytearray:
    """Fetch an address, at most so many bytes.

    Raises:
        OSError: another answer, or not all of it within FILE_SECONDS or by ``until``.
    """
    now = time.monotonic()
    end = min(now + FILE_SECONDS, until)
    late = TimeoutError(
        f"timed out after {FILE_SECONDS:g} seconds"
        if end < until
        else f"the download as a whole was not done after {DOWNLOAD_SECONDS:g} seconds"
    )
    if end <= now:
        raise late

    def read() -> bytearray:
        content = bytearray()
        with _open(url, STALL_SECONDS) as response:
            while part := response.read1(1 << 16):
                content += part
                if len(content) > largest:
                    raise OSError(f"sends more than {largest:,} bytes")
                if time.monotonic() > end:
                    raise late
        return content

    try:
        return _first_answer([read], end - now)
    except queue.Empty:
        raise late from None


def _probe(urls: list[str]) -> None:
    """OSError if none of the addresses answers within PROBE_SECONDS, be it with a refusal."""

    def ask(url: str) -> None:
        with suppress(HTTPError):
            _open(url, PROBE_SECONDS).close()

    try:
        _first_answer([partial(ask, url) for url in urls], PROBE_SECONDS)
    except (queue.Empty, *_REFUSALS) as error:
        raise OSError("no mirror can be reached") from error


def _open(url: str, seconds: float):
    """The response to a GET, since some servers refuse HEAD; no byte may take longer than that."""
    try:
        return urlopen(Request(url, headers={"User-Agent": "lenet1998"}), timeout=seconds)
    except HTTPError as error:
        error.close()
        raise


def _first_answer(tasks: list[Callable], seconds: float):
    """Result of the first task to succeed, or the last one's error if all fail; else queue.Empty.

    They run in threads that are left behind, because neither looking up a host name nor reading an
    answer's header has a time limit as a whole.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def run(task: Callable) -> None:
        try:
            answers.put((task(), None))
        except Exception as error:
            answers.put((None, error))

    for task in tasks:
        threading.Thread(target=run, args=(task,), daemon=True).start()
    end = time.monotonic() + seconds
    for _ in tasks:
        answer, error = answers.get(timeout=max(0.0, end - time.monotonic()))
        if error is None:
            return answer
        logger.debug("%s", error)
    raise error
