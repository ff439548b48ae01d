"""Every parameter has one type and one range, and bad values are refused with one clear line."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from adage_repro.parameters import LARGEST_RUN, PARAMETERS, check, check_all, check_value
from adage_repro.words import changes


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
        ("seed", 10**400, f"seed must lie in [0, 4294967295], got {10**400}"),
        ("seed", 10**30, f"seed must lie in [0, 4294967295], got {10**30}"),
        ("order", [1], "order must be one of simultaneous, alternating, got [1]"),
        ("capacity", [0.4], "capacity must be a number, got [0.4]"),
        ("n_agents", 1, "n_agents must lie in [2, 1000000], got 1"),
        ("late_entry_share", 1.0, "late_entry_share must lie in [0, 1), got 1.0"),
        ("order", "both", "order must be one of simultaneous, alternating, got 'both'"),
        ("crowd", 1, "crowd must be one of included, excluded, got 1"),
        ("capacities", 0.4, "capacities must be a list of 1 to 12 numbers, got 0.4"),
        ("capacities", [], "capacities must be a list of 1 to 12 numbers, got []"),
        ("capacities", [0.2, 1.4], "capacities must lie in [1/n_agents, 1], got 1.4"),
        ("capacities", [0.2, 0.2], "capacities must not hold a value twice, to six digits, got [0.2, 0.2]"),
        ("agent_counts", [10, 2.5], "agent_counts must be a whole number, got 2.5"),
    ],
)
def test_refused(name, value, line):
    with pytest.raises(ValueError) as refused:
        check(name, value, n_agents=10)
    assert str(refused.value) == line


def test_given_back_as_its_type():
    assert check("capacity", 1, n_agents=10) == 1.0 and isinstance(check("capacity", 1, n_agents=10), float)
    assert check("capacity", 0.1, n_agents=10) == 0.1
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
    with pytest.raises(ValueError, match=r"^capcity is not a parameter here, did you mean capacity; there are capacity$"):
        check_all({"capcity": 0.6}, names={"capacity": 0.6})
    with pytest.raises(ValueError, match=rf"must be at most {LARGEST_RUN}, got 1001000000$"):
        check_all({"n_agents": 1000, "iterations_per_agent": 1, "runs": 1000})


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("tax_maxx: float = 5.0", "tax_maxx is not a parameter here, did you mean tax_max"),
        ("capcity = 0.4", "capcity is not a parameter here, did you mean capacity"),
        ("n_agent = 12", "n_agent is not a parameter here, did you mean n_agents"),
        ("capacities = [0.4]", "capacities is not a parameter here, did you mean capacity"),
        ("runs = 5", "runs is not a parameter here"),
    ],
)
def test_misspelt_in_a_notebook(line, hint):
    own = {"games": "a", "other": 1, "agents": 2.0, "capacity2": [3], "tax_max_here": 4}
    exec("n_agents: int = 10\ncapacity: float = 0.6\ntax_max: float = 0.1", notebook := own.copy())
    good = check_all(notebook)
    exec(line, notebook)
    with pytest.raises(ValueError, match=f"^{hint}.*; there are n_agents, capacity, tax_max$"):
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
    text = changes(standard | {"capacity": 0.8, "capacities": [0.4]}, standard)
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert lines == ["| `capacity` | 0.6 | 0.8 |", "| `capacities` | [0.2] | [0.4] |"]
    assert "no parameter was changed" in changes(standard, standard)


def test_table_is_complete():
    for name, parameter in PARAMETERS.items():
        assert parameter.item in ("int", "float", "str"), name
        assert "=" not in parameter.help, name  # papermill does not see a parameter whose line holds a second one
        assert parameter.allowed in parameter.help
