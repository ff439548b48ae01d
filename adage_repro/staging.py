"""Files that are replaced all together or not at all, and temporary folders that do not outlive their process."""

import atexit
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

STAGING = ".staging-adage_repro-"
DECIDED = "decided"  # the file in a staging folder that says that its files are whole and are being moved
LONGEST_SOCKET = 103  # bytes in the path of a Unix socket, on macOS; Linux allows 107
_until_exit, _sockets = ExitStack(), count()
atexit.register(_until_exit.close)


@contextmanager
def own_folder(place: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `place`, removed when the block ends; folders of the same prefix that killed processes left there are removed first.

    The owner holds a lock on its folder, and the system releases it when the process dies: a folder that can be locked has no owner.
    Where a file system has no such locks, nothing is removed.
    """
    for left in place.glob(f"{prefix}*"):
        with suppress(OSError), _locked(left, fcntl.LOCK_NB):
            shutil.rmtree(left)
    with ExitStack() as held:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            with suppress(OSError):
                held.enter_context(_locked(folder))
            if folder.is_dir():  # otherwise it was taken for a dead one's before it was locked
                break
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(handle)


@contextmanager
def only_one(file: Path) -> Iterator[None]:
    """BlockingIOError if another process is in such a block for this file, which is there only for the block; without locks, never."""
    with ExitStack() as held:
        while True:
            handle = os.open(file, os.O_CREAT | os.O_RDWR)
            held.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise
            except OSError:
                break
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), file.stat()):  # otherwise its owner removed it meanwhile
                    break
        held.callback(file.unlink, missing_ok=True)
        yield


def check_writable(out: Path) -> None:
    """OSError unless files can be written to `out`, or to the folder in which it would be made."""
    with own_folder(_nearest(out), STAGING):
        pass


def _nearest(out: Path) -> Path:
    """`out`, or the first of the folders around it that is there."""
    return next(folder for folder in (out, *out.parents) if folder.is_dir())


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder in `out` whose files replace those in `out` when the block ends well.

    After an error or an interrupt nothing has changed, also if it comes while files are being replaced. Where a process was killed just
    then, the next one that writes to `out` finishes the replacement.
    """
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _finish_what_the_dead_began(out)
        with own_folder(out, STAGING) as folder:
            new, old = folder / "new", folder / "old"
            new.mkdir()
            old.mkdir()
            yield new
            held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            try:
                with _in_turn(out):
                    _replace_all(new, out, old)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, held)
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _replace_all(new: Path, out: Path, old: Path) -> None:
    """Move the files in `new` to `out`, all or none: those that they replace are copied to `old` first, and put back after an error."""
    names, decided = sorted(file.name for file in new.iterdir()), new.parent / DECIDED
    moved = []
    try:
        for target in (out / name for name in names):
            if target.is_dir():
                raise IsADirectoryError(f"{target} is a folder, and a file of that name was to be written")
            if target.exists():
                shutil.copy2(target, old / target.name)
        decided.touch()
        for name in names:
            os.replace(new / name, out / name)
            moved.append(name)
    except OSError:
        decided.unlink(missing_ok=True)
        for name in moved:
            (out / name).unlink()
            if (old / name).exists():
                os.replace(old / name, out / name)
        raise


def _finish_what_the_dead_began(out: Path) -> None:
    """Move to `out` what processes that were killed while they replaced files had still to move; without locks, nothing."""
    for left in out.glob(f"{STAGING}*/{DECIDED}"):
        with suppress(OSError), _locked(left.parent, fcntl.LOCK_NB), _in_turn(out):
            for file in (left.parent / "new").iterdir():
                os.replace(file, out / file.name)
            left.unlink()


@contextmanager
def _in_turn(folder: Path) -> Iterator[None]:
    """One process after another: two that end together leave the files of one of them. Where there are no locks, both at once."""
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(_locked(folder))
        yield


def socket() -> str:
    """A path for the sockets of one kernel, in a folder of this process's own: kernels that start side by side never share one."""
    return str(_socket_folder() / str(next(_sockets)))


@cache
def _socket_folder() -> Path:
    """In the temporary folder, or in /tmp where the path would be too long for a socket."""
    place, prefix = Path(tempfile.gettempdir()).resolve(), "adage_repro-"
    longest = place / f"{prefix}12345678" / "9999-99"
    if len(os.fsencode(longest)) > LONGEST_SOCKET:
        place = Path("/tmp")
    return _until_exit.enter_context(own_folder(place, prefix))
