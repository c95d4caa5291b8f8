"""MNIST's four files: found, verified by their SHA-256, and downloaded where they are missing."""

import logging
import re
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from tqdm import tqdm

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

RAW = Path("MNIST", "raw")
"""Where torchvision keeps the files, below its directory."""
PROBE_SECONDS = 4.5  # until a mirror begins to send; torchvision knows two
STALL_SECONDS = 20.0  # without another 32 KB
MIRROR_SECONDS = 300.0  # for all files


class Absent(BadInput):
    """MNIST is neither on disk nor to be downloaded."""


def read_mnist(directory: Path) -> Dataset:
    """MNIST from torchvision's directory, downloaded first if it is not there.

    Files in another folder near by, of like names, gzipped or not, do as well if their content is
    the published one.

    Raises:
        Absent: a file is neither there nor to be had; files that look like it are named.
        BadInput: a file that is there is not the published one.
    """
    raw, faults = directory / RAW, []
    found = {file: _find(directory, file, faults) for file in MNIST_SHA256}
    missing = [file for file, content in found.items() if content is None]
    if missing:
        try:
            found |= _download(missing, raw)
        except OSError as error:
            reason = " ".join(str(error).split())
            raise Absent(
                f"MNIST is not at hand ({reason}): put {', '.join(missing)} (unzipped) into {raw}"
                + "".join(f"; {fault}" for fault in faults)
            ) from error
    return Dataset(
        "mnist",
        *(_parse(content) for content in found.values()),
        checksum=sha256("".join(MNIST_SHA256.values()).encode()).hexdigest(),
    )


def _parse(content: np.ndarray) -> np.ndarray:
    """Parse a verified file, in the shape that its header gives; labels as int64.

    torchvision reads such files, too, but takes longer to import than a short run takes.
    """
    start = 4 + 4 * content[3]  # the fourth byte counts the dimensions
    values = content[start:].reshape(content[4:start].view(">i4"))
    return values.astype(np.int64) if values.ndim == 1 else values


def _find(directory: Path, file: str, faults: list[str]) -> np.ndarray | None:
    """Content of a file as bytes, or None where it is missing.

    Faults of files that only look like it are added to ``faults``.

    Raises:
        BadInput: the file has a fault, or cannot be read.
    """
    for path in (directory / RAW / file, *_alike(directory, file)):
        try:
            content, fault = _read(path, file)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BadInput(f"cannot read {path}: {error}") from error
        if not fault:
            return content
        if path == directory / RAW / file:
            raise BadInput(f"{path} {fault}: replace it, or remove it to download it again")
        faults.append(f"{path} {fault}")
    return None


def _alike(directory: Path, file: str) -> Iterator[Path]:
    """Files near by with a like name, such as unpackers, browsers and other collections give."""
    part, kind, *_ = file.split("-")
    part = part.replace("t10k", "(t10k|test)")
    like = re.compile(f"{part}[-_. ]?{kind[:-1]}", re.IGNORECASE)
    folders = [*directory.glob("[mM][nN][iI][sS][tT]"), directory]
    for folder in (*(folder / "raw" for folder in folders), *folders):
        for path in sorted(folder.glob("*")):
            if like.search(path.name) and path != directory / RAW / file:
                yield from sorted(path.glob("*")) if path.is_dir() else [path]


def _read(path: Path, name: str) -> tuple[np.ndarray, str | None]:
    """Content of a file, unzipped, and its fault if it is not the published one.

    A file that is longer than any of MNIST's is not read.
    """
    state, longest = path.stat(), max(MNIST_BYTES.values())
    if not stat.S_ISREG(state.st_mode):
        return np.empty(0, np.uint8), "is no regular file"  # and may never end
    content, size = np.empty(0, np.uint8), state.st_size
    if size <= longest:
        with path.open("rb") as file:
            content = np.fromfile(file, np.uint8, longest)
    if content[:2].tobytes() == b"\x1f\x8b":
        try:
            unzipped = zlib.decompressobj(wbits=31).decompress(content, longest + 1)
        except zlib.error as error:
            return content, f"is no gzip file ({error})"
        content, size = np.frombuffer(bytearray(unzipped), np.uint8), len(unzipped)
    digest = sha256(content).hexdigest()
    if digest == MNIST_SHA256[name]:
        return content, None
    for other, known in MNIST_SHA256.items():
        if digest == known:
            return content, f"holds the content of {other}: the files are swapped"
    if size < MNIST_BYTES[name]:
        return content, f"is truncated: {size:,} bytes of {MNIST_BYTES[name]:,}"
    if size > MNIST_BYTES[name]:
        return content, f"is too long: {size:,} bytes for {MNIST_BYTES[name]:,}"
    return content, f"has the wrong SHA-256, {digest} for {MNIST_SHA256[name]}"


def _download(files: list[str], raw: Path) -> dict[str, np.ndarray]:
    """Let torchvision download files, from one mirror after another, verified before any is kept.

    Raises:
        OSError: not all files are to be had, with what each mirror did instead.
    """
    from torchvision.datasets import MNIST

    class Missing(MNIST):
        """The missing files of MNIST, from one mirror."""

        raw_folder = property(lambda self: self.root)

        def __init__(self, root: Path, mirror: str):
            self.root, self.mirrors = root, [mirror]
            known = MNIST.resources
            self.resources = [each for each in known if each[0].removesuffix(".gz") in files]

    logger.info("downloading MNIST into %s", raw)
    raw.mkdir(parents=True, exist_ok=True)
    complaints = []
    for mirror in MNIST.mirrors:
        # A mirror that was given up may still be writing.
        with TemporaryDirectory(dir=raw, ignore_cleanup_errors=True) as name:
            folder, found = Path(name), {}
            try:
                _with_limits(Missing(folder, mirror).download, folder)
                for file in files:
                    found[file], fault = _read(folder / file, file)
                    if fault:
                        raise OSError(f"{file} as downloaded {fault}")
            except Exception as error:  # urllib and torchvision raise whatever they stumble upon
                *_, reason = str(error).splitlines() or [type(error).__name__]
                complaints.append(f"{mirror}: {reason}")
            else:
                for file in files:
                    (folder / file).replace(raw / file)
                return found
    raise OSError(f"no mirror has all of it: {'; '.join(complaints)}")


def _with_limits(download: Callable[[], None], folder: Path) -> None:
    """Run a download into a folder with limits of time and size, which torchvision knows none of.

    It runs in a thread that is left behind when it is given up.

    Raises:
        Exception: what the download raised.
        OSError: a limit was passed.
    """
    errors: list[Exception] = []

    def run() -> None:
        try:
            download()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    begun = heard = time.monotonic()
    seen, patience = 0, PROBE_SECONDS
    # Its bar is for terminals only.
    with patch("torchvision.datasets.utils.tqdm", partial(tqdm, disable=None)):
        thread.start()
        while thread.is_alive():
            thread.join(0.05)
            now = time.monotonic()
            size = sum(1 + file.stat().st_size for file in folder.glob("*"))
            if size != seen:
                seen, heard, patience = size, now, STALL_SECONDS
            if size > 2 * sum(MNIST_BYTES.values()):  # zipped and unzipped
                raise OSError(f"sends more than {sum(MNIST_BYTES.values()):,} bytes")
            if now > min(heard + patience, begun + MIRROR_SECONDS):
                raise TimeoutError(f"timed out after {now - begun:.1f} seconds")
    if errors:
        raise errors[0]
