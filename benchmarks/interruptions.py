"""Stops real sweeps in every way and checks what is left, into docs/interruptions.csv: python benchmarks/interruptions.py (needs root)"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

from adage_repro import build, sweep
from adage_repro.folders import ROOT, digest

TABLE = ROOT / "docs" / "interruptions.csv"
NAME, POINTS, MOMENTS = "fig06", 60, random.Random(0)
SOON, LATE = (0.0, 0.02), (0.0, 10.0)  # seconds: after files begin to be written, and after the start
CACHED = {  # as in the Makefile
    "OMP_NUM_THREADS": "1",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def start(out, points=POINTS):
    """The command in a process group of its own."""
    words = ["sweep", NAME[3:], f"capacity=0.2:1.0:{points}", str(out), "2", "", ""]
    given = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": os.environ | CACHED | {"TMPDIR": tempfile.gettempdir()},
    }
    return subprocess.Popen([sys.executable, "-m", "adage_repro", *words], cwd=ROOT, start_new_session=True, **given)


def whole(out):
    """The files of the points that are done, with their times; fails if a file beside them is not what its record says."""
    done = {}
    for home in out.glob(f"{NAME}-*"):
        held = {file: (digest(file), file.stat().st_mtime_ns) for file in home.iterdir() if file.is_file()}
        assert all(file.stat().st_size for file in held), home
        stamp = home / f"{NAME}.stamp"
        if stamp.exists() and sweep._is_done(home, NAME, sweep._record(home, NAME)["parameters"], build.made_from(NAME)):
            done[home.name] = held
    if (out / f"{NAME}_sweep.json").exists():
        record = sweep._record(out, f"{NAME}_sweep")
        assert all(digest(out / file) == own for file, own in (record["tables"] | record["pictures"]).items())
    return done


def left(out):
    """Temporary folders in the sweep's and in the system's."""
    return [*out.rglob(".staging-*"), *Path(tempfile.gettempdir()).glob("adage_repro-*")]


def finished(out, done, points=POINTS):
    """The next run succeeds, leaves what was done as it was, makes the rest, and leaves no temporary folder."""
    run = start(out, points)
    said, errors = run.communicate()
    assert run.returncode == 0 and (not done or f"{len(done)} of {points} points are done already" in said), said + errors
    after = whole(out)
    assert len(after) == points and {name: after[name] for name in done} == done and left(out) == []
    table = pd.read_csv(out / f"{NAME}_sweep.csv")
    assert table.capacity.nunique() == points and not table.duplicated(["capacity", "name"]).any()


def killed(out, times):
    """Stops sweeps of one folder again and again, at a random moment of the run or while files are being written; a line for each kind."""
    done, stops = {}, dict.fromkeys(("SIGKILL, at any moment", "SIGKILL, while files are written", "SIGINT, at any moment"), 0)
    for k in range(times):
        kind = list(stops)[(0, 1, 0, 1, 2)[k % 5]]
        run = start(out)
        if "written" in kind:
            while run.poll() is None and not list(out.glob(f"{NAME}-*/.staging-*")):
                time.sleep(0.002)
            time.sleep(MOMENTS.uniform(*SOON))
        else:
            time.sleep(MOMENTS.uniform(*LATE))
        was_running = run.poll() is None
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGINT if "INT" in kind else signal.SIGKILL)
        run.communicate()
        after = whole(out)
        assert {name: after.get(name) for name in done} == done, kind
        stops[kind] += was_running
        print(f"{k + 1}: {kind}, {len(after)} points are done, {len(left(out))} temporary folders", flush=True)
        done = after
    kept = len(done)
    finished(out, done)
    return [{"what happened": kind, "times": count} for kind, count in stops.items()], kept


@contextmanager
def mounted(*options):
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", place], check=True)
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", place], check=True)


def disk_full():
    """On a disk with room for two points or so."""
    with mounted("size=700k") as place:
        run = start(place / "out", points=6)
        _, errors = run.communicate()
        assert run.returncode == 1 and "No space left on device" in errors and errors.count("\n") == 1, errors
        done = whole(place / "out")
        assert 0 < len(done) < 6 and left(place) == []
        subprocess.run(["mount", "-o", "remount,size=100m", str(place)], check=True)
        finished(place / "out", done, points=6)


def read_only():
    """In a folder that cannot be written."""
    with mounted("ro") as place:
        run = start(place / "out", points=2)
        said, errors = run.communicate()
        assert (run.returncode, said, errors.count("\n")) == (2, "", 1) and "Read-only file system" in errors, errors


def two_at_once():
    """Two sweeps of one folder, started together."""
    with tempfile.TemporaryDirectory() as place:
        runs = [start(Path(place, "out"), points=4) for _ in range(2)]
        errors = [run.communicate()[1] for run in runs]
        assert sorted(run.returncode for run in runs) == [0, 2] and sum("no other sweep is at work" in error for error in errors) == 1, (
            errors
        )
        finished(Path(place, "out"), whole(Path(place, "out")), points=4)


def main(times=25):
    rows, kept = killed(Path(tempfile.gettempdir(), "out"), times)
    print(f"{kept} of {POINTS} points were done when the last run began")
    for case, name in ((disk_full, "disk full"), (read_only, "read-only folder"), (two_at_once, "two sweeps at once")):
        case()
        rows.append({"what happened": name, "times": 1})
    pd.DataFrame(rows).to_csv(TABLE, index=False, lineterminator="\n")
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as tempfile.tempdir:
        main(*map(int, sys.argv[1:]))
