"""Whether what a run keeps fits into memory: found out from shapes alone before anything runs."""

from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

import jax

from adage_repro.refusals import Refused

USABLE = 0.8  # of what is free; the rest is for the run itself
LIMITS = {"/sys/fs/cgroup/memory.max": "/sys/fs/cgroup/memory.current"}  # of a container, and what it uses


def check_memory(kept: Any, n_rows: int) -> None:
    """Refuses a run that would keep more than fits. `kept` has the shapes of all that it keeps, `n_rows` rows of it."""
    asked, free = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept)), available()
    if free is not None and asked > USABLE * free:
        every = ceil(asked / (USABLE * free))
        fewer = f"every {every}th row with rows=range(0, {n_rows}, {every})" if every < n_rows else "the last row with rows=[iterations]"
        raise Refused(
            f"this run would keep {asked / 1e9:,.1f} GB, but {free / 1e9:,.1f} GB of memory are free; "
            f"keep {fewer}, or the means and extremes of all rows with keep=summary"
        )


def available() -> int | None:
    """Bytes that can still be used where JAX computes; None where nobody tells."""
    device = jax.config.jax_default_device or jax.local_devices()[0]
    stats = None if isinstance(device, str) else device.memory_stats()
    if stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    found = []
    with suppress(OSError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    for limit, used in LIMITS.items():
        with suppress(OSError, ValueError):  # no container, or one without a limit
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
    return min(found, default=None)
