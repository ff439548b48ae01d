"""What happened in a run, in words: every phrase about a run is composed here from its numbers, with the tolerances stated here."""

import re
from collections.abc import Mapping

import numpy as np

from adage_repro.market import MarketEntrance, largest_stable_lr
from adage_repro.parameters import differing
from adage_repro.readings import LATE_GROUP, RETURNS_SHIFT

SEEN = 0.005  # of the scale, which is 1 for attendances: a smaller change is none
NEAR = 0.02  # the tolerance of an attendance in the list of claims: all agents within this of a point are near it,
AT = 0.001  # and within this at it; groups whose means differ by no more have met
ROUNDING = 1e-13  # numbers no larger than this are rounding noise, saved and drawn as 0
NOTHING = 1e-9  # numbers below this are rounding, and said as 0
NAMES = {"p*": "p* =", "rest point": "the rest point"}


def number(value: float) -> str:
    """Three significant digits; 0, never -0, for what is smaller than NOTHING."""
    return f"{0.0 if abs(value) < NOTHING else float(value):.3g}"


def swings(values: np.ndarray, scale: float = 1.0) -> bool:
    """Whether a series (rows, …) jumps between two values at the end: in some column its last three steps turn back each time, none
    smaller than SEEN of the scale or than half of the largest of them."""
    steps = np.diff(np.asarray(values)[-4:], axis=0)
    least = np.maximum(SEEN * scale, abs(steps).max(0, initial=0) / 2)
    back_and_forth = (steps[1:] * steps[:-1] < 0).all(0) & (abs(steps) >= least).all(0)
    return len(steps) == 3 and bool(back_and_forth.any())


def ending(values: np.ndarray, scale: float = 1.0) -> str:
    """Where a series (rows,) ends: `at` its last value, `swinging between` its last two, or, if its last step is no smaller than SEEN of
    the scale, `at` its last value, `up from` or `down from` the one before."""
    before, last = values[-2:] if len(values) > 1 else (values[-1], values[-1])
    if swings(values, scale):
        return f"swinging between {number(min(before, last))} and {number(max(before, last))}"
    moving = abs(last - before) >= SEEN * scale
    step = f", {'up' if last > before else 'down'} from {number(before)} one iteration earlier"
    return f"at {number(last)}" + (step if moving else "")


def course(values: np.ndarray) -> str:
    """What a series (rows,) does from its first row to its last: it stays (its range is below SEEN), rises (it never falls
    back by that much), or moves between two values and ends somewhere."""
    values = np.asarray(values, float)
    low, high = values.min(), values.max()
    if high - low < SEEN:
        return f"stays at {number(values[-1])}"
    if (np.maximum.accumulate(values) - values).max() < SEEN:
        return f"rises from {number(values[0])} to {number(values[-1])}"
    return f"moves between {number(low)} and {number(high)} and ends {ending(values)}"


def place(values: np.ndarray, points: Mapping[str, float]) -> str:
    """Where the agents (rows, N) end: at a point, near it or how far from it, by the farthest of them in the last row, or in the last
    two rows if they swing, which is then said first."""
    turning = swings(values)
    said = []
    for name, point in points.items():
        farthest, named = abs(values[-2 if turning else -1 :] - point).max(), f"{NAMES[name]} {number(point)}"
        away = f"near {named} (at most {number(farthest)} away)" if farthest <= NEAR else f"up to {number(farthest)} away from {named}"
        said.append(f"at {named}" if farthest <= AT else away)
    return ("swinging between two states, " if turning else "") + " and ".join(said)


def spread(values: np.ndarray) -> str:
    """Where the values of one row lie: `all at` one if their range is below SEEN, else `between` the smallest and the largest."""
    low, high = np.min(values), np.max(values)
    return f"all at {number(np.mean(values))}" if high - low < SEEN else f"between {number(low)} and {number(high)}"


def swinging_runs(values: np.ndarray) -> str:
    """How many of several runs (runs, rows, N) swing at the end; nothing if none does."""
    values = np.asarray(values)
    count = sum(swings(run) for run in values)
    who = "agents" if len(values) == 1 else f"{count} of {len(values)} runs"
    return f" ({who} swinging between two states at the end)" if count else ""


def apart(gaps: np.ndarray) -> str:
    """How the groups' mean attendances end, from G1's minus G2's (rows,): they have met if they are within AT in the last two rows, and
    have never separated if in all; their gap may swing."""
    last, size = gaps[-1], abs(gaps)
    if swings(gaps):
        return f"the gap between the groups ends {ending(gaps)}"
    if size[-2:].max() <= AT:
        return f"the groups meet and end {number(size[-1])} apart" if size.max() > AT else "the groups never separate"
    return f"the groups do not meet, and G1 ends {number(size[-1])} {'above' if last > 0 else 'below'} G2"


def side(numbers: Mapping[str, float]) -> str:
    """On which side of 0 the 95% interval of a mean over runs lies; an end within NOTHING of 0 is at 0."""
    return "above 0" if numbers["low"] >= NOTHING else "below 0" if numbers["high"] <= -NOTHING else "including 0"


def after(row: int) -> str:
    """How many iterations have passed in a row."""
    return f"after {row} iteration{'s' if row != 1 else ''}"


def tax_rate(rates: np.ndarray, bound: float) -> str:
    """What the tax rate (rows,) does: after how many iterations it is first above 0, if ever, how large it becomes, and where it ends, or
    that it stays below NOTHING."""
    taxed, largest = rates >= NOTHING, rates.max()
    if not taxed.any():
        return f"the tax rate {f'stays below {NOTHING:g}' if largest > ROUNDING else 'is 0'} throughout"
    first = after(int(taxed.argmax()))
    reached = "its bound" if largest == bound else f"below its bound {number(bound)}"
    return f"the tax rate first exceeds 0 {first}, is {number(largest)} at most ({reached}) and ends {ending(rates, largest)}"


def taxes(tax: np.ndarray) -> str:
    """Who pays, and when most, of the taxes (rows, 2) of G1 and of G2; a sum below NOTHING is no tax."""
    if not any_tax(tax):
        return "no tax is ever paid"
    shares = dict(zip(("G1", "G2"), tax.sum(0) / tax.sum(), strict=True))
    more, less = sorted(shares, key=shares.get, reverse=True)
    if shares[less] <= NOTHING:
        who = f"only {more} pays"
    elif number(100 * shares[more]) == "100":
        who = f"{more} pays all but {number(100 * shares[less])}% of the tax"
    else:
        who = " and ".join(f"{name} pays {number(100 * share)}%" for name, share in shares.items()) + " of the tax"
    sums = tax.sum(-1)
    peak = int(sums.argmax())
    return f"{who}; the tax paid by all agents peaks {after(peak)} at {number(sums[peak])} and ends {ending(sums, sums[peak])}"


def any_tax(tax: np.ndarray) -> bool:
    """Whether any tax is paid: the sum over rows and agents is not below NOTHING."""
    return bool(np.sum(tax) >= NOTHING)


def reach(values: np.ndarray) -> str:
    """The smallest and the largest of some values, or that all of them are 0."""
    return f"between {number(np.min(values))} and {number(np.max(values))}" if np.abs(values).max() >= NOTHING else "0 everywhere"


def varies(values: np.ndarray) -> bool:
    """Whether values differ by NOTHING or more."""
    return bool(np.ptp(values) >= NOTHING)


def until(row: int, count: int, level: float) -> str:
    """From which of `count` rows, counted from 1, something stays at a level; a row past the last means that it does not, and the last
    alone does not tell."""
    said = f"at {number(level)} or more"
    if row == count:
        return f"is {said} at the very end, too late to tell whether it stays there"
    since = f"{row} iteration{'s' if row != 1 else ''}"
    return f"stays {said} from {since} after G2's entry onwards" if row < count else f"does not stay {said}"


def crossing(slope: float, bound: float) -> str:
    """The leader's gradient as G2 enters, and the learning rate at which one step crosses the range of the tax rate, if any does."""
    said = f"dU_L/dtau is {number(slope)} when G2 enters"
    if bound == 0 or slope < NOTHING:
        return f"{said}: no leader_lr raises the tax rate above 0 in that step"
    return f"{said}: from leader_lr = {number(bound / slope)} on, one step crosses the whole range of the tax rate"


def stability_line(game: MarketEntrance, follower_lr: float, order: str) -> str:
    """One line that compares the learning rate with the stability limit."""
    limit = largest_stable_lr(game, order)
    side = "below" if follower_lr < limit else "not below"
    rate = f"N = {game.n_agents}: follower_lr = {follower_lr:g}"
    return f"{rate} is {side} the untaxed stability limit {limit:.4g} ({order}, own share {game.crowd})"


def until_entry(late_group: str) -> str:
    """What to write in the part of a panel in which G2 has not entered, under this reading."""
    return LATE_GROUP.pick(late_group, absent="$G_1$ alone", frozen="$G_2$ frozen")


def fairness_scale(returns_shift: str) -> tuple[str, float]:
    """What to call 1 - Gini on an axis under this reading, and the most that it can be."""
    shifted, raw = ("fairness", 1.0), ("raw 1 - Gini (no shift)", np.inf)
    return RETURNS_SHIFT.pick(returns_shift, negative=shifted, always=shifted, none=raw)


def fairness_note(returns_shift: str) -> str:
    """One line that says what the fairness of this reading is."""
    shifted = f"fairness is 1 - Gini of the returns, shift: {returns_shift}"
    raw = "returns are not shifted: with negative returns the number is no Gini coefficient and is reported raw"
    return RETURNS_SHIFT.pick(returns_shift, negative=shifted, always=shifted, none=raw)


def title(name: str) -> str:
    """What a notebook, or a sweep of it, is called in a sentence: Figure 4 for fig04 and fig04_sweep."""
    figure = re.fullmatch(r"fig(\d\d)(_sweep)?", name)
    return f"Figure {int(figure[1])}" if figure else name[:1].upper() + name[1:].replace("_", " ")


def setting(name: str) -> str:
    """Whose the default parameters of a notebook are: the paper's, or those of a notebook that goes past it."""
    return "notebook's setting" if name.startswith("beyond_") else "paper's setting"


def changes(values: Mapping[str, object], standard: Mapping[str, object], setting: str) -> str:
    """The first cell of an executed notebook (Markdown): which parameters differ from the `setting`, and what the text below describes."""
    differ = differing(values, standard)
    if not differ:
        return f"**This run** uses the {setting}: no parameter was changed."
    lines = [f"**This run** differs from the {setting}:", "", f"| parameter | {setting} | this run |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {standard[name]} | {value} |" for name, value in differ.items()]
    text = f"The text below describes the {setting}. The picture, its caption and everything printed by code describe this run."
    return "\n".join([*lines, "", text])
