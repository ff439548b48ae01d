"""Whatever is wrong with a parameter is refused in one line, with exit status 2, before anything is written or run."""

import os
import re
import shutil
import subprocess
from functools import cache, partial
from itertools import zip_longest

import hostile
import numpy as np
import pytest

from adage_repro import MarketEntrance, Settings, gini, largest_stable_lr, notebooks, untaxed_path
from adage_repro.__main__ import main
from adage_repro.experiments import entry_times, starts
from adage_repro.folders import ROOT
from adage_repro.parameters import check_all
from adage_repro.refusals import Refused


def tree():
    return {file: file.stat().st_mtime_ns for room in ("figures", "notebooks") for file in (ROOT / room).rglob("*")}


def is_one_line(text):
    return 0 < len(text) < 700 and len(text.splitlines()) == 1 and text.isprintable()


@pytest.fixture
def nothing_runs(monkeypatch, tmp_path):
    """Notebooks are read once; to run one fails. Every place where a command of a shell would leave its file is empty afterwards."""
    monkeypatch.chdir(tmp_path)
    for reads in ("by_name", "defaults", "figure_names", "notebook_of"):
        monkeypatch.setattr(notebooks, reads, cache(getattr(notebooks, reads)))
    monkeypatch.delattr(notebooks, "execute")
    before = tree()
    yield
    assert tree() == before and not list(tmp_path.iterdir()) and not (ROOT / hostile.RAN).exists()


def ways(name):
    """The commands that run this notebook."""
    return [("notebook", name)] + [("figure", name[3:])] * name.startswith("fig") + [("claims",)] * (name == "claims")


@pytest.mark.parametrize("name", notebooks.by_name())
def test_every_wrong_set_of_every_notebook(name, nothing_runs, capsys):
    for wrong, given in hostile.settings(notebooks.defaults(notebooks.notebook_of(name))):
        for way in ways(name):
            status, said = main(*way, given, ""), capsys.readouterr()
            assert (status, said.out) == (2, "") and is_one_line(said.err.removesuffix("\n")), (way, wrong, given[:99], said)


@pytest.mark.parametrize("name", notebooks.by_name())
def test_every_wrong_value_in_the_library(name):
    standard = notebooks.defaults(notebooks.notebook_of(name))
    for parameter, value in hostile.wrong_values(standard):
        with pytest.raises(Refused) as refused:
            check_all(standard | {parameter: value}, names=standard)
        assert is_one_line(str(refused.value)) and str(refused.value).startswith(parameter), (parameter, str(refused.value))


GAME, WORDS = MarketEntrance(3, 0.6), {"order": "simultaneous", "late_group": "absent"}
CALLS = [  # what takes a parameter, with arguments that it accepts; each is replaced by everything that it must refuse
    (
        MarketEntrance,
        {"n_agents": 3, "capacity": 0.6, "outside_payoff": 1.0, "crowd": "included", "tax_units": "rate", "returns_shift": "none"},
    ),
    (Settings, {"iterations": 2, "follower_lr": 0.1, "leader_lr": 0.1, "leader_every": 2, "entry_time": 0} | WORDS),
    (partial(untaxed_path, GAME), {"follower_lr": 0.1, "start": [0.1, 0.2, 0.3], "iterations": 2} | WORDS),
    (partial(largest_stable_lr, GAME), {"order": "simultaneous"}),
    (partial(gini, np.ones(3)), {"returns_shift": "negative"}),
    (starts, {"kind": "uniform", "runs": 2, "n_agents": 3, "seed": 0}),
    (entry_times, {"n_agents": 3, "iterations": 10, "late_entry_share": 0.5}),
]


@pytest.mark.parametrize("function, given", CALLS, ids=lambda part: getattr(getattr(part, "func", part), "__name__", ""))
def test_every_wrong_argument(function, given):
    """None is no leader, and a function is a schedule of rates: these two may be taken."""
    assert function(**given) is not None
    for name in given:
        for value in [*hostile.OBJECTS, *hostile.NOT_FINITE]:
            if name.endswith("_lr") and (value is None or callable(value)):
                continue
            with pytest.raises(Refused) as refused:
                function(**given | {name: value})
            assert is_one_line(str(refused.value)), (name, str(refused.value))


@pytest.mark.parametrize("command", ["figure", "notebook"])
def test_no_text_names_a_notebook(command, nothing_runs, capsys):
    for text in hostile.TEXTS:
        status, said = main(command, text, "", ""), capsys.readouterr()
        assert (status, said.out) == (2, "") and is_one_line(said.err.removesuffix("\n")), (text[:99], said)


def test_make_hands_over_every_text_as_it_was_typed(tmp_path):
    """A Python that prints what it is given; from there on the tests above hold."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\ntest "$1" != -m || printf "%s\\0" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for texts in zip_longest(*(hostile.TEXTS[start::3] for start in range(3)), fillvalue=""):
        pairs = [f"{name}={text}" for name, text in zip(("FIG", "SET", "OUT"), texts, strict=True)]
        done = subprocess.run(["make", "-o", ".venv/.ready", "figure", *pairs], cwd=tmp_path, env=environment, capture_output=True)
        assert done.stdout.split(b"\0")[3:-1] == list(map(os.fsencode, texts)), (pairs, done.stderr)
        assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".venv", "Makefile"]


def test_the_page_says_how_many_are_tried():
    """At least so many; notebooks and parameters that are added add more."""
    lines = values = 0
    for name in notebooks.by_name():
        standard = notebooks.defaults(notebooks.notebook_of(name))
        lines += len(ways(name)) * sum(1 for _ in hostile.settings(standard))
        values += sum(1 for _ in hostile.wrong_values(standard))
    page = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    said = [int(number.replace(",", "")) for number in re.findall(r"more than ([\d,]+) (?:such lines|values)", page)]
    assert len(said) == 2 and said[0] <= lines and said[1] <= values
