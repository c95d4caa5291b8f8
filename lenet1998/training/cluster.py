"""A Dask cluster as an executor of cells: an existing engine, not one of ours."""

import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import closing, contextmanager

from lenet1998.errors import BadInput

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10
"""Time that a cluster's scheduler has to answer."""


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """A Dask cluster's executor; leaving it, however, cancels what was submitted and not done."""
    try:
        from distributed import Client, KilledWorker
        from distributed.comm import get_address_host_port
    except ImportError:
        raise BadInput(
            "needs Dask: pip install 'lenet1998[cluster]' here and on the workers", "scheduler"
        ) from None
    try:
        get_address_host_port(address, strict=True)
    except ValueError as error:
        raise BadInput(f"{address}: write tcp://host:port ({error})", "scheduler") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    # TypeError: a tls:// address without certificates.
    except (OSError, TypeError) as error:
        raise BadInput(f"{address}: no Dask scheduler answers ({error})", "scheduler") from None
    with closing(client):
        _check_versions(client, address)
        if not client.nthreads():
            logger.warning("the cluster at %s has no workers yet: waiting for one", address)
        try:
            # No retries: those are for cells that raise. The scheduler gives a lost worker's cells
            # to others anyway, until a cell has taken several workers with it.
            yield client.get_executor(pure=False)
        except BadInput as error:
            where = f"{error.message} (on a worker of {address})"
            raise BadInput(where, error.argument) from None
        except KilledWorker as error:
            workers = error.allowed_failures + 1
            raise BadInput(
                f"{address}: gave up on a cell that {workers} workers died of, the last at"
                f" {error.last_worker.address}: have they memory enough?",
                "scheduler",
            ) from None
        except CancelledError:
            # Or it would tell of the broken connection in forty lines.
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            raise BadInput(
                f"{address}: the scheduler is gone; what is done is kept: start again and resume"
                " for the rest",
                "scheduler",
            ) from None


def _check_versions(client, address: str) -> None:
    """Refuse a cluster of another version: its runs would not be those of this one.

    Raises:
        BadInput: with who has which.
    """
    versions = client.get_versions(packages=["lenet1998"])
    here = versions["client"]["packages"]["lenet1998"]
    for place in (versions["scheduler"], *versions["workers"].values()):
        there = place["packages"]["lenet1998"]
        if there != here:
            raise BadInput(
                f"{address}: lenet1998 is {here} here but {there or 'missing'} there;"
                " install the same on the scheduler and all workers",
                "scheduler",
            )
