"""Mutation testing of the model and the solver: every mutant that mutmut's operators make, one after another, in a copy of the clone.

    pip install mutmut
    python benchmarks/mutants.py

Results go to benchmarks/mutants.csv as they come, and a run that was stopped goes on where it ended (--minutes stops it by itself).
A mutant is killed if a test fails, or if the tests take ten times as long as they do without it.

mutmut itself keeps mutants side by side in one module, which a traced and cached function does not notice, and runs them in processes that
have used JAX before they fork, which JAX does not survive. So its operators are applied here one at a time, to the text of a module, and
the tests run in a process that is forked from one in which JAX is imported and has computed nothing.
"""

import argparse
import csv
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "mutants.csv"
COLUMNS = ["module", "line", "before", "after", "killed by", "seconds"]
MODULES = {  # with the tests that are run, in this order, until one fails
    "fairness": ("fairness", "properties", "market", "adage", "framework"),
    "market": ("market", "properties", "adage", "fairness", "framework"),
    "followers": ("properties", "adage", "market", "framework", "fairness"),
    "steps": ("properties", "adage", "market", "framework", "fairness"),
    "adage": ("properties", "adage", "framework", "market", "fairness"),
}


class Mutations(cst.CSTVisitor):
    """All mutants of a module: (line, text before, text after, mutated module). Annotations, imports and docstrings have none."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, module):
        self.module, self.found = module, []

    def visit_Annotation(self, node):
        return False

    def visit_Import(self, node):
        return False

    def visit_ImportFrom(self, node):
        return False

    def on_visit(self, node):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                line = self.get_metadata(PositionProvider, node).start.line
                for mutant in operator(node):
                    text = self.module.deep_replace(node, mutant).code
                    self.found.append((line, self.module.code_for_node(node), self.module.code_for_node(mutant), text))
        return super().on_visit(node)


def mutants(source):
    """Of a module's text; those that are no Python, or are the same text as another, are left out."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    visitor = Mutations(wrapper.module)
    wrapper.visit(visitor)
    texts = {source}
    for line, before, after, text in visitor.found:
        if text not in texts:
            texts.add(text)
            yield line, " ".join(before.split()), " ".join(after.split()), text


def copied(folder):
    """The clone, as far as these tests need it."""
    for part in ("adage_repro", "tests", "notebooks", "figures", "docs", "pyproject.toml", "requirements.lock", "Makefile"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)


def outcome(folder, tests, seconds):
    """The first test that fails in a process of its own, `time` if that takes too long, or nothing if all pass."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        os.close(reader)
        os.write(writer, first_failure(folder, tests).encode())
        os._exit(0)
    os.close(writer)
    try:
        if not select.select([reader], [], [], seconds)[0]:
            return "time"
        return os.read(reader, 1000).decode()
    finally:
        os.close(reader)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)


def first_failure(folder, tests):
    """In the process of the tests: one file after another, up to the first test that fails."""
    os.chdir(folder)
    sys.path[:0] = [str(folder), str(folder / "tests")]
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    said = First()
    try:
        for name in tests:
            file = str(folder / "tests" / f"test_{name}.py")
            status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no", file], plugins=[said])
            if status:
                return said.name or "import"
    except BaseException as error:
        return type(error).__name__
    return ""


class First:
    """Remembers the first test that failed."""

    name = ""

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.name:
            self.name = report.nodeid.split("/")[-1].split("[")[0]


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--minutes", type=float, default=float("inf"))
    ask.add_argument("--modules", nargs="*", default=list(MODULES))
    ask.add_argument("--table", type=Path, default=TABLE)
    asked = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    until = time.monotonic() + 60 * asked.minutes
    done = {}
    if asked.table.exists():
        with asked.table.open(encoding="utf-8", newline="") as file:
            done = {(row["module"], row["line"], row["before"], row["after"]): row for row in csv.DictReader(file)}
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(ROOT / ".cache" / "mutants")
    os.environ |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        copied(folder)
        begin, plain = time.monotonic(), {}
        for name in asked.modules:
            begin = time.monotonic()
            failed = outcome(folder, MODULES[name], 1200)
            plain[name] = time.monotonic() - begin
            print(f"{name}: {plain[name]:.1f} s without a mutant{f', FAILED: {failed}' if failed else ''}", flush=True)
            if failed:
                return 1
        sys.dont_write_bytecode = True  # a module that is written again within a second has the time of its old bytecode
        for name in asked.modules:
            target = folder / "adage_repro" / f"{name}.py"
            source = target.read_text(encoding="utf-8")
            for cached in (folder / "adage_repro" / "__pycache__").glob(f"{name}.*"):
                cached.unlink()
            for line, before, after, text in mutants(source):
                if (name, str(line), before, after) in done:
                    continue
                if time.monotonic() > until:
                    return 3
                target.write_text(text, encoding="utf-8")
                begin = time.monotonic()
                killer = outcome(folder, MODULES[name], max(60, 10 * plain[name]))
                took = time.monotonic() - begin
                new = not asked.table.exists()
                with asked.table.open("a", encoding="utf-8", newline="") as file:
                    rows = csv.writer(file, lineterminator="\n")
                    if new:
                        rows.writerow(COLUMNS)
                    rows.writerow([name, line, before, after, killer, f"{took:.1f}"])
            target.write_text(source, encoding="utf-8")
    return 0


if __name__ == "__main__":
    import jax  # noqa: F401  (imported before any fork, and used after it only)
    import matplotlib  # noqa: F401
    import pandas  # noqa: F401
    import pytest

    sys.exit(main())
