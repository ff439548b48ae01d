"""What each notebook says of its run is in the run's record: every sentence is read back and held against the tables."""

import re

import numpy as np
import pandas as pd
import pytest
from said import APART, COURSE, PLACE, SWINGING, N, apart, course, ending, felt, gaps, place, same, side, spread, swinging, tax_sentences
from test_notebooks import NAMES, run

from adage_repro import notebooks, words
from adage_repro.parameters import check_all

EDGES = {
    "paper": {},
    "no learning": {"follower_lr": 0.0, "follower_lrs": [0.0]},
    "largest rates": {"follower_lr": 1.0, "follower_lrs": [1.0], "leader_lr": 100.0, "leader_lrs": [100.0]},
    "past the limit": {"capacity": 0.4, "capacities": [0.4], "follower_lr": 0.12, "follower_lrs": [0.12, 0.5]},
    "one half": {"follower_lr": 0.5, "leader_lrs": [0.0, 0.04]},
    "no tax": {"tax_max": 0.0},
    "large tax": {"tax_max": 100.0, "outside_payoff": 0.0},
    "no leader": {"leader_lr": 0.0, "leader_lrs": [0.0]},
    "G2 at once": {"late_entry_share": 0.0},
    "G2 at the end": {"late_entry_share": 0.99},
    "full market": {"capacity": 1.0, "capacities": [1.0]},
    "one place": {"capacity": 0.1, "capacities": [0.1], "crowd": "excluded"},
    "excluded": {"capacity": 0.6, "crowd": "excluded", "follower_lr": 0.05, "follower_lrs": [0.05]},
    "other readings": {
        "tax_units": "literal", "returns_shift": "always", "order": "alternating", "late_group": "frozen", "follower_start": "uniform"
    },
    "literal tax": {"tax_units": "literal"},
    "tax on rates": {"tax_units": "rate", "returns_shift": "always"},
    "rich outside": {"outside_payoff": 1e6},
    "two agents": {"n_agents": 2, "agent_counts": [2], "capacities": [0.5, 1.0], "iterations_per_agent": 1, "runs": 2,
                   "returns_shift": "none"},
    "small market": {"capacity": 0.15, "capacities": [0.15, 0.3], "follower_start": "uniform", "outside_payoff": 0.0,
                     "beside_payoffs": [8.0], "tax_max": 0.5, "seed": 3},
}  # fmt: skip
QUICK = {"runs": 4, "agent_counts": [10, 12]}


def fig02(alt, csv, ns):
    start = csv("fig02a").pivot(index="iteration", columns="agent", values="attendance").to_numpy()
    last = csv("fig02b").query("start == 'uniform'").pivot(index="run", columns="agent", values="attendance").to_numpy()
    found = re.fullmatch(
        rf"Left: attendance of (\d+) agents that start at 0\. Their mean {COURSE}, and at the end the agents are {PLACE}\. "
        rf"Right: attendance at the end\. From zeros the agents are (.*); from uniform starts they are (.*), and their "
        rf"standard deviation within a run is {N} on average{SWINGING}\.",
        alt,
    )
    assert int(found[1]) == start.shape[1]
    course(found[2], start.mean(1))
    place(found[3], start, p=ns["points"]["p*"], rest=ns["points"]["rest point"])
    spread(found[4], start[-1]), spread(found[5], last.ravel()), same(found[6], np.mean([np.std(run) for run in last]))
    swinging(found[7], felt(ns["uniform"]))


def fig03(alt, csv, ns):
    means = csv("fig03a").groupby(["iteration", "group"])["attendance"].mean().unstack()
    ends = csv("fig03b").query("start == 'uniform'").groupby("group")["attendance"].mean()
    found = re.fullmatch(
        rf"Left: from zeros, the mean attendance of G1 {COURSE}; that of G2, which enters at iteration (\d+), {COURSE}; {APART}\. "
        rf"Right: attendance of both groups at the end; from uniform starts the means are {N} in G1 and {N} in G2{SWINGING}\.",
        alt,
    )
    course(found[1], means["G1"]), course(found[3], means["G2"][int(found[2]) :])
    assert np.all(means["G2"][: int(found[2])] == 0)
    apart(found[4], means["G1"] - means["G2"])
    same(found[5], ends["G1"]), same(found[6], ends["G2"])
    swinging(found[7], felt(ns["uniform"]))


def fig04(alt, csv, ns):
    a, n = csv("fig04a"), ns["n_agents"]
    tax = csv("fig04c").pivot(index="iteration", columns="group", values="tax_paid") * {"G1": n // 2, "G2": n - n // 2}
    assert tax.sum(axis=1).to_numpy() == pytest.approx(a["tax_paid"].to_numpy(), abs=1e-9)
    found = re.fullmatch(
        rf"Runs from zeros, G2 entering at iteration (\d+): (the tax rate .*); ((?:only|G\d pays|no tax) .*)\. "
        rf"At the end, from zeros, with the leader {APART}{SWINGING}; without it {APART}{SWINGING}\. From uniform starts, "
        rf"G1's mean attendance minus G2's is {N} with the leader and {N} without it\.",
        alt,
    )
    assert int(found[1]) == ns["entry"].max()
    tax_sentences(found[2], found[3], a["tax_rate"].to_numpy(), {group: tax[group].to_numpy() for group in tax}, ns["tax_max"])
    for leader, gap, note in (("with", found[4], found[5]), ("without", found[6], found[7])):
        path = ns["paths"][ns["follower_lr"]][leader]
        apart(gap, path.g1 - path.g2), swinging(note, felt(ns["ends"][leader, "zeros"]))
    ends = csv("fig04b").query("start == 'uniform'").groupby(["leader", "group"])["attendance"].mean()
    for leader, text in (("with", found[8]), ("without", found[9])):
        same(text, ends[leader, "G1"] - ends[leader, "G2"], 2)


def fig05(alt, csv, ns):
    table = csv("fig05")
    found = re.fullmatch(
        r"Left: mean (.*) over (\d+) runs, G2 entering at iteration (\d+)\. With the leader it ends (.*) and (.*); "
        r"without the leader it ends (.*) and (.*)\. "
        rf"Middle: the same from iteration \d+ on\. Right: the difference at the end of each run, {N} on average "
        rf"\(95% interval (.*)\) and positive in {N}% of the runs\.",
        alt,
    )
    assert ("Gini" in found[1]) == (ns["returns_shift"] == "none") and int(found[2]) == table["run"].nunique()
    ends = table[table["iteration"] == table["iteration"].max()].pivot(index="run", columns="leader", values="fairness")
    for leader, end, stays in (("with", found[4], found[5]), ("without", found[6], found[7])):
        mean = table[table["leader"] == leader].groupby("iteration")["fairness"].mean().to_numpy()
        ending(end, mean)
        after = mean[int(found[3]) + 1 :]
        if stays == "does not stay at 0.95 or more":
            assert after[-1] < 0.95
        elif stays == "is at 0.95 or more at the very end, too late to tell whether it stays there":
            assert after[-1] >= 0.95 and (len(after) == 1 or after[-2] < 0.95)
        else:
            row = int(re.fullmatch(r"stays at 0\.95 or more from (\d+) iterations? after G2's entry onwards", stays)[1])
            assert row < len(after) and (after[row - 1 :] >= 0.95).all() and (row == 1 or after[row - 2] < 0.95)
    difference = (ends["with"] - ends["without"]).to_numpy()
    assert float(found[8]) == pytest.approx(difference.mean(), rel=0.006, abs=1e-9)
    side(found[9], difference if np.ptp(difference) > 1e-9 else np.round(difference, 9))
    same(found[10], 100 * (difference > 1e-9).mean())


def fig06(alt, csv, ns):
    a, b, c = (csv(f"fig06{panel}")["update"].to_numpy() for panel in "abc")
    found = re.fullmatch(
        r"Gradients\. a and a′: the leader's at tax rate 0, against G1's attendance and against the Gini coefficient, (.*)\. "
        r"b: a follower's without tax, against the others' attendance, (.*)\. "
        rf"c: the same at tax rate {N}, (.*)\. c minus b: what the tax changes, (.*)\.",
        alt,
    )
    for text, values in ((found[1], a), (found[2], b), (found[4], c), (found[5], c - b)):
        if np.abs(values).max() < 1e-9:
            assert text == "0 everywhere"
        else:
            low, high = re.fullmatch(f"between {N} and {N}", text).groups()
            same(low, values.min()), same(high, values.max())
    same(found[3], ns["tax_max"], 5)


def fig07(alt, csv, ns):
    table = csv("fig07")
    said = re.fullmatch(r"One panel per capacity: .* where it applies, the closed form\. Mean attendance ends (.*)\.", alt)[1]
    parts = re.findall(rf"((?:at|swinging) .*?) for c = {N}", said)
    assert len(parts) == len(ns["capacities"])
    for (text, c), capacity in zip(parts, ns["capacities"], strict=True):
        same(c, capacity, 6)
        ending(text, table[table["capacity"] == capacity].groupby("iteration")["attendance"].mean().to_numpy())


def fig08(alt, csv, ns):
    said = re.fullmatch(r"Attendance of all agents at the end, .* of each capacity\. Mean attendance ends (.*)\.", alt)[1]
    ends = csv("fig08").groupby(["capacity", "start"])["attendance"].mean()
    parts = re.findall(rf"((?:at|swinging) [^(]*?) for c = {N} from (zeros|uniform)(?: starts)?{SWINGING}", said)
    assert len(parts) == len(ends)
    for end, c, start, note in parts:
        history = ns["histories"][float(c), start]
        means = felt(history).mean((0, 2))
        assert ends[float(c), start] == pytest.approx(means[-1])
        ending(end, means), swinging(note, felt(history))


def fig09(alt, csv, ns):
    said = re.fullmatch(r"Attendance for .*: the whole run above, its last 20 iterations below\. Mean attendance ends (.*)\.", alt)[1]
    parts = re.findall(r"((?:at|swinging) .*?) for N = (\d+) \((\w+)\)", said)
    cases = csv("fig09").groupby(["n_agents", "order"])
    assert len(parts) == len(cases)
    for text, n, order in parts:
        ending(text, cases.get_group((int(n), order))["attendance_mean"].to_numpy())


def fig10(alt, csv, ns):
    found = re.fullmatch(
        r"Attendance of the early and the late group at the end for each capacity, from (zeros|uniform)(?: starts)?\. "
        r"G1's attendance minus G2's, mean over the runs: (.*)\.",
        alt,
    )
    assert found[1] == ns["follower_start"]
    parts = re.findall(rf"{N} \(95% interval (above 0|below 0|including 0)\) at c = {N}{SWINGING}", found[2])
    ends = csv("fig10").groupby(["capacity", "run", "group"])["attendance"].mean().unstack()
    assert len(parts) == len(ns["capacities"])
    for text, sign, c, note in parts:
        gap = (ends["G1"] - ends["G2"])[float(c)].to_numpy()
        assert float(text) == pytest.approx(gap.mean(), rel=0.006, abs=1e-9)
        side(sign, gap), swinging(note, felt(ns["histories"][float(c)]))


def fig11(alt, csv, ns):
    found = re.fullmatch(
        r"One panel per learning rate: attendance from iteration 1 to (\d+) on .* a line at iteration (\d+) and, where it applies, "
        r"the closed form\. The agents at iteration (\d+), by learning rate: (.*)\. "
        r"The agents at iteration (\d+), by learning rate: (.*)\.",
        alt,
    )
    assert found[1] == found[5] and found[2] == found[3]
    for said, row in ((found[4], int(found[3])), (found[6], int(found[5]))):
        for text, lr in zip(said.split("; "), ns["follower_lrs"], strict=True):
            name, _, where = text.partition(": ")
            same(name, lr, 6)
            table = csv("fig11")
            agents = table[(table["follower_lr"] == lr) & (table["iteration"] <= row)].pivot(
                index="iteration", columns="agent", values="attendance"
            )
            place(where, agents.to_numpy(), rest=ns["points"]["rest point"])


def fig12(alt, csv, ns):
    found = re.fullmatch(rf"Upper row: .* the tax rate, whose bound is {N}\. By learning rate: (.*)\.", alt)
    same(found[1], ns["tax_max"], 6)
    table = csv("fig12")
    for text, lr in zip(found[2].split("; "), ns["leader_lrs"], strict=True):
        name, gap, note, rate = re.fullmatch(rf"with {N} {APART}{SWINGING}, at a tax rate of at most {N}", text).groups()
        same(name, lr, 6)
        part = table[table["leader_lr"] == lr].pivot(index="iteration", columns="group")
        apart(gap, (part["attendance"]["G1"] - part["attendance"]["G2"]).to_numpy())
        same(rate, part["tax_rate"]["G1"].max())
        swinging(note, felt(ns["ends"][lr]))


def fig13(alt, csv, ns):
    agents = csv("fig13").pivot(index="iteration", columns="agent", values="attendance").to_numpy()
    found = re.fullmatch(
        rf"Attendance of both groups over (\d+) iterations\. At iteration (\d+) the means of the groups differ by {N}; "
        rf"{APART}, and at the end the agents are {PLACE}\.",
        alt,
    )
    assert int(found[1]) == len(agents) - 1
    same(found[3], abs(gaps(agents)[int(found[2])]))
    apart(found[4], gaps(agents))
    place(found[5], agents, p=ns["points"]["p*"], rest=ns["points"]["rest point"])


def settings(name):
    there = notebooks.defaults(notebooks.notebook_of(name))
    chosen = {edge: {key: value for key, value in values.items() if key in there} for edge, values in EDGES.items()}
    return {
        edge: {key: QUICK[key] for key in QUICK if key in there} | values for edge, values in chosen.items() if values or edge == "paper"
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_a_run_is_in_its_record(name, tmp_path, monkeypatch, capsys):
    assert name in globals(), f"nobody reads back what {name} says of its run: add a function {name}(alt, csv, ns) to tests/test_words.py"
    edges = settings(name)
    assert len(edges) >= 10
    for edge, values in edges.items():
        namespace, record = run(name, tmp_path, monkeypatch, **values)
        printed = capsys.readouterr().out
        assert check_all(namespace) == record["parameters"]  # a cell run once more takes no variable for a misspelt parameter
        assert not re.search(r"-0(?![.\d])|-0\.0+(?!\d)", record["alt"] + printed), edge
        try:
            globals()[name](record["alt"], lambda table: pd.read_csv(tmp_path / f"{table}.csv"), namespace)
        except (AssertionError, TypeError) as wrong:
            raise AssertionError(f"{edge}: {record['alt']}") from wrong


@pytest.mark.parametrize(
    "said, expected",
    [
        (words.ending(np.array([0.2, 0.9, 0.2, 0.9])), "swinging between 0.2 and 0.9"),
        (words.ending(np.array([0.0, 0.6, 0.5, 0.52])), "at 0.52, up from 0.5 one iteration earlier"),  # one that enters and settles
        (words.tax_rate(np.array([0.0, 1e-12]), 0.1), "the tax rate stays below 1e-09 throughout"),
        (
            words.tax_rate(np.array([1e-12, 0.1, 0.1]), 0.1),
            "the tax rate first exceeds 0 after 1 iteration, is 0.1 at most (its bound) and ends at 0.1",
        ),
        (words.taxes(np.array([[1.0, 1e-5]])).partition(";")[0], "G1 pays all but 0.001% of the tax"),
        (words.taxes(np.array([[0.0, 1.0]])).partition(";")[0], "only G2 pays"),
        (words.until(1, 7, 0.95), "stays at 0.95 or more from 1 iteration after G2's entry onwards"),
        (words.until(7, 7, 0.95), "is at 0.95 or more at the very end, too late to tell whether it stays there"),
        (words.until(8, 7, 0.95), "does not stay at 0.95 or more"),
        (words.side({"low": 1e-12, "high": 2e-12}), "including 0"),
    ],
)
def test_words_at_their_limits(said, expected):
    assert said == expected
