"""What the paper claims: the verdict of every row, the settings it must fail in, and the cross product of the readings."""

import json
import re
from functools import cache
from math import prod
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import reference

from adage_repro import tables
from adage_repro.__main__ import main
from adage_repro.claims import (
    CHOICES,
    CLAIMS,
    COLUMNS,
    READINGS,
    Claim,
    Measured,
    Number,
    Search,
    Setup,
    all_cells,
    carried,
    claim,
    cross,
    hinges,
    judge,
    measure_all,
    programs,
    share_explained,
    untaxed,
    verdicts,
)
from adage_repro.claims.claim import CAUSES
from adage_repro.claims.conditions import Scan, State, grid, state
from adage_repro.claims.crossing import NOT_CROSSED, UP_TO_100
from adage_repro.claims.game import entry_chances
from adage_repro.claims.outcomes import turns
from adage_repro.folders import FIGURES, ROOT, digest
from adage_repro.market import largest_stable_lr
from adage_repro.plots import REGIMES as DRAWN
from adage_repro.policy import REGIMES, economists_table, economists_words, gap_ratio_law, planners_optimum, policy_map, regime
from adage_repro.words import NOTHING

HOLDS = "M1 M2 M3 M5 M7 B8 B9 B11 B12 P1 P2 P6 P7 P8 P9 A1 A4 A6 A7 A10 A13 A15 A16 A17 A20 A21 A23 A24 A25 A28 A29 A30 A31 A32"
HOLDS_ONLY_IF = "M4 M6 B1 B2 B5 B6 B7 P3 P4 P5 P10 P11 P12 P13 P14 A2 A3 A5 A8 A9 A11 A12 A14 A18 A22 A27 A33 A34 A37 A38"
HOLDS_IN_PART = "B3 B4 B10 A19 A40"
EXPECTED = {
    **dict.fromkeys(HOLDS.split(), "holds"),
    **dict.fromkeys(HOLDS_ONLY_IF.split(), "holds only if"),
    **dict.fromkeys(HOLDS_IN_PART.split(), "holds in part"),
    **dict.fromkeys(["A26", "A35", "A36"], "does not hold"),
    "P15": "cannot be decided",
}
COUNT = prod(len(words) for words in READINGS.values())
LISTED = [*(f"M{k}" for k in range(1, 8)), *(f"B{k}" for k in range(1, 13)), *(f"P{k}" for k in range(1, 16))]


@cache
def table():
    """The committed verdicts; `make claims` measures them all again, and CI that they have not changed."""
    return pd.read_csv(FIGURES / "claims.csv", keep_default_na=False).set_index("id")


KNOWN = {}  # what runs left, which the tests of this file share


@cache
def measured():
    """What each claim measures at its own setup, and whether it holds there and wherever a plain `holds` must hold."""
    cases = {id: [claim.case(), *(claim.case(**other) for other in claim.also)] for id, claim in CLAIMS.items()}
    numbers = iter(measure_all((case for asked in cases.values() for case in asked), KNOWN))
    found = {id: [next(numbers) for _ in asked] for id, asked in cases.items()}
    return {id: (own[0], all(state(one) is State.HOLDS for one in own)) for id, own in found.items()}


def test_every_claim_of_the_list_is_there():
    assert [id for id in CLAIMS if id[0] != "A"] == LISTED
    assert [id for id, claim in CLAIMS.items() if id[0] == "A" and not claim.reason] == [], "give these a reason for their threshold"
    assert sorted(set(EXPECTED) ^ set(CLAIMS)) == [], "list the expected verdicts of these claims at the head of tests/test_claims.py"
    assert ["id", *table().columns] == COLUMNS


def test_what_does_not_hold_has_a_reason_that_the_report_explains():
    because, failing = {id for id, one in CLAIMS.items() if one.because}, {id for id, verdict in EXPECTED.items() if verdict != "holds"}
    assert sorted(because ^ failing) == [], "claims that do not hold as stated, and no others, take `because`, the number of a reason"
    cells = json.loads((ROOT / "notebooks" / "claims.ipynb").read_text(encoding="utf-8"))["cells"]
    (prose,) = [text for cell in cells if (text := "".join(cell["source"])).startswith("## What does not, and why")]
    explained = {int(number): text for number, text in re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", prose, re.MULTILINE)}
    assert list(explained) == list(range(1, len(explained) + 1)) and set(CAUSES) == set(explained) - {5}  # which no claim measures
    for id, one in CLAIMS.items():
        named = not one.because or re.search(rf"\b{id}\b", explained[one.because])
        assert named, f"name {id} under reason {one.because} in notebooks/claims.ipynb, or give the claim another reason"


def test_every_claim_on_the_policy_is_searched_along_n():
    """But for A40, which measures several N."""
    with_leader = {id for id, one in CLAIMS.items() if any(name.startswith(("taxed", "nested")) for name in one.asks)}
    tried = {id: [search.values for search in CLAIMS[id].searches if search.name == "n_agents"] for id in with_leader}
    assert {id for id, values in tried.items() if not values} == {"A40"}, "search these for a condition along n_agents"
    assert len(with_leader) > 25
    assert min(len(*values) for values in tried.values() if values) >= 3


@pytest.mark.parametrize("id", CLAIMS)
def test_verdict(id):
    own, holds = measured()[id]
    assert id in table().index, f"{id} is not in figures/claims.csv: run make claims"
    assert table().loc[id, "verdict"] == EXPECTED[id] and table().loc[id, "measured"] == own.text
    assert (table().loc[id, "quantity"], table().loc[id, "threshold"]) == (own.quantity, own.threshold)
    assert EXPECTED[id] == "cannot be decided" or holds == (EXPECTED[id] == "holds")
    assert table().loc[id, "condition"]  # an empty one would read as "always"


SAID = {  # stretches that conditions must name
    "M3": ["holds for c in 0.452 … 0.648 (of 43 values in 0.1 … 1)"],
    "M4": [
        "c in 0.452 … 0.648 (of 43 values in 0.1 … 1) for the part that M3 measures",
        "N in 50 … 100 (of 17 values in 5 … 100)",
        "crowd = excluded",
    ],
    "B1": ["I/N in 19 … 40 (of 40 values in 1 … 40)", "α_F in 0.00179 … 0.0891 (of 49 values in 0.0001 … 0.0909)"],
    "B3": [
        "at α_F = 0.01 c in 0.451 … 0.648 (of 43 values in 0.1 … 1) for the part that B1 measures",
        "at none of 28 values of α_F in 0.0001 … 0.0909",
    ],
    "B7": ["I/N in 15 … 40 (of 40 values in 1 … 40)", "α_F in 0.00148 … 0.0894 (of 49 values in 0.0001 … 0.0909)"],
    "B8": [
        "holds for c in 0.293 … 1 (of 32 values in 0.1 … 1)",
        "for ι/I in 0.23 … 0.95",
        "for I/N in 4 … 40",
        "for α_F in 0.000388 … 0.0158",
    ],
    "B9": ["at all of 20 values of ι/I in 0 … 0.95", "ill-posed in 0.0902 … 0.0909: the run swings between two states"],
    "B11": ["holds at all of 19 values of c in 0.1 … 1", "for α_F in 0.000383 … 0.0909"],
    "B12": ["holds for v in 0 … 5.13 (of 34 values in 0 … 100)", "for c in 0.265 … 1", "for α_F in 0.0001 … 0.0121"],
    "A10": ["for ι/I in 0.36 … 0.95", "for α_F in 0.0001 … 0.00999 (of 45 values in 0.0001 … 0.0909)"],
    "A20": ["holds for c in 0.1 … 0.999 (of 31 values in 0.1 … 1)"],
    "A27": ["tax_units = headcount or rate"],
}


@pytest.mark.parametrize("id", SAID)
def test_condition(id):
    assert [part for part in SAID[id] if part not in table().loc[id, "condition"]] == []


def test_verdicts_and_conditions_are_the_committed():
    """Every claim is measured and searched once more."""
    pd.testing.assert_frame_equal(verdicts(known=KNOWN).set_index("id"), table())


GRID = "(of 0.1 … 1)"
HOLDS_AT, FAILS_AT = {True: State.HOLDS, False: State.FAILS}, {True: State.SWINGING_HOLDS, False: State.SWINGING_FAILS}


@pytest.mark.parametrize(
    ("says", "text"),
    [
        (lambda c: HOLDS_AT[c >= 0.2953], f"c in 0.296 … 1 {GRID}"),  # edges are cut towards the inside
        (lambda c: HOLDS_AT[c <= 0.2953], f"c in 0.1 … 0.295 {GRID}"),
        (lambda c: HOLDS_AT[0.461 <= c <= 0.553 or c >= 0.964], f"c in 0.461 … 0.553 or 0.964 … 1 {GRID}"),  # an island at an end
        (lambda c: HOLDS_AT[0.25 <= c <= 0.2505 or abs(c - 0.7) < 0.0045], f"c in 0.25 or 0.696 … 0.704 {GRID}"),  # narrow ones
        (lambda c: HOLDS_AT[c != 0.4], f"c in 0.1 … 0.399 or 0.401 … 1 {GRID}"),
        (
            lambda c: HOLDS_AT[c >= 0.3] if c < 0.802 else FAILS_AT[round(1000 * c) % 2 == 0],  # the row's parity decides
            "c in 0.3 … 0.801 (of 0.1 … 1, ill-posed in 0.802 … 1: the run swings between two states)",
        ),
        (lambda c: HOLDS_AT[c >= 0.3] if c < 0.802 else State.SWINGING_FAILS, f"c in 0.3 … 0.801 {GRID}"),  # both its states fail
        (lambda c: HOLDS_AT[c >= 0.3] if c < 0.802 else State.NOTHING, "c in 0.3 … 0.801 (of 0.1 … 1, nothing to compare in 0.802 … 1)"),
    ],
)
def test_stretches_are_told_apart(says, text):
    scan = Scan(CLAIMS["B1"], Setup(), "capacity")
    for _ in range(5):
        scan.tried |= {value: says(value) for value in scan.wanted()}
    text = text.replace("(of ", f"(of {len(scan.tried)} values in ")
    assert scan.text() == text and scan.text("B1") == text + " for the part that B1 measures"
    assert scan.wanted() == []  # known to three digits
    assert len(scan.tried) < 19 + 20 * 4


def test_an_island_between_two_values_is_found():
    """Where the measured number comes near its limit between values of which the same is said; not where it stays away from it."""
    for limit, text in ((0.004, "c in 0.423 … 0.43"), (0.02, "c in 0.407 … 0.446")):
        scan = Scan(CLAIMS["B1"], Setup(), "capacity")
        for _ in range(5):
            for c in scan.wanted():
                scan.enter(c, Measured(Number("distance", abs(c - 0.4267), at_most=limit)))
        assert scan.text().startswith(text) and len(scan.tried) < 19 + 20 * 4
    scan = Scan(CLAIMS["B1"], Setup(), "capacity")
    for c in scan.wanted():
        scan.enter(c, Measured(Number("distance", 1 + abs(c - 0.4267), at_most=0.5)))
    assert scan.wanted() == []


def test_a_narrow_swing_is_judged_in_both_its_rows():
    """P10's gap changes sides from one row to the next, at each α_L in its own phase; A30's gains have two values in turn."""
    for id, changes in (
        ("P10", [{"follower_lr": lr} for lr in (0.041, 0.0414, 0.0415, 0.042)]),
        ("A30", [{"tax_max": t} for t in (0.03, 0.0316)]),
    ):
        cases = [CLAIMS[id].case(**change) for change in changes]
        alone, both = measure_all(cases, KNOWN), measure_all(cases, KNOWN, both_rows=True)
        assert not all(numbers.holds for numbers in alone) and all(numbers.holds for numbers in both)
    at_rest = CLAIMS["B1"].case(follower_lr=0.01)
    assert measure_all([at_rest], both_rows=True)[0].text == measure_all([at_rest])[0].text


def test_with_a_leader_g2_enters_when_it_acts():
    policy, without = (Scan(CLAIMS[id], Setup(), "late_entry_share").wanted() for id in ("A13", "B8"))
    assert all(round(share * 100) % 2 == 0 for share in policy) and 0.5 in policy and 0.35 in without


def test_where_nothing_is_found_it_says_what_was_tried():
    scan = Scan(CLAIMS["B1"], Setup(), "capacity")
    scan.tried = dict.fromkeys(scan.wanted(), State.FAILS)
    assert scan.good() == scan.wanted() == [] and scan.all_tried() == "19 values of c in 0.1 … 1"
    scan.tried[1.0] = State.SWINGING_HOLDS
    assert scan.good() == [] and scan.all_tried() == "19 values of c in 0.1 … 1 (ill-posed in 1: the run swings between two states)"
    few = Scan(CLAIMS["B1"], Setup(), "follower_lr", (0.001, 0.003))
    few.tried = {0.001: State.FAILS, 0.003: State.HOLDS}
    assert few.text() == "α_F = 0.003 (of 0.001, 0.003)" and few.all_tried() == "2 values of α_F (0.001, 0.003)"
    for condition in table()["condition"]:
        for found in re.findall(r"(?:at none of|, nor of|at all of) (\S+)", condition):
            assert found.isdigit(), condition


def test_a_search_begins_inside_the_range_with_the_own_value():
    for setup in (Setup(), Setup(n_agents=7, order="alternating", capacity=0.31234)):
        rates, capacities = grid("follower_lr", setup), grid("capacity", setup)
        assert rates[0] == 1e-4 and setup.follower_lr in rates
        assert 0.98 < rates[-1] / (largest_stable_lr(setup.game, setup.order) or 0.5) <= 1
        assert capacities[0] * setup.n_agents >= 1 and capacities[-1] == 1 and setup.capacity in capacities


def test_a_run_that_swings_and_a_ratio_to_nothing_decide_nothing():
    """At the stability limit the untaxed run never settles, and without the leader no gap is left that the leader could close."""
    cases = [CLAIMS["B7"].case(follower_lr=1 / 11), CLAIMS["P4"].case(follower_lr=0.05), CLAIMS["B7"].case(follower_lr=0.02)]
    assert [state(numbers) for numbers in measure_all(cases, KNOWN)] == [State.SWINGING_FAILS, State.NOTHING, State.HOLDS]
    steps = np.array([[[0.0, 0.5], [0.3, 0.5], [0.1, 0.6], [0.2, 0.7]]])  # one agent swings more and more narrowly, and one that climbs
    np.testing.assert_allclose([turns(steps[:, row - 2 : row + 1]) for row in (2, 3)], [[0.2], [0.1]])


def test_a_tax_that_is_rounding_is_none():
    """With `always` the groups' fairness does not depend on the tax, so that the leader moves by rounding: no row is taxed."""
    cases = [CLAIMS[id].case(returns_shift="always", follower_lr=0.01) for id in ("P2", "P11", "A15")]
    assert [numbers[0].value for numbers in measure_all(cases)] == [0, 0, 0]
    said = f"Tax rates and taxes below {NOTHING:g}".replace("e-0", "e-")
    assert said in (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


def test_what_is_committed_is_one():
    """claims.csv, readings.csv, the JSON's hashes and the notebook's stored numbers say the same."""
    record = json.loads((FIGURES / "claims.json").read_text(encoding="utf-8"))
    for file, hashed in (record["tables"] | record["pictures"]).items():
        assert digest(FIGURES / file) == hashed, file
    assert {id: record["headline"][id] for id in CLAIMS} == EXPECTED
    readings = pd.read_csv(FIGURES / "readings.csv", keep_default_na=False)
    assert list(readings.columns) == ["id", *CHOICES, "measured", "holds"]
    assert readings.groupby("id").size().eq(len(all_cells())).all(), "figures/readings.csv lacks readings: run make claims"
    both = crossed().astype({"holds": bool}).merge(readings, on=["id", *CHOICES], suffixes=("", "_committed"))
    assert (
        len(both) == len(crossed())
        and (both["measured"] == both["measured_committed"]).all()
        and (both["holds"] == both["holds_committed"]).all()
    )
    cells = json.loads((ROOT / "notebooks" / "claims.ipynb").read_text(encoding="utf-8"))["cells"]
    (checked,) = [cell for cell in cells if "nbval-check-output" in cell["metadata"].get("tags", [])]
    printed = "".join(checked["outputs"][0]["text"])
    assert printed == "".join(f"{name}: {value}\n" for name, value in record["headline"].items())


@pytest.mark.parametrize(
    ("settings", "out", "line"),
    [
        ("capacity=1.4", "", "capacity must lie in [1/n_agents, 1], got 1.4"),
        ("follower_lr=0.1", "", "follower_lr is not a parameter here"),
        ("n_agents=4 capacity=0.2", "", "capacity must lie in [1/n_agents, 1], got 0.2"),
        ("n_agents=65", "", "n_agents must lie in [2, 64] where claims are measured, got 65"),
        ("", "figures", "OUT must be a folder outside this project"),
    ],
)
def test_refused(settings, out, line, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main("claims", settings, out) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(line) and said.err.count("\n") == 1


def test_every_claim_fails_where_it_must():
    cases = [claim.case(**claim.must_fail) for claim in CLAIMS.values()]
    assert [case.claim.id for case, numbers in zip(cases, measure_all(cases, KNOWN), strict=True) if numbers.holds] == []
    assert judge(cases[0]) == "does not hold" and judge(CLAIMS["P15"].case()) == "cannot be decided"


def test_a_must_fail_setting_starts_from_one_that_holds():
    """Otherwise a measurement that says no to everything would pass. B10 holds nowhere; A21 is the same at c = 0.6."""
    missing = {id for id in CLAIMS if not measured()[id][1] and not CLAIMS[id].holds_at}
    assert missing - {id for id in missing if measured()[id][0].holds} == {"B10"}  # the rest hold in their own setting, not in all
    for changes, holds in ((lambda claim: claim.holds_at, True), (lambda claim: claim.holds_at | claim.must_fail, False)):
        cases = [claim.case(**changes(claim)) for claim in CLAIMS.values() if claim.holds_at]
        assert [case.claim.id for case, numbers in zip(cases, measure_all(cases, KNOWN), strict=True) if numbers.holds != holds] == []


def test_a_claim_depends_on_what_it_lists_alone():
    """Every choice that a claim does not list, put to its other values, leaves its numbers as they are."""
    values = {name: [word for word in words if word != getattr(Setup(), name)] for name, words in READINGS.items()}
    values |= {"follower_lr": [0.003], "outside_payoff": [0.0, 8.0]}
    changes = {id: [{name: value} for name in CHOICES if name not in one.depends for value in values[name]] for id, one in CLAIMS.items()}
    cases = [CLAIMS[id].case(**change, agent_counts=UP_TO_100, runs=10) for id, asked in changes.items() for change in ({}, *asked)]
    assert len(cases) > 4 * len(CLAIMS)
    found = {}
    for case, numbers in zip(cases, measure_all(cases, KNOWN), strict=True):
        values = np.array([value for number in numbers for value in number.values])
        apart = np.abs(values - found.setdefault(case.claim.id, values))
        assert apart.max() < 1e-9, (case.claim.id, case.setup)  # A16's difference quotients carry rounding


def listed():
    """The rows of the list that was fixed beforehand, and their claims."""
    lines = (ROOT / "docs" / "preregistered.md").read_text(encoding="utf-8").splitlines()
    rows = [re.split(r" \| ", line.strip("| ")) for line in lines if line[:3] in ("| M", "| B", "| P")]
    assert [row[0] for row in rows] == LISTED and all(len(row) == 6 for row in rows)
    return [pytest.param(CLAIMS[row[0]], *row[1:], id=row[0]) for row in rows]


WORDS = {"falls with N": "< 0", "smaller": "< 0", "within": "≤", "%": "e-2"}  # the list's, as the table says them
FAILS = {
    "α_F = 0": {"follower_lr": 0.0},
    "α_F = 0, uniform": {"follower_lr": 0.0},
    "α_F = 0.1": {"follower_lr": 0.1},
    "ι = 0": {"late_entry_share": 0.0},
    "I = N": {"iterations_per_agent": 1},
    "c = 0.2": {"capacity": 0.2},
    "crowd = excluded": {"crowd": "excluded"},
    "leader off": {"leader_lr": 0.0},
    "tax_max = 0": {"tax_max": 0.0},
    "τ = 0": {"tax_max": 0.0},
    "τ's bound is 5": {"tax_max": 5.0},
}
DEFECTS = {
    "the slope 2 is changed": "steeper",
    "the profile is p* + 0.05": "beside_equilibrium",
    "the utility is made convex": "convex",
    "tax_max < 0 side of the max is removed": "without_max",
    "groups swapped": "taxed_g1_late",
    "the update is replaced by −Gini": "minus_gini",
    "τ = 0.1": 1.0,  # the share of tax_max
}


@pytest.mark.parametrize("claim, place, text, quantity, limits, fails", listed())
def test_thresholds_were_fixed_beforehand(claim, place, text, quantity, limits, fails):
    """Place, limits and must-fail setting are the list's; where the list has no setting, the claim gives a reason for its own."""
    assert claim.place == place
    for word, sign in WORDS.items():
        limits = limits.replace(word, sign)
    fixed = [(sign, float(limit)) for sign, limit in re.findall(r"([≤≥<>=]) (-?[\d.]+(?:e-\d+)?)", limits)]
    judged = [(number.threshold.split()[0], *number.limits.values()) for number in measured()[claim.id][0] if number.limits]
    judged = [limit for limit in judged if (claim.id, limit) != ("P2", (">", NOTHING))]  # added: that tax is paid at all
    assert (set(judged) == set(fixed) and len(judged) >= len(fixed)) or claim.id == "P15"  # for which the list has none
    if fails == "–":
        assert claim.reason
    elif fails in FAILS and claim.id != "P8":
        assert claim.must_fail == FAILS[fails]
    else:
        (defect,) = claim.must_fail.values()
        assert getattr(defect, "__name__", defect) == DEFECTS[fails]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: Number("gap", float("nan"), at_most=1), "gap must be a number, got nan"),
        (lambda: Number("gap", 0.1, at_most=1, at_least=0), "gap must be one number with one limit, got 0.1 and at_most, at_least"),
        (lambda: Number("gap", {10: 0.1, 100: 0.2}, at_most=1), "gap must be one number with one limit"),
        (lambda: Measured(Number("gap", 0.1)), "the numbers with limits must come first, and there must be one, got"),
        (lambda: Measured([Number("at row I", 0.1), Number("gap", 0.1, at_most=1)]), "the numbers with limits must come first"),
        (lambda: claim("B1", "Fig. 2", depends=(), must_fail={})(lambda free: 0), "there must be one claim B1"),
        (lambda: Claim("Z1", "", "", lambda laet: 0, (), {}), "Z1 asks for laet, which is no run; there are free, late, taxed"),
        (
            lambda: Claim("Z1", "", "", lambda late: 0, (), {"late": "laet"}),
            "Z1 asks for laet, which is no run; there are free, late, taxed",
        ),
        (
            lambda: Claim("Z1", "", "", lambda late: 0, ("crwod",), {}),
            "Z1 depends on crwod, which is no choice; there are order, tax_units",
        ),
        (
            lambda: Claim("Z1", "", "", lambda late: 0, (), {}, because=5),
            "Z1 does not hold because of 5, which is no reason; there are 1, 2, 3",
        ),
        (lambda: Claim("Z1", "", "", lambda late: 0, (), {"capcity": 0.2}), "Z1 changes capcity, which is neither in the setup nor a part"),
        (
            lambda: claim("Z1", "", depends=(), must_fail={}, searches=(Search("capacity", of="B77"),))(lambda late: 0),
            "Z1 searches B77, which is no claim entered before it; there are M1, M2, M3",
        ),
        (
            lambda: claim("Z1", "", depends=(), must_fail={}, searches=("capcity",))(lambda late: 0),
            "Z1 searches along capcity, which is neither in the setup nor the readings",
        ),
    ],
)
def test_a_claim_that_is_not_whole_is_refused(call, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}"):
        call()


def test_nothing_is_rounded_up():
    distance, way = (float(number) for number in table().loc["B7", "measured"].split("; "))
    assert 0.89 < way < 0.9 and distance > 0.05
    assert "at c = 0.2 agents rest at 0.1818 and p* is 0.1111" in table().loc["M4", "condition"]


def test_rates_that_a_policy_row_needs_are_said():
    condition = table().loc["P3", "condition"]
    assert "at α_F = 0.01 holds" in condition and "at α_F = 0.001 does not hold" in condition


@cache
def crossed():
    readings = [{}, {"crowd": "excluded"}, {"tax_units": "literal", "returns_shift": "always"}]
    base = {name: getattr(Setup(), name) for name in READINGS}
    cells = [base | change | {"follower_lr": rate, "outside_payoff": 1.0} for change in readings for rate in (0.001, 0.01)]
    return cross(cells=cells, known=KNOWN)


def test_default_cell_is_the_claim():
    found = crossed()
    assert list(found.columns) == ["id", *CHOICES, "measured", "holds"]
    claims = [one for one in CLAIMS.values() if one.depends and not set(one.asks) & set(NOT_CROSSED)]
    assert set(found["id"]) == {one.id for one in claims} == {id for id, one in CLAIMS.items() if one.depends} - {"A40"}
    for own, numbers in zip(claims, measure_all((one.case(agent_counts=UP_TO_100) for one in claims), KNOWN), strict=True):
        cell = found[(found["id"] == own.id) & np.all([found[name] == getattr(own.setup(), name) for name in CHOICES], axis=0)]
        assert (cell["measured"].item(), cell["holds"].item()) == (numbers.text, numbers.holds), own.id
        over_agents = {"free_by_agents", "late_by_agents"} & set(own.asks)
        assert over_agents or cell["measured"].item() == table().loc[own.id, "measured"], own.id
        assert over_agents or own.also or cell["holds"].item() == (EXPECTED[own.id] == "holds"), own.id
    assert len(all_cells()) == COUNT * 2 * 3


def test_hinges_and_counts():
    found = hinges(crossed()).set_index("id")
    assert found.loc["B11", "choice"] == "crowd" and found.loc["B11", "explained"] == 1
    assert found.loc["B1", "choice"] == "follower_lr"
    assert share_explained(np.array([1.0, 0, 1, 0]), np.array(["a", "a", "b", "b"])) == 0
    assert set(crossed()[untaxed(crossed(), CLAIMS.values())]["tax_units"]) == {"literal"}
    counts = carried(crossed(), CLAIMS.values())
    assert (counts[counts["default"]][["more", "fewer"]] == "").all(axis=None) and "B11" in counts.loc[1, "fewer"].split()
    assert counts["default"].sum() == 1 and counts["claims"].is_monotonic_decreasing
    assert counts[counts["default"]]["claims"].item() > counts[~counts["default"]]["claims"].max()


def test_shares_by_reading():
    """The default reading, each choice changed alone, all readings; B11 hinges on `crowd` and A27 on `tax_units` alone."""
    default = {name: getattr(Setup(), name) for name in READINGS}
    shares = tables.shares_by_reading(pd.read_csv(FIGURES / "readings.csv", keep_default_na=False), default)
    changed = [f"{name} = {word}" for name, words in READINGS.items() for word in words if word != default[name]]
    assert list(shares.columns) == ["default", *changed, f"all {COUNT} readings"] and len(changed) == sum(
        len(words) - 1 for words in READINGS.values()
    )
    for id, fails, everywhere in (("B11", "crowd = excluded", 1 / 2), ("A27", "tax_units = literal", 2 / 3)):
        expected = dict.fromkeys(["default", *changed], 1.0) | {fails: 0.0, f"all {COUNT} readings": everywhere}
        assert shares.loc[id].to_dict() == pytest.approx(expected)


def test_economists_table():
    found = economists_table()
    np.testing.assert_allclose(found["surplus"], found["returns"] + found["revenue"])
    assert (found[found["leader"] == "without"]["revenue"] == 0).all() and (found[found["leader"] == "with"]["revenue"] > 0).all()
    gain = found.pivot(index=["follower_lr", "outside_payoff"], columns="leader", values="fairness").eval("`with` - without")
    assert (gain > 0).all() and gain.groupby("follower_lr").apply(lambda part: part.is_monotonic_decreasing).all()


def test_the_planner_cannot_be_beaten():
    """Of random and of pure profiles none has a larger total of untaxed returns, and one that is said to be best has it."""
    for crowd, best in (("included", np.full(10, 0.3)), ("excluded", np.arange(10) < 3)):
        setup = Setup(crowd=crowd)
        market = reference.Market(10, 0.6, crowd=crowd)
        random = np.random.default_rng(0).random((100, 10))
        profiles = [best * 1.0, *random, *random.round(), *(np.arange(10) < k for k in range(11))]
        totals = [sum(market.utility(i, profile * 1.0, range(10), 0.0) for i in range(10)) for profile in profiles]
        np.testing.assert_allclose([max(totals), totals[0]], planners_optimum(setup.game))


def test_economists_table_by_group():
    """The sums after ι once more in loops over agents; the sentences follow the numbers."""
    found = economists_table(payoffs=(1.0,))
    market = reference.Market(10, 0.6)
    for rate in (0.01, 0.001):
        entry = np.where(np.arange(10) < 5, 0, 50)
        slow = reference.solve(market, np.zeros(10), 100, rate, leader_lr=0.04, entry_time=entry)
        row = found[(found["follower_lr"] == rate) & (found["leader"] == "with")].iloc[0]
        np.testing.assert_allclose(row["returns_after_entry"], slow.utilities[51:].sum())
        np.testing.assert_allclose([row["g1_each"], row["g2_each"]], slow.utilities[-1].reshape(2, 5).mean(1))
        np.testing.assert_allclose(row["largest_attendance"], slow.actions[51:].sum(1).max())
    at_001, at_0001 = economists_words(found)
    assert (
        "G1 loses 0.0271 and each of G2 gains 0.263" in at_001 and "after tax rises by 46.6" in at_001 and "never exceeds C = 6" in at_001
    )
    assert "after tax falls by 18.4, and with the revenue added it rises by 10.3" in at_0001
    crowded = found.assign(places=5.0)
    assert "attendance exceeds C = 5" in economists_words(crowded)[0] and "never exceeds" in economists_words(crowded)[1]


def test_where_the_policy_works():
    """The map is P4's measurement in other words; its law, with no constant fitted, tells the regimes apart."""
    found = policy_map(agent_counts=(10, 30), follower_lrs=(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1), tax_maxes=(0.1, 5.0))
    at = found.set_index(["n_agents", "follower_lr", "tax_max"])
    own = CLAIMS["P4"].case(follower_lr=0.001)
    np.testing.assert_allclose(at.loc[(10, 0.001, 0.1), "ratio"], measure_all([own])[0][0].value, rtol=2e-3)
    regimes = at["regime"].unstack("follower_lr")
    assert regimes.loc[(10, 0.1)].tolist() == ["too slow"] * 3 + ["works", "works", "past the stability limit"]
    assert regimes.loc[(30, 5.0)].tolist()[1:3] == ["works", "works"] and regimes.loc[(30, 5.0), 0.01] == "swings about the kink"
    judged = found[~found["regime"].isin(["past the stability limit", "no gap to close"]) & found["law"].notna()]
    assert ((judged["law"] <= 0.5) == (judged["regime"] == "works")).mean() >= 0.9 and len(judged) > 12
    assert np.isnan(gap_ratio_law(Setup(crowd="excluded"))) and regime(Setup(), 0.01, 0.02, 0.0) == "no gap to close"
    assert set(REGIMES) == set(DRAWN)


def test_elsewhere():
    found = verdicts(["M3", "B1"], refine=0, n_agents=20, capacity=0.4)
    assert list(found.columns) == COLUMNS and found.loc[0, "claim"].endswith("at c = 0.4")
    with pytest.raises(ValueError, match="capacity must lie in"):
        verdicts(["M3"], capacity=1.4)


def test_exact_expectation():
    chances = np.array([0.2, 0.5, 0.9])
    np.testing.assert_allclose(entry_chances(chances), [0.04, 0.41, 0.46, 0.09])


def test_a_kept_program_that_is_spoilt_is_made_again(tmp_path):
    """It costs time alone, also where JAX's own cache still has it."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    try:
        for spoil in (
            None,
            lambda file: file.write_bytes(file.read_bytes()[:100]),
            lambda file: file.write_text("no program"),
            Path.unlink,
        ):
            programs._program.cache_clear()
            np.testing.assert_array_equal(programs.compiled(jnp.negative)(np.arange(3.0)), [0, -1, -2])
            (file,) = (file for file in (tmp_path / "programs").iterdir() if not file.suffix)
            if spoil:
                spoil(file)
        programs._program.cache_clear()
        np.testing.assert_array_equal(programs.compiled(jnp.negative)(np.arange(3.0)), [0, -1, -2])
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
