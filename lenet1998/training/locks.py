"""One command at a time in a folder, and none over another's results unless told to."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from lenet1998 import errors
from lenet1998.cli import writable
from lenet1998.errors import TEXT, BadInput, Schema, or_null
from lenet1998.training.records import sweep, write_json

LOCK, NOTE = ".lock", ".lenet1998.json"
"""In a folder that results go to, the file that is locked, and who has written what there."""
MOST = 64 * 2**20
"""Bytes of a file that a command may replace."""
_PAIR = {"type": "array", "prefixItems": [TEXT, or_null(TEXT)], "minItems": 2, "maxItems": 2}
_NOTE = Schema({"type": "object", "additionalProperties": _PAIR})


@contextmanager
def claimed(out: Path, folders: Sequence[Path] = (), flag: str = "--out") -> Iterator[None]:
    """Keep all other commands out of folders until the block ends.

    The locks are the system's, which releases them when the process dies, however it does. Folders
    that were made for the block and are empty after it are removed again, and so is what commands
    that died left half written.

    Args:
        out: the command's folder, made if need be.
        folders: those that it writes to, in ``out`` (default: ``out``); all are locked before the
            block, or none.
        flag: what a complaint names.

    Raises:
        BadInput: a folder that cannot be written to, or in which another command is at work.
    """
    paths = [(folder, *folder.parents) for folder in sorted({out, *folders})]
    missing = {path for some in paths for path in some if not path.exists()}
    with ExitStack() as held:
        for folder, *above in paths:
            held.callback(_remove_empty, [path for path in (folder, *above) if path in missing])
            writable(folder, flag)
            if folder in (folders or [out]):
                held.enter_context(_locked(folder))
        sweep(out)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = folder / LOCK
    made = not os.path.lexists(lock)
    if not made and not _is_a_lock(lock):
        raise BadInput(f"{lock}: is no lock of lenet1998, which has that name; give another folder")
    claim = FileLock(lock)
    try:
        claim.acquire(timeout=0)
    except Timeout:
        raise BadInput(
            f"{folder}: another command is at work in it; wait for it, or give another folder"
        ) from None
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        raise BadInput(
            f"{folder}: cannot be locked beside so many others; give fewer runs at a time"
        ) from None
    try:
        yield
    finally:
        if made:
            with suppress(OSError):  # Windows keeps what is open
                lock.unlink()
        claim.release()


def _is_a_lock(file: Path) -> bool:
    """Test for an empty file under this name only, or none: opening a lock may empty it."""
    with suppress(FileNotFoundError):  # its holder has just ended
        about = file.lstat()
        return stat.S_ISREG(about.st_mode) and (about.st_size, about.st_nlink) == (0, 1)
    return True


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the inner before the outer, until one is not empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def check_free(folder: Path, names: Iterable[str], of: str, overwrite: bool) -> None:
    """Refuse to replace files that are not as a command last left them, of the same thing.

    Args:
        folder: where results go.
        names: of the files, in the folder or below it.
        of: what they are of, in words.
        overwrite: replace whatever stands there.

    Raises:
        BadInput: a file of something else, or of somebody else.
    """
    written = _written(folder)
    for file in (folder / name for name in names if not overwrite):
        theirs, digest = written.get(file.relative_to(folder).as_posix(), ("", ""))
        if os.path.lexists(file) and (theirs != of or digest not in (None, _digest(file))):
            fault = {of: "was changed since it was written", "": "is not of our making"}
            fault = fault.get(theirs, f"is of {theirs}")
            raise BadInput(f"{file}: {fault}; give another folder, or replace it with --overwrite")


@contextmanager
def replacing(folder: Path, names: Sequence[str], of: str, overwrite: bool) -> Iterator[None]:
    """Have a block write files in a claimed folder, and note there what they are of.

    The note has their digests, too; null while they are written, so that who is killed goes on.

    Args:
        folder, names, of, overwrite: as for :func:`check_free`.

    Raises:
        BadInput: as that does, before the block.
    """
    check_free(folder, names, of, overwrite)
    written = _written(folder)
    write_json(folder / NOTE, written | dict.fromkeys(names, (of, None)))
    yield
    there = {name: (of, _digest(folder / name)) for name in names if (folder / name).is_file()}
    write_json(folder / NOTE, written | there)


def _written(folder: Path) -> dict:
    return errors.read(folder / NOTE, _NOTE) if os.path.lexists(folder / NOTE) else {}


def _digest(file: Path) -> str:
    return sha256(errors.read_bytes(file, MOST)).hexdigest()
