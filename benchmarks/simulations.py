"""Seconds that all simulations of the twelve figures take once compiled, figure by figure: python benchmarks/simulations.py"""

import os
import tempfile
import time

import jax

import adage_repro
from adage_repro import notebooks, records

solve = adage_repro.solve
calls = []


def recorded(*arguments):
    """Solve, and remember what was asked."""
    calls.append(arguments)
    return solve(*arguments)


def seconds(arguments) -> float:
    """One call, run to its end."""
    begin = time.perf_counter()
    jax.block_until_ready(solve(*arguments))
    return time.perf_counter() - begin


if __name__ == "__main__":
    adage_repro.solve = recorded
    records.show = records.save = records.report = lambda *_: None
    whole = 0.0
    with tempfile.TemporaryDirectory() as out:
        os.environ["ADAGE_REPRO_OUT"] = out
        for number in notebooks.figure_numbers():
            calls.clear()
            notebook = notebooks.notebook_of(f"fig{number:02d}")
            exec("\n".join(notebooks.sources(notebook, kind="code")), {"print": lambda *_, **__: None})
            spent = sum(map(seconds, calls))
            whole += spent
            print(f"{notebook.stem}: {len(calls)} simulations, {spent:.3f} s", flush=True)
    print(f"all: {whole:.2f} s")
