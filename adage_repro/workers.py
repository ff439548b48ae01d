"""Work on all cores: processes that each do one task after another, and that start nothing new and are gone once they are told to stop."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from threading import Event, Lock, Thread
from typing import Any

from adage_repro.folders import check_cache
from adage_repro.parameters import check_device
from adage_repro.terminal import say

_told_to_stop, _at_work = Event(), Lock()


def side_by_side(work: Callable[[str], None], names: Iterable[str]) -> bool:
    """Do `work` for each name on all cores and print a line as each ends; whether all went well."""
    try:
        check_device()
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return False
    check_cache()
    failed = False
    with closing(in_processes(partial(_timed, work), names)) as ended:
        try:
            for name, job in ended:
                error = job.exception()
                failed |= error is not None
                say(f"{name}  failed: {why(error)}" if error else f"{name}  {job.result():.1f} s")
        except KeyboardInterrupt:
            print("interrupted: what was finished is complete, and everything else is unchanged", file=sys.stderr)
            failed = True
    return not failed


def in_processes(work: Callable, items: Iterable, processes: int | None = None) -> Iterator[tuple[Any, Future]]:
    """Do `work` for each item in so many processes, as many as there are cores unless given: each item with its job once that has ended.

    A process works through one item after another. One that dies loses only the item that it was working on; a new one takes its place.
    """
    waiting = list(items)
    idle = [another_process() for _ in waiting[: processes or cores()]]
    busy = {}
    signal.signal(signal.SIGTERM, _stop)
    try:
        while waiting or busy:
            check_told_to_stop()
            while waiting and idle:
                worker, item = idle.pop(), waiting.pop(0)
                busy[worker.submit(_guarded, work, item)] = worker, item
            ended = wait(busy, return_when=FIRST_COMPLETED).done
            check_told_to_stop()
            for job in ended:
                worker, item = busy.pop(job)
                idle.append(another_process() if isinstance(job.exception(), BrokenProcessPool) else worker)
                yield item, job
    finally:
        for worker in {*idle, *(worker for worker, _ in busy.values())}:
            worker.shutdown(cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def why(error: BaseException) -> str:
    """Why a job ended without a result, in one line."""
    return "its process died" if isinstance(error, BrokenProcessPool) else one_line(error)


def another_process() -> ProcessPoolExecutor:
    """A single process, since a pool of more is broken by the death of one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_listen)


def _stop(*_: object) -> None:
    """What Ctrl-C does to all processes of a terminal, for a signal that reaches the first alone."""
    _told_to_stop.set()
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
    """KeyboardInterrupt in a process that was told to stop, also where the first one came while nobody could hear it, as in a finaliser."""
    if _told_to_stop.is_set():
        raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent_process().join()
    if not _at_work.acquire(blocking=False):
        os.kill(os.getpid(), signal.SIGTERM)
        _at_work.acquire()
    os._exit(1)


def _guarded(work: Callable, item: Any) -> Any:
    check_told_to_stop()
    with _at_work:
        return work(item)


def _timed(work: Callable[[str], None], name: str) -> float:
    begin = time.perf_counter()
    work(name)
    return time.perf_counter() - begin


def one_line(error: BaseException) -> str:
    """What an error says, the last line of it; of a failed cell its own error. The system's number is left out, and of two files the one
    that was to be moved."""
    said = str(getattr(error, "evalue", "") or error).strip().splitlines()[-1] if str(error) else type(error).__name__
    return re.sub(r"^\[Errno \d+\] ([^:]*: )?(?:.* -> )?", r"\1", said)
