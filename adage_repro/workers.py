"""Work on all cores: processes that each do one task after another, and that start nothing new and are gone once they are told to stop."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from threading import Event, Lock, Thread

from adage_repro.folders import check_cache
from adage_repro.parameters import check_device
from adage_repro.terminal import say

_told_to_stop, _at_work = Event(), Lock()


def side_by_side(work: Callable[[str], None], names: Iterable[str]) -> bool:
    """Do `work` for each name on all cores and print a line as each ends; whether all went well.

    A process works through one name after another. One that dies loses only the name that it was working on; a new one takes its place.
    """
    waiting = list(names)
    try:
        check_device()
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return False
    check_cache()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    failed = False
    idle = [_worker() for _ in waiting[:cores]]
    busy = {}
    signal.signal(signal.SIGTERM, _stop)
    try:
        while waiting or busy:
            while waiting and idle:
                worker, name = idle.pop(), waiting.pop(0)
                busy[worker.submit(_timed, work, name)] = worker, name
            for job in wait(busy, return_when=FIRST_COMPLETED).done:
                worker, name = busy.pop(job)
                error = job.exception()
                dead = isinstance(error, BrokenProcessPool)
                idle.append(_worker() if dead else worker)
                failed |= error is not None
                why = "its process died" if dead else one_line(error) if error else ""
                say(f"{name}  failed: {why}" if error else f"{name}  {job.result():.1f} s")
    except KeyboardInterrupt:
        print("interrupted: what was finished is complete, and everything else is unchanged", file=sys.stderr)
        failed = True
    finally:
        for worker in {*idle, *(worker for worker, _ in busy.values())}:
            worker.shutdown(cancel_futures=True)
    return not failed


def _worker() -> ProcessPoolExecutor:
    """A single process, since a pool of more is broken by the death of one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_listen)


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


def check_told_to_stop() -> None:
    """KeyboardInterrupt in a worker that was told to stop, also where the first one came while nobody could hear it, as in a finaliser."""
    if _told_to_stop.is_set():
        raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent_process().join()
    if not _at_work.acquire(blocking=False):
        os.kill(os.getpid(), signal.SIGTERM)
        _at_work.acquire()
    os._exit(1)


def _timed(work: Callable[[str], None], name: str) -> float:
    check_told_to_stop()
    begin = time.perf_counter()
    with _at_work:
        work(name)
    return time.perf_counter() - begin


def one_line(error: BaseException) -> str:
    """What an error says, the last line of it; of a failed cell its own error."""
    return str(getattr(error, "evalue", "") or error).strip().splitlines()[-1] if str(error) else type(error).__name__
