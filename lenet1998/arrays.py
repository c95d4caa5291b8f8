"""Bounded reading of arrays in numpy's formats: the only reader of them in the project.

numpy's own evaluates a file's header and allocates what the header asks for. This one takes what
numpy writes, word for word, and refuses all else.
"""

import io
import math
import re
import zipfile
from pathlib import Path

import numpy as np

from lenet1998 import errors
from lenet1998.errors import BadInput

HEADER_BYTES = 256
_HEADER = re.compile(
    rb"\x93NUMPY\x01\0(..)\{'descr': '([|<][a-zA-Z]\d?)', 'fortran_order': False,"
    rb" 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The ways in which numpy packs an archive."""
LABELS = ("|u1",)
"""The kinds of numbers, as numpy names them, that are taken unless others are asked for."""


def array_in(content: bytes, kinds: tuple[str, ...] = LABELS) -> np.ndarray:
    """Read the content of an ``.npy``, of kinds of numbers.

    Raises:
        ValueError: it is no such array.
    """
    header = _HEADER.match(content[:HEADER_BYTES])
    if not header or header.end() != 10 + int.from_bytes(header[1], "little"):
        raise ValueError("no array in numpy's format")
    kind = header[2].decode()
    if kind not in kinds:
        raise ValueError(f"holds {kind}, not {' or '.join(kinds)}")
    shape = [int(length) for length in header[3].decode().split(",") if length.strip()]
    size = (len(content) - header.end()) / np.dtype(kind).itemsize
    if math.prod(shape) != size or max(shape, default=0) > len(content):
        raise ValueError(f"holds {size:g} numbers, where its header has {_times(shape)}")
    return np.frombuffer(content, kind, offset=header.end()).reshape(shape).copy()


def _times(shape: list[int]) -> str:
    return errors.in_short(" x ".join(map(str, shape)))


def arrays_in(file: Path, most: int, kinds: tuple[str, ...] = LABELS) -> dict[str, np.ndarray]:
    """Read an archive of arrays, ``.npz``, by name.

    Args:
        file: an ordinary file of at most so many bytes.
        most: bytes of all arrays together, too.
        kinds: of numbers.

    Raises:
        BadInput: it is no such archive.
    """
    content = errors.read_bytes(file, most)
    found: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > most:
                raise ValueError(f"its arrays are larger than {most:,} bytes")
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name in found:
                    raise ValueError(f"{name} is there twice")
                if member.flag_bits & 1 or member.compress_type not in _PACKED:
                    raise ValueError(f"{name} is packed otherwise than numpy does")
                with archive.open(member) as opened:
                    numbers = opened.read(member.file_size + 1)  # or it unpacks whatever comes
                try:
                    found[name] = array_in(numbers, kinds)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
    except Exception as error:  # zipfile does not say what a damaged file can make it raise
        raise BadInput(f"{file}: no readable archive ({errors.in_short(error)})") from None
    return found
