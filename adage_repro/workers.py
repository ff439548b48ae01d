"""Work on all cores: a pool of processes that starts nothing new and leaves none behind once it is told to stop."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context, parent_process
from threading import Event, Lock, Thread

from adage_repro.folders import check_cache
from adage_repro.parameters import check_device
from adage_repro.terminal import say

_told_to_stop, _at_work = Event(), Lock()


def side_by_side(work: Callable[[str], None], names: Iterable[str]) -> bool:
    """Do `work` for each name on all cores and print a line as each ends; whether all went well."""
    names = list(names)
    try:
        check_device()
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return False
    check_cache()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    failed = False
    pool = ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_listen)
    signal.signal(signal.SIGTERM, _stop)
    try:
        jobs = {pool.submit(_timed, work, name): name for name in names}
        for job in as_completed(jobs):
            name = jobs[job]
            error = job.exception()
            failed |= error is not None
            say(f"{name}  failed: {one_line(error)}" if error else f"{name}  {job.result():.1f} s")
    except KeyboardInterrupt:
        print("interrupted: what was finished is complete, and everything else is unchanged", file=sys.stderr)
        failed = True
    finally:
        pool.shutdown(cancel_futures=True)
    return not failed


def _stop(*_: object) -> None:
    """What Ctrl-C does to all processes of a terminal, for a signal that reaches the first alone."""
    for child in active_children():
        child.terminate()
    raise KeyboardInterrupt


def _listen() -> None:
    """A worker that is told to stop cleans up and begins nothing new; Ctrl-C stays switched off where it was.

    A worker whose parent was killed stops as well, instead of waiting for work for ever.
    """
    Thread(target=_end_with_parent, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)


def _end(*_: object) -> None:
    _told_to_stop.set()
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent_process().join()
    if not _at_work.acquire(blocking=False):
        os.kill(os.getpid(), signal.SIGTERM)
        _at_work.acquire()
    os._exit(1)


def _timed(work: Callable[[str], None], name: str) -> float:
    if _told_to_stop.is_set():
        raise KeyboardInterrupt
    begin = time.perf_counter()
    with _at_work:
        work(name)
    return time.perf_counter() - begin


def one_line(error: BaseException) -> str:
    """What an error says, the last line of it; of a failed cell its own error."""
    return str(getattr(error, "evalue", "") or error).strip().splitlines()[-1] if str(error) else type(error).__name__
