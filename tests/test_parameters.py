"""Every parameter has one type and one range, and bad values are refused with one clear line."""

import math
import re

import jax.numpy as jnp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from adage_repro.notebooks import defaults, figure_names, notebook_of
from adage_repro.parameters import PARAMETERS, check, check_all, check_value
from adage_repro.readings import ORDER
from adage_repro.words import changes

ORDERS = f"order must be one of {', '.join(ORDER.words)}"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("capacity", 1.4, "capacity must lie in [1/n_agents, 1], got 1.4"),
        ("capacity", 0.09, "capacity must lie in [1/n_agents, 1], got 0.09"),
        ("capacity", math.nan, "capacity must lie in [1/n_agents, 1], got nan"),
        ("capacity", math.inf, "capacity must lie in [1/n_agents, 1], got inf"),
        ("capacity", "much", "capacity must be a number, got 'much'"),
        ("capacity", True, "capacity must be a number, got True"),
        ("capacity", None, "capacity must be a number, got None"),
        ("n_agents", 10.0, "n_agents must be a whole number, got 10.0"),
        ("seed", 10**400, f"seed must lie in [0, 4294967295], got 1{'0' * 78}…"),
        ("order", "x" * 5000, f"{ORDERS}, got '{'x' * 78}…"),
        ("seed", 10**30, f"seed must lie in [0, 4294967295], got {10**30}"),
        ("order", [1], f"{ORDERS}, got [1]"),
        ("capacity", [0.4], "capacity must be a number, got [0.4]"),
        ("n_agents", 1, "n_agents must lie in [2, 10000], got 1"),
        ("late_entry_share", 1.0, "late_entry_share must lie in [0, 1), got 1.0"),
        ("order", "both", f"{ORDERS}, got 'both'"),
        ("crowd", 1, "crowd must be one of included, excluded, got 1"),
        ("capacities", 0.4, "capacities must be a list of 1 to 12 numbers, got 0.4"),
        ("capacities", [], "capacities must be a list of 1 to 12 numbers, got []"),
        ("capacities", [0.2, 1.4], "capacities: item 2 must lie in [1/n_agents, 1], got 1.4"),
        ("capacities", [0.2, 0.2], "capacities must not contain a value twice (compared to six digits), got [0.2, 0.2]"),
        ("agent_counts", [10, 2.5], "agent_counts: item 2 must be a whole number, got 2.5"),
    ],
)
def test_refused(name, value, line):
    with pytest.raises(ValueError) as refused:
        check(name, value, n_agents=10)
    assert str(refused.value) == line


def test_a_number_that_python_does_not_write_is_refused():
    with pytest.raises(ValueError, match=r"^seed must lie in \[0, 4294967295\], got a number with very many digits$"):
        check("seed", 10**5000)


def test_given_back_as_its_type():
    assert check("capacity", 1, n_agents=10) == 1.0 and isinstance(check("capacity", 1, n_agents=10), float)
    assert check("capacity", 0.1, n_agents=10) == 0.1
    assert str(check("follower_lr", -0.0)) == "0.0"
    assert isinstance(check("n_agents", np.int64(7)), int)
    assert check("follower_lrs", (0.1, 1)) == [0.1, 1.0]
    many = jnp.array([0.2, 0.4])
    assert check_value("start", many, "float", "[0, 1]") is many
    with pytest.raises(ValueError, match=r"^start must lie in \[0, 1\], got 1.5$"):
        check_value("start", jnp.array([0.2, 1.5]), "float", "[0, 1]")
    for kind in (np.array, jnp.array):
        assert isinstance(check("follower_lr", kind(0.5)), float)
        with pytest.raises(ValueError, match=r"^follower_lr must be a number, got an array of shape \(2,\)$"):
            check("follower_lr", kind([0.1, 0.2]))


def test_together():
    assert check_all({"capacity": 0.6, "other": 1, "n_agents": 10}) == {"n_agents": 10, "capacity": 0.6}
    with pytest.raises(ValueError, match=r"^capacity must lie"):
        check_all({"n_agents": 4, "capacity": 0.2})
    with pytest.raises(ValueError, match=r"^capacity must lie"):
        check_all({"agent_counts": [100, 4], "capacity": 0.2})
    with pytest.raises(ValueError, match=r"^capcity is not a parameter here \(did you mean capacity\?\); the parameters are capacity$"):
        check_all({"capcity": 0.6}, names={"capacity": 0.6})


LARGE = {
    "fig02": {"n_agents": 10_000, "runs": 200},
    "fig04": {"runs": 10_000, "n_agents": 200},
    "fig05": {"n_agents": 1000, "iterations_per_agent": 10_000},
    "fig09": {"agent_counts": [10, 100_000]},
    "fig11": {"n_agents": 5000, "iterations_per_agent": 2000},
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_run_that_fits_is_said(name):
    """Each way out that the refusal names is the last that is accepted."""
    values = defaults(notebook_of(name)) | LARGE[name]
    with pytest.raises(ValueError, match=r"^this run asks for \S+ (lines|updates) .+ at most \S+ are allowed; with the other") as refused:
        check_all(values)
    ways = re.findall(r"(\w+) may go up to (\d+)", str(refused.value))
    assert ways
    for parameter, most in ways:
        for value, fits in ((int(most), True), (int(most) + 1, False)):
            lowered = [min(one, value) for one in values[parameter]] if isinstance(values[parameter], list) else value
            if fits:
                check_all(values | {parameter: lowered})
            else:
                with pytest.raises(ValueError, match="this run asks for"):
                    check_all(values | {parameter: lowered})


@pytest.mark.parametrize("name", figure_names())
def test_every_end_of_every_range_can_be_reached(name):
    """With the smallest of everything else."""
    standard = defaults(notebook_of(name))
    small = {
        "n_agents": 2,
        "runs": 2,
        "iterations_per_agent": 1,
        "capacity": 1.0,
        "capacities": [1.0],
        "follower_lrs": [0.1],
        "leader_lrs": [0.1],
    }
    least = standard | {key: value for key, value in small.items() if key in standard}
    for key in (key for key in standard if PARAMETERS[key].item == "int"):
        end = int(PARAMETERS[key].allowed[1:-1].split(", ")[1])
        check_all(least | {key: [end] if isinstance(standard[key], list) else end})


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("tax_maxx: float = 5.0", "tax_maxx is not a parameter here (did you mean tax_max?)"),
        ("capcity = 0.4", "capcity is not a parameter here (did you mean capacity?)"),
        ("Capacity = 0.4", "Capacity is not a parameter here (did you mean capacity?)"),
        ("n_agent = 12", "n_agent is not a parameter here (did you mean n_agents?)"),
        ("capacities = [0.4]", "capacities is not a parameter here (did you mean capacity?)"),
        ("runs = 5", "runs is not a parameter here"),
    ],
)
def test_misspelt_in_a_notebook(line, hint):
    own = {"games": "a", "other": 1, "agents": 2.0, "capacity2": [3], "tax_max_here": 4}
    exec("n_agents: int = 10\ncapacity: float = 0.6\ntax_max: float = 0.1", notebook := own.copy())
    good = check_all(notebook)
    exec(line, notebook)
    with pytest.raises(ValueError, match=f"^{re.escape(hint)}.*; the parameters are n_agents, capacity, tax_max$"):
        check_all(notebook)
    assert check_all(notebook) == good  # the corrected cell runs in the same session


def test_a_refusal_is_one_line_in_a_notebook(capsys):
    shell = InteractiveShell()
    shell.run_cell("from adage_repro import MarketEntrance, gini\nMarketEntrance(n_agents=10, capacity=1.4)")
    shell.run_cell("gini([])")
    said = ["capacity must lie in [1/n_agents, 1], got 1.4", "returns and present must have one shape (N,), got (0,) and (0,)"]
    assert capsys.readouterr().out.splitlines() == [f"Refused: {line}" for line in said]


def test_what_was_changed_is_named():
    standard = {"capacity": 0.6, "order": "simultaneous", "capacities": [0.2]}
    text = changes(standard | {"capacity": 0.8, "capacities": [0.4]}, standard, setting="paper's setting")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert lines == ["| `capacity` | 0.6 | 0.8 |", "| `capacities` | [0.2] | [0.4] |"]
    assert "no parameter was changed" in changes(standard, standard, setting="paper's setting")


def test_table_is_complete():
    for name, parameter in PARAMETERS.items():
        assert parameter.item in ("int", "float", "str"), name
        assert "=" not in parameter.help, name  # papermill does not see a parameter whose line holds a second one
        assert parameter.allowed in parameter.help
