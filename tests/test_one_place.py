"""One fact stands in one place: what forgets a place of a new reading, figure or default fails with a line that says what to do."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import reference

from adage_repro import (
    MarketEntrance,
    Settings,
    fixed_point,
    gini,
    largest_stable_lr,
    notebooks,
    parameter_cells,
    solve,
    untaxed_path,
    words,
)
from adage_repro.experiments import starts
from adage_repro.notebooks import NOTEBOOKS, by_name, defaults, name_of, notebook_of
from adage_repro.parameters import DEFAULTS, PARAMETERS
from adage_repro.readings import CROWD, FOLLOWER_START, LATE_GROUP, ORDER, READINGS, RETURNS_SHIFT, TAX_UNITS

GAME, ZEROS = MarketEntrance(4, 0.6), np.zeros(4)
PICKS = [  # whatever picks a way from a table
    (ORDER, "follower_step", lambda: solve(GAME, Settings(17, 0.0123), ZEROS)),
    (ORDER, "largest_stable_lr", lambda: largest_stable_lr(GAME)),
    (ORDER, "untaxed_path", lambda: untaxed_path(GAME, 0.001, ZEROS, 3)),
    (LATE_GROUP, "presence", lambda: solve(GAME, Settings(18, 0.0123), ZEROS)),
    (LATE_GROUP, "until_entry", lambda: words.until_entry("absent")),
    (LATE_GROUP, "untaxed_path", lambda: untaxed_path(GAME, 0.001, ZEROS, 3)),
    (CROWD, "attendance_felt", lambda: GAME.untaxed_utility(0.1, 0.2, 4)),
    (CROWD, "fixed_point", lambda: fixed_point(GAME)),
    (CROWD, "largest_stable_lr", lambda: largest_stable_lr(GAME)),
    (CROWD, "untaxed_path", lambda: untaxed_path(GAME, 0.001, ZEROS, 3)),
    (TAX_UNITS, "over_attendance", lambda: GAME.tax(0.1, 0.2, 4, 0.1)),
    (RETURNS_SHIFT, "_shifted", lambda: gini(np.ones(4))),
    (RETURNS_SHIFT, "fairness_scale", lambda: words.fairness_scale("negative")),
    (RETURNS_SHIFT, "fairness_note", lambda: words.fairness_note("negative")),
    (FOLLOWER_START, "starts", lambda: starts("zeros", 1, 4, 0)),
]


@pytest.mark.parametrize("table, place, call", PICKS, ids=[f"{table.name}-{place}" for table, place, _ in PICKS])
def test_a_new_word_needs_a_way_wherever_one_is_picked(table, place, call, monkeypatch):
    """Whichever word is asked for: nothing runs with a table that is filled in half."""
    monkeypatch.setitem(table.ways, "third", "another way")
    line = rf"\.{place} has no case for {table.name} = third: add one, or remove the word from adage_repro/readings\.py(\n|$)"
    with pytest.raises(NotImplementedError, match=line):
        call()


def test_a_way_needs_its_word():
    with pytest.raises(
        NotImplementedError, match=r"has a case for order = third, which adage_repro/readings\.py does not list: add it there$"
    ):
        ORDER.pick("simultaneous", simultaneous=1, alternating=2, third=3)


def test_an_unknown_word_is_refused():
    for table in (*READINGS.values(), FOLLOWER_START):
        with pytest.raises(ValueError, match=rf"^{table.name} must be one of {', '.join(table.words)}, got 'other'$"):
            table.pick("other", **dict.fromkeys(table.words, 0))
        assert PARAMETERS[table.name].words == table.words and PARAMETERS[table.name].default == table.default == table.words[0]


def test_the_plain_loops_need_a_way_too():
    with pytest.raises(AssertionError, match=r"^tests/reference\.py has no loops for order = third: add them"):
        reference.solve(reference.Market(2, 0.6, order="third"), [0.0, 0.0], 1, 0.1)


def test_parameters_cells_are_what_the_table_says(monkeypatch):
    lines = parameter_cells.stale()
    assert not lines, "\n".join(lines)
    monkeypatch.setitem(PARAMETERS, "temperature", replace(PARAMETERS["runs"], overrides={}))
    monkeypatch.setitem(PARAMETERS, "leader_lrs", replace(PARAMETERS["leader_lrs"], default=[0.5]))
    monkeypatch.setitem(PARAMETERS, "capacity", replace(PARAMETERS["capacity"], overrides={"fig07": 0.5}))
    assert parameter_cells.stale() == [
        "the parameters cell of fig12_leader_rates.ipynb is not what adage_repro/parameters.py says: run make docs",
        "no notebook asks for temperature: write its name into a parameters cell, or remove it from adage_repro/parameters.py",
        "capacity has a default of its own for fig07, which does not ask for it: remove it from adage_repro/parameters.py",
    ]


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder of notebooks, each with a parameters cell of the given text."""
    for module in (notebooks, parameter_cells):
        monkeypatch.setattr(module, "NOTEBOOKS", tmp_path)

    def add(stem, *texts):
        cells = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": [text]} for text in texts]
        (tmp_path / f"{stem}.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")

    return add


def test_a_new_notebook_names_its_parameters_and_the_command_writes_the_rest(room):
    room("fig04_policy", "follower_lr\nruns")
    room("beyond", "order\ncapacities")
    with pytest.raises(
        ValueError, match=r"^beyond\.ipynb must have lines `name: type = value` in its parameters cell: make docs writes it$"
    ):
        defaults(notebook_of("beyond"))
    assert [file.stem for file in parameter_cells.write()] == ["beyond", "fig04_policy"] and parameter_cells.write() == []
    assert defaults(notebook_of("fig04")) == {"follower_lr": 0.01, "runs": DEFAULTS["runs"]}
    assert defaults(notebook_of("beyond")) == {"order": ORDER.default, "capacities": DEFAULTS["capacities"]}
    room("fig14_new", "temperature")
    with pytest.raises(
        ValueError, match=r"^fig14 asks for temperature in its parameters cell: add it to PARAMETERS in adage_repro/parameters\.py$"
    ):
        parameter_cells.stale()


def test_notebooks_are_found_by_their_exact_stem(room):
    for stem in ("fig04_policy-Copy1", "fig04_policy", "fig05_fairness.old", "fig1_x", "Untitled", "beyond", "fig14_new"):
        room(stem, "")
    assert {name: file.stem for name, file in by_name().items()} == {
        "beyond": "beyond",
        "fig04": "fig04_policy",
        "fig14": "fig14_new",
        "fig1_x": "fig1_x",
    }
    assert notebooks.figure_names() == ["fig04", "fig14"] and notebooks.figure_numbers() == [4, 14]
    assert notebook_of("fig04") == notebook_of("fig04_policy") and notebook_of("fig04_policy-Copy1").stem == "fig04_policy-Copy1"
    assert name_of("fig04_policy-Copy1") == "fig04" and name_of("Untitled") == "Untitled"
    with pytest.raises(ValueError, match=r"^NAME must be a notebook in notebooks/, got 'fig05'; the notebooks are beyond, fig04_policy, "):
        notebook_of("fig05")
    room("fig04_mine", "")
    with pytest.raises(
        ValueError, match=r"^fig04 must be one notebook, found fig04_mine\.ipynb and fig04_policy\.ipynb: rename one of them$"
    ):
        notebook_of("fig04")


def test_a_copied_notebook_does_not_replace_the_files_of_the_original():
    notebooks._check_names(NOTEBOOKS / "fig14_new.ipynb", ["fig14.png", "fig14a.csv", "fig14_new.ipynb", "map.csv"])
    with pytest.raises(ValueError, match=r"^fig14_new\.ipynb must save its files under the name fig14, got fig13\.csv: correct what it "):
        notebooks._check_names(NOTEBOOKS / "fig14_new.ipynb", ["fig13.csv", "fig14.json"])


def test_a_notebook_has_one_parameters_cell(room):
    for count, texts in ((0, ()), (2, ("", ""))):
        room("beyond", *texts)
        with pytest.raises(ValueError, match=rf"^beyond\.ipynb must have one cell with the tag parameters, found {count}$"):
            defaults(notebook_of("beyond"))


def test_the_command_leaves_all_else_of_a_notebook_as_it_is():
    for notebook in by_name().values():
        text = notebook.read_text(encoding="utf-8")
        assert json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n" == text, notebook.name
    assert re.fullmatch(r"[a-z]+", NOTEBOOKS.name)
