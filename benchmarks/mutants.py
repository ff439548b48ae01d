"""Mutation testing of the model and the solver: every mutant that mutmut's operators make, one after another, in a copy of the clone.

    pip install mutmut
    python benchmarks/mutants.py

Results go to benchmarks/mutants.csv as they come, and a run that was stopped goes on where it ended (--minutes stops it by itself).
A mutant is killed if a test fails, or if the tests take more than LONGEST seconds.

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
from functools import partial
from pathlib import Path

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "mutants.csv"
LONGEST = 300
COLUMNS = ["module", "line", "column", "before", "after", "killed by", "seconds"]  # without seconds: it was not tried
PROPERTIES = ("properties", "")
MODULES = {  # the tests that take seconds: a file and which of it, in which order, until one fails
    "fairness": (("fairness", ""), PROPERTIES),
    "market": (("market", "not item and not stable"), PROPERTIES),
    "adage": (
        ("adage", "settings or boxes or presence or refusals or knows or cournot or equal or turn or what_is_asked"),
        ("framework", "optimiser or refused or against"),
        ("adage", "headcount and negative"),
        PROPERTIES,
        ("adage", "each_their_own or kept"),
    ),
}
PARTS = ("adage_repro", "tests", "notebooks", "figures", "docs", "benchmarks")
PARTS += ("pyproject.toml", "requirements.lock", "Makefile", "README.md", "CONTRIBUTING.md")
SECOND = {  # tests that take longer or look at a module from outside, for what survived the first
    "fairness": (("fairness", "tie or poorest or absent_do"),),
    "market": (("market", "stable or path or closed_form"),),
    "adage": (
        ("adage", "turn or what_is_asked or identical"),
        ("experiments", "inside or without_a_leader"),
        ("framework", "history_says"),
        ("orders", ""),
        ("sharding", "four or mesh"),
        ("leaders", "tax_authority"),
        ("docs", "examples"),
        ("sharding", "processes"),
    ),
}


class Mutations(cst.CSTVisitor):
    """All mutants of a module: (line, column, text before, text after, a function that gives its text).

    Annotations, imports and docstrings have none.
    """

    METADATA_DEPENDENCIES = (ByteSpanPositionProvider, PositionProvider)

    def __init__(self, module):
        self.module, self.found = module, []

    def with_(self, node, mutant, span):
        """The module's text with the mutant in place of the node: cut out and pasted, where the node is all that stands there."""
        source, code = self.module.code.encode(), self.module.code_for_node
        end = span.start + span.length
        if source[span.start : end].decode() != code(node):
            return self.module.deep_replace(node, mutant).code
        return (source[: span.start] + code(mutant).encode() + source[end:]).decode()

    def visit_Annotation(self, node):
        return False

    def visit_Import(self, node):
        return False

    def visit_ImportFrom(self, node):
        return False

    def on_visit(self, node):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                begin, span = self.get_metadata(PositionProvider, node).start, self.get_metadata(ByteSpanPositionProvider, node)
                for mutant in operator(node):
                    before, after = (" ".join(self.module.code_for_node(part).split()) for part in (node, mutant))
                    self.found.append((str(begin.line), str(begin.column), before, after, partial(self.with_, node, mutant, span)))
        return super().on_visit(node)


def mutants(source):
    """Of a module's text: (line, column, text before, text after) of each mutant, and a function that gives the text of the module."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    visitor = Mutations(wrapper.module)
    wrapper.visit(visitor)
    return {tuple(place): text for *place, text in visitor.found}


def copied(folder):
    """The clone, as far as these tests need it."""
    for part in PARTS:
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
    os.environ["PYTHONPATH"] = str(folder)  # of the processes that tests start
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    said = First()
    try:
        for name, chosen in tests:
            words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no", "-k", chosen]
            status = pytest.main([*words, str(folder / "tests" / f"test_{name}.py")], plugins=[said])
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
            self.name = report.nodeid.split("[")[0].split("/")[-1]


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--minutes", type=float, default=float("inf"))
    ask.add_argument("--modules", nargs="*", default=list(MODULES))
    ask.add_argument("--every", type=int, default=1, help="try every k-th mutant only")
    ask.add_argument("--second", action="store_true", help="try those that survived once more, with other tests")
    ask.add_argument("--table", type=Path, default=TABLE)
    asked = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    tests = SECOND if asked.second else MODULES
    until = time.monotonic() + 60 * asked.minutes
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"  # each mutant compiles anew
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(ROOT / ".cache" / "mutants")
    os.environ |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    sources = {name: (ROOT / "adage_repro" / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    texts = {(name, *place): text for name, source in sources.items() for place, text in mutants(source).items()}
    results = dict.fromkeys(texts, ("", "")) | {key: found for key, found in known(asked.table).items() if key in texts}
    sample = [key for number, key in enumerate(texts) if number % asked.every == 0 and key[0] in asked.modules]
    wanted = [key for key in sample if (results[key][1] and not results[key][0] if asked.second else not results[key][1])]
    own = {name: [key for key in wanted if key[0] == name] for name in asked.modules}
    wanted.sort(key=lambda key: own[key[0]].index(key) / len(own[key[0]]))  # a run that is stopped has tried as much of each module
    with tempfile.TemporaryDirectory() as place:
        folder, passed = Path(place).resolve(), set()
        copied(folder)
        for key in wanted:
            name = key[0]
            if time.monotonic() > until:
                return 3
            if name not in passed:
                begin = time.monotonic()
                failed = outcome(folder, tests[name], LONGEST)
                print(f"{name}: {time.monotonic() - begin:.1f} s without a mutant{f', FAILED: {failed}' if failed else ''}", flush=True)
                if failed:
                    return 1
                passed.add(name)
            sys.dont_write_bytecode = True  # a module that is written again within a second has the time of its old bytecode
            for cached in (folder / "adage_repro" / "__pycache__").glob(f"{name}.*"):
                cached.unlink()
            target = folder / "adage_repro" / f"{name}.py"
            target.write_text(texts[key](), encoding="utf-8")
            begin = time.monotonic()
            killer = outcome(folder, tests[name], LONGEST)
            results[key] = killer, f"{time.monotonic() - begin:.1f}"
            target.write_text(sources[name], encoding="utf-8")
            with asked.table.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([COLUMNS, *((*key, *found) for key, found in results.items())])
    return 0


def known(table):
    """What an earlier run has found: (killed by, seconds) by place and text of the mutant."""
    if not table.exists():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        return {tuple(row[:5]): tuple(row[5:]) for row in list(csv.reader(file))[1:]}


if __name__ == "__main__":
    import jax  # noqa: F401  (imported before any fork, and used after it only)
    import matplotlib  # noqa: F401
    import pandas  # noqa: F401
    import pytest

    sys.exit(main())
