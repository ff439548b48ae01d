"""The explorer: its presets are the figures' own settings, its commands reproduce what is shown, and a refused setting changes nothing."""

import json
import shlex

import numpy as np
import pytest

from adage_repro import notebooks
from adage_repro.__main__ import read_set
from adage_repro.explore import Panel, commands, presets, simulate
from adage_repro.explore.knobs import GROUPS, STOPS
from adage_repro.explore.picture import Board
from adage_repro.explore.presets import LISTS
from adage_repro.folders import FIGURES
from adage_repro.notebooks import defaults, notebook_of
from adage_repro.parameters import PARAMETERS, check_all
from adage_repro.policy import policy_map

NOTEBOOK = notebook_of("explore")
START = defaults(NOTEBOOK)


def headline(figure):
    return json.loads((FIGURES / f"{figure}.json").read_text(encoding="utf-8"))["headline"]


def typed(line):
    """The notebook that a command runs, and its parameters, as the front door takes them: refused if it would refuse them."""
    make, target, which, *given = shlex.split(line)
    assert (make, target) in {("make", "figure"), ("make", "notebook")} and len(given) < 2
    name = which.split("=")[1]
    standard = defaults(notebook_of(f"fig{int(name):02d}" if target == "figure" else name))
    return name, check_all(standard | read_set(given[0].removeprefix("SET=") if given else ""), names=standard)


def test_every_parameter_has_a_knob():
    knobs = sorted(name for names in GROUPS.values() for name in names)
    assert knobs == sorted(START), "give each parameter of explore.ipynb a place in GROUPS in adage_repro/explore/knobs.py"
    numbers = sorted(name for name in START if not PARAMETERS[name].words)
    assert sorted(STOPS) == numbers, "give each number in explore.ipynb its stops in STOPS in adage_repro/explore/knobs.py"


def test_a_preset_is_its_figures_own_setting():
    for name, preset in presets().items():
        assert check_all(preset.values()) == preset.values()
        if name.startswith("Figure"):
            number = "4" if name == "Figure 6" else name.split()[1]  # Figure 6 draws gradients, and shows no run
            assert commands(preset.values(), preset.figure)[0] == f"make figure FIG={number}"
    assert [name for name in presets() if name.startswith("Figure")] == [f"Figure {number}" for number in notebooks.figure_numbers()]


@pytest.mark.parametrize("seed", range(40))
def test_commands_are_accepted_and_hold_the_setting(seed):
    random = np.random.default_rng(seed)
    begin = list(presets().values())[seed % len(presets())]
    values = begin.values()
    for name in random.permutation(list(values))[: seed % 5]:
        stops = PARAMETERS[name].words or STOPS[name]
        values[name] = stops[random.integers(len(stops))]
    if values["capacity"] * values["n_agents"] < 1:
        return
    for line in commands(values, begin.figure):
        _, taken = typed(line)
        for name, value in values.items():
            if name in taken and (name not in ("runs", "seed") or values["follower_start"] == "uniform"):
                assert taken[name] == value, line
            elif LISTS.get(name) in taken:
                assert value in taken[LISTS[name]], line


def test_runs_are_those_of_the_figures():
    own, paper = simulate(presets()["Figure 4"].values()).headline, headline("fig04")
    for leader in ("with", "without"):
        assert own[f"gap {leader} the leader"] == pytest.approx(paper[f"follower_lr 0.01, gap {leader} the leader"], abs=1e-9)
    own = simulate(presets()["Figure 5"].values()).headline
    gain = own["fairness with the leader"] - own["fairness without the leader"]
    assert gain == pytest.approx(headline("fig05")["follower_lr 0.01, v = 1, mean"], abs=1e-9)


def test_the_policy_works_where_it_is_said_to():
    values = presets()["Where the policy works"].values()
    regimes = {n: policy_map([n], [values["follower_lr"]], [values["tax_max"]])["regime"].item() for n in (10, values["n_agents"])}
    assert regimes == {10: "too slow", values["n_agents"]: "works"}


def test_nothing_of_an_earlier_picture_is_left():
    board, (one, other) = Board(), (simulate(START | change) for change in ({}, {"capacity": 0.3, "tax_max": 0.07}))
    first, second = board.picture(one), board.picture(other)
    assert first != second and board.picture(one) == first and board.picture(other) == second


def test_the_panel_follows_refuses_and_saves(tmp_path, monkeypatch):
    monkeypatch.setenv("ADAGE_REPRO_OUT", str(tmp_path))
    panel = Panel(START)
    picture, line = panel.image.value, panel.commands.value
    panel.knobs["capacity"].value = 0.02
    assert "capacity must lie in [1/n_agents, 1], got 0.02." in panel.status.value and 'role="alert"' in panel.status.value
    assert (panel.image.value, panel.commands.value) == (picture, line) and panel.seen.values == START
    panel.knobs["capacity"].value = 0.8
    assert panel.status.value == "" and panel.image.value != picture and "capacity=0.8" in panel.commands.value
    panel.preset.value = "The true game"
    assert panel.knobs["crowd"].value == "excluded" and presets()["The true game"].says in panel.status.value
    panel.button.click()
    record = json.loads((tmp_path / "explore.json").read_text(encoding="utf-8"))
    assert record["parameters"] == START | {"crowd": "excluded"} and "saved explore.png" in panel.status.value
    assert {file.name for file in tmp_path.iterdir()} == {*record["tables"], *record["pictures"], "explore.json"}


def test_a_run_that_would_keep_the_reader_waiting_is_refused():
    with pytest.raises(ValueError, match=r"^this run asks for .* updates .* runs may go up to \d+"):
        simulate(START | {"n_agents": 1000, "follower_start": "uniform"})


def test_the_notebook_stores_a_picture_in_place_of_widgets_and_the_numbers_that_it_gives(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ADAGE_REPRO_OUT", str(tmp_path))
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "explore has no stored outputs: run make refresh"
    (shown,) = (output for cell in code for output in cell["outputs"] if "data" in output)
    assert set(shown["data"]) == {"image/png", "text/plain"}
    namespace = {}
    for cell in code:
        text = "".join(cell["source"])
        assert "def " not in text and "lambda" not in text and (len(text.splitlines()) < 15 or "parameters" in cell["metadata"]["tags"])
        exec(text.removesuffix("panel") if text.endswith("\npanel") else text, namespace)
        printed = capsys.readouterr().out
        if "nbval-check-output" in cell["metadata"].get("tags", []):
            assert printed == "".join("".join(output["text"]) for output in cell["outputs"])
    assert shown["metadata"]["image/png"]["alt"] == namespace["panel"].seen.alt == "".join(shown["data"]["text/plain"])
