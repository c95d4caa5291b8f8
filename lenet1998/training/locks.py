"""One command at a time in a run's folder, and none over another's results unless told to."""

import errno
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lenet1998.cli import writable
from lenet1998.errors import BadInput
from lenet1998.training.records import sweep, write_atomically

LOCK, HOLDER = ".lock", ".holder"
"""The file that is locked, and beside it who has locked it, since opening a lock may empty it: with
the process at the end of its name, so that it is swept when that is dead."""


@contextmanager
def claimed(out: Path, folders: Sequence[Path], flag: str = "--out") -> Iterator[None]:
    """Keep all other commands out of runs' folders until the block ends.

    The locks are the system's, which releases them when the process dies, however it does. Folders
    that were made for the block and are empty after it are removed again, and so is what commands
    that died left half written.

    Args:
        out: the command's folder, made if need be.
        folders: those that it writes to, in ``out``; all are locked before the block, or none.
        flag: what a complaint names.

    Raises:
        BadInput: a folder that cannot be written to, or in which another command is at work.
    """
    paths = {path for folder in (out, *folders) for path in (folder, *folder.parents)}
    made = sorted((path for path in paths if not path.exists()), reverse=True)
    with ExitStack() as held:
        held.callback(_remove_empty, made)
        writable(out, flag)
        for folder in sorted(set(folders)):
            held.enter_context(_locked(writable(folder, flag), folder in made))
        sweep(out)
        yield


@contextmanager
def _locked(folder: Path, made: bool) -> Iterator[None]:
    lock, holder = FileLock(folder / LOCK), folder / f"{HOLDER}.{os.getpid()}"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BadInput(
            f"{folder}: another command is at work in it ({_holder(folder)}); wait for it, or give"
            " another folder"
        ) from None
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        raise BadInput(
            f"{folder}: cannot be locked beside so many others; give fewer runs at a time"
        ) from None
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        who = f"process {os.getpid()} on {socket.gethostname()} since {since}"
        write_atomically(holder, who.encode())
        yield
    finally:
        holder.unlink(missing_ok=True)
        if made and os.listdir(folder) == [LOCK]:
            (folder / LOCK).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    """Holder of a folder, as far as its claim says."""
    told = [file.read_text(errors="replace")[:200] for file in folder.glob(f"{HOLDER}.*")]
    return " or ".join(told) or "it does not say which"


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the inner before the outer, that are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
