"""Times the library beside what one would write instead, each in a process of its own: make bench, or python benchmarks/bench.py [WORD …]

Without words all is measured, in about eleven minutes, into benchmarks/*.csv, machine.json and results.png, and `make docs` then writes the
pages. With words only jobs whose names contain one of them are, in place of their old lines. `quick` measures a few and writes nothing.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np
from environments import HOME, machine, pythons
from jobs import CHECKED, FIRST, MEMORY, PAPER, TIMED, Job

HERE = Path(__file__).resolve().parent
ARMS = ("library", "numpy", "numba", "torch", "mesa", "agent_torch")
LEAN = ("library", "numpy", "numba")  # the arms that can keep summaries alone, and whose memory is measured
LEAST, SHORT = 5, 0.1  # runs of which the median is taken; three times as many where they are shorter than so many seconds
TOLERANCE = 1e-10  # of the largest value of a run, or of 1 where that is smaller
SHARED = {
    "NUMBA_CACHE_DIR": str(HOME / "numba_cache"),  # numba compiles once for all sizes, before the first job; `first_calls` has the time
    "OMP_WAIT_POLICY": "PASSIVE",  # the threads of an arm do not spin while it is another's turn
}
JAX = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
OURS = ("JAX_", "XLA_", "OMP_", "MKL_", "OPENBLAS_", "NUMBA_")  # settings that no arm is to inherit


class Arm:
    """A process that runs one job after another."""

    def __init__(self, name: str, python: str, **environ: str):
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(OURS)} | SHARED
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed by __exit__
        self.process = subprocess.Popen([python, HERE / "worker.py", name], env=inherited | environ, stderr=self.log, text=True, **pipes)
        self.name, self.imported = name, self._answer()["import"]

    def first(self, job: Job, file: str | None = None) -> dict:
        """The first run of a job, with a digest of what it gave as a file."""
        return self._ask({"job": asdict(job)} | ({} if file is None else {"file": file}))

    def again(self) -> float:
        """Seconds of another run of the same job."""
        return self._ask({})["seconds"]

    def _ask(self, asked: dict) -> dict:
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"the arm {self.name} has failed:\n{self.log.read()[-2000:]}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.log.close()


def bears(arm: str, job: Job) -> bool:
    """Whether an arm can do the job, and is measured at this size: a dash stands where it would take more than some seconds a run."""
    if (job.kept == "summaries" and arm not in LEAN) or (job.order == "alternating" and arm in ("torch", "agent_torch")):
        return False
    return {"mesa": job.agent_steps <= 3 * 10**5, "agent_torch": job.iterations <= 1000}.get(arm, True)


def difference(own: dict, other: dict) -> float:
    """The largest difference of two digests, relative to the largest value of its kind, or absolute where that is below 1."""
    if own.keys() != other.keys():
        raise RuntimeError(f"the arms keep different things: {sorted(own.keys() ^ other.keys())}")
    largest = {
        name: max(1.0, np.abs(values).max(), other.get(f"largest {name.removeprefix('last ')}", 0.0)) for name, values in other.items()
    }
    return max(float(np.abs(own[name] - values).max() / largest[name]) for name, values in other.items())


def check(found: dict[str, str]) -> bool:
    """Whether all arms give the same numbers for the small jobs; says which do not."""
    digests = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, python in found.items():
            with Arm(name, python) as arm:
                for job in CHECKED:
                    if bears(name, job):
                        arm.first(job, f"{folder}/digest.npz")
                        digests[name, job] = dict(np.load(f"{folder}/digest.npz"))
    found = {(name, job): difference(digest, digests["numpy", job]) for (name, job), digest in digests.items()}
    for (name, job), apart in found.items():
        if not apart <= TOLERANCE:
            print(f"{job.name}: {name} differs from NumPy by {apart:.1e}", flush=True)
    print(f"checked on {len(CHECKED)} small jobs, where the largest difference to NumPy is {max(found.values()):.1e}", flush=True)
    return max(found.values()) <= TOLERANCE


def measure(job: Job, found: dict[str, str]) -> list[dict]:
    """A line for each arm that bears the job, in which it is checked first and then timed in turns with the others."""
    lines, digests = {}, {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        arms = {name: stack.enter_context(Arm(name, python)) for name, python in found.items() if bears(name, job)}
        for name, arm in arms.items():
            first = arm.first(job, f"{folder}/{name}.npz")
            digests[name] = dict(np.load(f"{folder}/{name}.npz"))
            lines[name] = {"import_s": arm.imported, "first_s": first["seconds"], "peak_mb": first["peak"] / 1e6}
        for name in arms:
            lines[name]["difference"] = difference(digests[name], digests["numpy"])
            if not lines[name]["difference"] <= TOLERANCE:
                print(f"{name} is not timed, since it differs from NumPy by {lines[name]['difference']:.1e}", flush=True)
        timed = {name: [] for name in arms if lines[name]["difference"] <= TOLERANCE}
        for turn in range(3 * LEAST):
            for name, taken in timed.items():
                if turn < LEAST or median(taken) < SHORT:
                    taken.append(arms[name].again())
    for name, taken in timed.items():
        run = median(taken)
        lines[name] |= {"compile_s": max(lines[name]["first_s"] - run, 0.0), "run_s": run, "repeats": len(taken)}
        lines[name]["speed_up"] = median(timed["numpy"]) / run
    return [asdict(job) | {"arm": name} | line for name, line in lines.items()]


def memory(job: Job, found: dict[str, str]) -> list[dict]:
    """Peak memory of one run in a fresh process; of the largest job the library's alone."""
    lines = []
    for name in LEAN if job.n_agents <= 10**6 else ["library"]:
        if name in found:
            with Arm(name, found[name]) as arm:
                first = arm.first(job)
            measured = {"before_mb": first["before"] / 1e6, "peak_mb": first["peak"] / 1e6, "first_s": first["seconds"]}
            lines.append(asdict(job) | {"arm": name} | measured)
    return lines


def first_calls(job: Job, found: dict[str, str]) -> list[dict]:
    """The first call of the arms that compile, in fresh processes, with an empty cache and with what the process before left in it."""
    lines = []
    for name in [name for name in ("library", "numba") if name in found and (name == "library" or job == FIRST[0])]:
        taken = {"empty": [], "full": []}
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                for own in taken.values():
                    with Arm(name, found[name], JAX_COMPILATION_CACHE_DIR=folder, **JAX | {"NUMBA_CACHE_DIR": folder}) as arm:
                        own.append((arm.first(job)["seconds"], arm.again()))
        medians = {cache: [median(column) for column in zip(*own, strict=True)] for cache, own in taken.items()}
        lines += [asdict(job) | {"arm": name, "cache": cache, "first_s": first, "run_s": run} for cache, (first, run) in medians.items()]
    return lines


KINDS = {"results": (TIMED, measure), "memory": (MEMORY, memory), "first_calls": (FIRST, first_calls)}


def store(kind: str, job: Job, lines: list[dict], every: list[Job]) -> None:
    """The lines of a job in place of its old ones, in the order of all jobs."""
    path, fields = HERE / f"{kind}.csv", list(Job.__dataclass_fields__)
    old = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            old = list(csv.DictReader(file))

    def key(line):
        return tuple(str(line[name]) for name in fields)

    order = [key(asdict(job)) for job in every]
    kept = [line for line in old if key(line) != key(asdict(job)) and key(line) in order] + [
        {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in line.items()} for line in lines
    ]
    columns = list(dict.fromkeys(name for line in kept for name in line))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(kept, key=lambda line: order.index(key(line))))


def say(line: dict) -> None:
    """A line as it is measured."""
    shown = {
        name: f"{value:.3g}" if isinstance(value, float) else value for name, value in line.items() if name not in Job.__dataclass_fields__
    }
    print(" ", *(f"{name}={value}" for name, value in shown.items()), flush=True)


def main(*words: str) -> int:
    """Exit status 1 if an arm gives other numbers than NumPy."""
    quick = words == ("quick",)
    found = pythons(LEAN if quick else ARMS)
    here = machine(found)
    description = HERE / "machine.json"
    if words and not quick and description.exists() and json.loads(description.read_text(encoding="utf-8")) != here:
        print("the other lines were measured on another machine or with other versions: measure all, with make bench", file=sys.stderr)
        return 2
    failed = not check(found)
    for kind, (every, call) in KINDS.items():
        chosen = [job for job in every if not words or any(word in f"{kind} {job.name}" for word in words)]
        if quick:
            chosen = [job for job in every if kind == "results" and job.n_agents <= 10**4 and (job is PAPER or job.n_agents > 100)]
        for job in chosen:
            print(f"{kind}: {job.name}", flush=True)
            lines = call(job, found)
            for line in lines:
                say(line)
            failed |= any(line.get("difference", 0) > TOLERANCE for line in lines)
            if not quick:
                store(kind, job, lines, every)
    if not quick:
        description.write_text(json.dumps(here, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        from picture import draw

        draw(HERE / "results.csv", HERE / "results.png")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
