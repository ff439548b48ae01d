"""What each figure shows, in a few sentences composed from its runs: the alt text of the picture, also printed below it as its caption."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from adage_repro import words
from adage_repro.adage import History
from adage_repro.measures import Series, Spread, attendance, gap, group_means, paired, rows_until

STARTS = {"zeros": "zeros", "uniform": "uniform starts"}


def convergence(zeros: History, uniform: History, points: Mapping[str, float]) -> str:
    """Figure 2."""
    agents, last = zeros.actions[0], uniform.actions[:, -1]
    return (
        f"Left: attendance of {agents.shape[-1]} agents that start at 0. Their mean {words.course(agents.mean(-1))}, and at the end the "
        f"agents are {words.place(agents, points)}. Right: attendance at the end. From zeros the agents are {words.spread(agents[-1])}; "
        f"from uniform starts they are {words.spread(last)}, and their standard deviation within a run is "
        f"{words.number(last.std(-1).mean())} on average{words.swinging_runs(uniform.actions)}."
    )


def late_entry(zeros: History, uniform: History, rows: np.ndarray, entry: int) -> str:
    """Figure 3; the run from zeros kept these `rows`."""
    first, second = group_means(attendance(zeros)[0])
    ends = [words.number(values[:, -1].mean()) for values in group_means(attendance(uniform))]
    return (
        f"Left: from zeros, the mean attendance of G1 {words.course(first)}; that of G2, which enters at iteration {entry}, "
        f"{words.course(second[rows >= entry])}; {words.apart(first - second)}. Right: attendance of both groups at the end; "
        f"from uniform starts the means are {ends[0]} in G1 and {ends[1]} in G2{words.swinging_runs(attendance(uniform))}."
    )


def policy(path: Mapping[str, Series], ends: Mapping[tuple[str, str], History], entry: int, tax_max: float) -> str:
    """Figure 4: single runs from zeros with and without the leader, and the last rows of all runs by leader and start."""
    said = {leader: words.apart(run.gap) + words.swinging_runs(attendance(ends[leader, "zeros"])) for leader, run in path.items()}
    mean = {leader: words.number(gap(ends[leader, "uniform"])[:, -1].mean()) for leader in path}
    taxed = path["with"]
    return (
        f"Runs from zeros, G2 entering at iteration {entry}: {words.tax_rate(taxed.tax_rate, tax_max)}; "
        f"{words.taxes(np.stack([taxed.tax_g1, taxed.tax_g2], -1))}. "
        f"At the end, from zeros, with the leader {said['with']}; without it {said['without']}. "
        f"From uniform starts, G1's mean attendance minus G2's is {mean['with']} with the leader and {mean['without']} without it."
    )


def fairness(fairness: Mapping[str, np.ndarray], entry: int, later: int, name: str) -> str:
    """Figure 5: fairness (runs, I + 1) with and without the leader, called `name` under this reading."""
    said, runs = {}, len(fairness["with"])
    for leader, values in fairness.items():
        mean = values.mean(0)
        after = mean[entry + 1 :]
        said[leader] = f"ends {words.ending(mean)} and {words.until(rows_until(after, 0.95), len(after), 0.95)}"
    interval = paired(fairness["with"][:, -1] - fairness["without"][:, -1])
    return (
        f"Left: mean {name} over {runs} runs, G2 entering at iteration {entry}. With the leader it {said['with']}; without the leader it "
        f"{said['without']}. Middle: the same from iteration {later} on. Right: the difference at the end of each run, "
        f"{words.number(interval['mean'])} on average (95% interval {words.side(interval)}) and positive in "
        f"{words.number(100 * interval['positive'])}% of the runs."
    )


def gradients(leader: np.ndarray, untaxed: np.ndarray, taxed: np.ndarray, tax_max: float) -> str:
    """Figure 6."""
    return (
        "Gradients. a and a′: the leader's at tax rate 0, against G1's attendance and against the Gini coefficient, "
        f"{words.reach(leader)}. b: a follower's without tax, against the others' attendance, {words.reach(untaxed)}. "
        f"c: the same at tax rate {tax_max:g}, {words.reach(taxed)}. c minus b: what the tax changes, {words.reach(taxed - untaxed)}."
    )


def capacities(histories: Mapping[float, History]) -> str:
    """Figure 7, by capacity."""
    ends = ", ".join(f"{words.ending(history.actions[0].mean(-1))} for c = {c:g}" for c, history in histories.items())
    said = "One panel per capacity: attendance over the iterations, p*, the rest point and, where it applies, the closed form."
    return f"{said} {_ends(ends)}"


def distributions(histories: Mapping[tuple[float, str], History]) -> str:
    """Figure 8, by capacity and start."""
    said = []
    for (c, start), history in histories.items():
        end, note = words.ending(history.actions.mean((0, 2))), words.swinging_runs(history.actions)
        said.append(f"{end} for c = {c:g} from {STARTS[start]}{note}")
    return f"Attendance of all agents at the end, with p* and the rest point of each capacity. {_ends(', '.join(said))}"


def agent_counts(paths: Mapping[tuple[int, str], Spread]) -> str:
    """Figure 9, by number of agents and order of updates."""
    ends = ", ".join(f"{words.ending(path.mean)} for N = {n} ({order})" for (n, order), path in paths.items())
    return f"Attendance for each number of agents: the whole run above, its last 20 iterations below. {_ends(ends)}"


def _ends(said: str) -> str:
    return f"Mean attendance ends {said}."


def late_uniform(histories: Mapping[float, History], start: str) -> str:
    """Figure 10, by capacity."""
    said = []
    for c, history in histories.items():
        mean = paired(gap(history)[:, -1])
        note = words.swinging_runs(history.actions)
        said.append(f"{words.number(mean['mean'])} (95% interval {words.side(mean)}) at c = {c:g}{note}")
    return (
        f"Attendance of the early and the late group at the end for each capacity, from {STARTS[start]}. "
        f"G1's attendance minus G2's, mean over the runs: {', '.join(said)}."
    )


def follower_rates(histories: Mapping[float, History], rows: np.ndarray, marked: int, rest: float) -> str:
    """Figure 11, by learning rate; the runs kept these `rows`, and the row `marked` has a line."""
    said = []
    for row in (marked, rows[-1]):
        end = np.searchsorted(rows, row) + 1
        places = [f"{lr:g}: {words.place(history.actions[0, :end], {'rest point': rest})}" for lr, history in histories.items()]
        said.append(f"The agents at iteration {row}, by learning rate: {'; '.join(places)}.")
    return (
        f"One panel per learning rate: attendance from iteration {rows[1]} to {rows[-1]} on a logarithmic axis, p*, the rest point, "
        f"a line at iteration {marked} and, where it applies, the closed form. {' '.join(said)}"
    )


def leader_rates(paths: Mapping[float, Series], ends: Mapping[float, History], tax_max: float) -> str:
    """Figure 12, by learning rate: single runs, and the last rows of the same with all agents."""
    said = []
    for lr, path in paths.items():
        swings = words.swinging_runs(attendance(ends[lr]))
        said.append(f"with {lr:g} {words.apart(path.gap)}{swings}, at a tax rate of at most {words.number(path.tax_rate.max())}")
    return (
        "Upper row: mean attendance of both groups for each learning rate of the leader; lower row: the tax rate, "
        f"whose bound is {tax_max:g}. By learning rate: {'; '.join(said)}."
    )


def long_run(history: History, rows: np.ndarray, marked: int, points: Mapping[str, float]) -> str:
    """Figure 13: one run that kept these `rows`; the distance between the groups is also given for the row `marked`."""
    gaps = gap(history)[0]
    there = abs(gaps[np.searchsorted(rows, marked)])
    return (
        f"Attendance of both groups over {rows[-1]} iterations. At iteration {marked} the means of the groups differ by "
        f"{words.number(there)}; {words.apart(gaps)}, and at the end the agents are {words.place(attendance(history)[0], points)}."
    )


def explore(measured: Mapping[str, Series], start: str, entry: int, tax_max: float) -> str:
    """The explorer's picture: means over runs (runs, rows) with the leader, if it learns, and without."""
    runs = len(next(iter(measured.values())).gap)
    said = [f"Means over {runs} runs from {STARTS[start]}" if runs > 1 else f"One run from {STARTS[start]}"]
    said[0] += f", G2 entering at iteration {entry}." if entry else "."
    for leader, path in measured.items():
        who = "With the leader" if leader == "with" else "Without it" if "with" in measured else "Without a leader"
        ends = words.apart(path.gap.mean(0)) if entry else f"mean attendance ends {words.ending(path.mean.mean(0))}"
        said.append(f"{who}, {ends}; fairness ends {words.ending(path.fairness.mean(0))}.")
    rate = measured["with"].tax_rate.mean(0) if "with" in measured else None
    if rate is not None:
        bound = "its bound" if np.isclose(rate.max(), tax_max, rtol=1e-9) else f"its bound is {words.number(tax_max)}"
        said.append(f"The tax rate is {words.number(rate.max())} at most ({bound}) and ends {words.ending(rate, rate.max() or 1)}.")
    return " ".join(said)


def policy_map(works: pd.Series, agree: int, speaks: int) -> str:
    """The map of where the policy works: in how many runs, and how many of those to which the law applies it classifies correctly."""
    return (
        f"Three maps over N and the learning rate: the policy works in {works.sum()} of {len(works)} runs; among the {speaks} runs of "
        f"which the law speaks, it tells those in which the policy works from the others in {agree}."
    )


def readings_map(shares: pd.DataFrame) -> str:
    """The map of claims by readings, from its table (`tables.shares_by_reading`)."""
    everywhere = shares.iloc[:, -1]
    changed = shares.iloc[:, 1:-1].ne(shares["default"], axis=0).sum()
    by_choice = ", ".join(f"{count} with {name}" for name, count in changed.items())
    return (
        f"Heat map: the share of six settings in which each of {len(shares)} claims holds. {(everywhere == 1).sum()} hold in all settings "
        f"of all readings, {(everywhere == 0).sum()} in none. Claims whose share differs from that of the default reading, by the choice "
        f"changed: {by_choice}."
    )
