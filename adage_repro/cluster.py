"""Work on a Dask cluster: as `workers.in_processes`, but on the workers of a scheduler."""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from adage_repro.refusals import Refused, shown
from adage_repro.terminal import say

ADDRESS = r"(tcp|tls)://([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,39}\]):[0-9]{1,5}"
LAST_PORT = 65535
SECONDS = 10  # how long a scheduler has to answer


def connect(address: str) -> Any:
    """A client of the scheduler. Refused: not an address, Dask is not installed, or nobody answers."""
    if not re.fullmatch(ADDRESS, address) or int(address.rpartition(":")[2]) > LAST_PORT:
        raise Refused(f"SCHEDULER must be the address of a Dask scheduler, such as tcp://10.0.0.1:8786, got {shown(address)}")
    try:
        from distributed import Client
    except ImportError:
        python = os.path.relpath(sys.executable)
        raise Refused(f'SCHEDULER needs the package distributed: {python} -m pip install --no-build-isolation -e ".[cluster]"') from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said by whoever asked for the work
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError):
        raise Refused(f"SCHEDULER must be a Dask scheduler that answers within {SECONDS} s, got {shown(address)}") from None


def on_workers(client: Any, work: Callable, items: Iterable) -> Iterator[tuple[Any, Future]]:
    """Do `work` for each item on the client's workers: each item with its job once that has ended.

    What a worker that dies was working on is done by another; an item with which several have died is given up.
    """
    from distributed import as_completed

    if not client.nthreads():
        say(f"no workers yet; each is started with: dask worker {client.scheduler.address} --nthreads 1")
    busy = {client.submit(work, item, pure=False): item for item in items}
    for job in as_completed(list(busy), loop=client.loop):
        yield busy.pop(job), job
