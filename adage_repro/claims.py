"""What the paper claims, each row with a verdict, and the conditions under which it holds."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from adage_repro.report import measures as m
from adage_repro.report.any_market import READINGS
from adage_repro.report.batches import simulate
from adage_repro.report.conditions import SYMBOLS, Line
from adage_repro.report.crossing import Setup, measure_all, values_text
from adage_repro.report.rows import DEFAULT_LR, POLICY_LR, Claim, Search, both
from adage_repro.report.rows_added import ADDED
from adage_repro.report.rows_followers import FOLLOWERS
from adage_repro.report.rows_game import GAME
from adage_repro.report.rows_policy import POLICIES

_ROWS = sorted([*GAME, *FOLLOWERS, *POLICIES, *ADDED], key=lambda claim: ("MBPA".index(claim.id[0]), int(claim.id[1:])))
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in _ROWS}
COLUMNS = ["id", "place", "claim", "quantity", "measured", "threshold", "verdict", "condition"]


def lines_of(claim: Claim, setup: Setup) -> list[tuple[Search, Line]]:
    """What to search for the claim's condition, from a setup at which it does not hold."""
    found = []
    for search in claim.searches:
        base, of = replace(setup, **search.changes), CLAIMS[search.of] if search.of else claim
        if search.name == "readings":
            for name in (name for name in claim.choices if name in READINGS):
                found.append((search, Line(of, base, name)))
        else:
            found.append((search, Line(of, base, search.name, search.values)))
    return found


def judge(claim: Claim, setup: Setup, known: dict | None = None) -> str:
    """`holds` or `does not hold` in one setup (`cannot be decided` instead of `holds` where the paper measures nothing)."""
    ok = claim.holds(measure_all([(claim, setup)], known)[0])
    return "does not hold" if not ok else "cannot be decided" if claim.undecided else "holds"


def verdicts(ids: list[str] | None = None, refine: int = 2, **given: object) -> pd.DataFrame:
    """One row a claim: id, place, claim, quantity, measured, threshold, verdict, condition.

    A claim that holds in its own setting and in those it must also hold in `holds`; one that does not is searched for a setting in
    which it does, and then `holds only if` it. `given` are parameters that replace the paper's.

    refine   how often the edges of a condition are searched again between the values tried
    """
    Setup(**given).checked()
    claims = [CLAIMS[id] for id in ids or CLAIMS]
    setups = {c.id: [c.setup(**given), *(replace(c.setup(**given), **other) for other in c.also)] for c in claims}
    pairs = [(c, setup) for c in claims for setup in setups[c.id]]
    known = {}  # the traces of all runs, which rows share
    measured = dict(zip(((c.id, setup) for c, setup in pairs), measure_all(pairs, known), strict=True))
    fails = {c.id: [k for k in setups[c.id] if not c.holds(measured[c.id, k])] for c in claims}
    lines = {c.id: _lines(c, setups[c.id], fails[c.id]) for c in claims}
    for _ in range(1 + refine):
        wanted = [(line, value) for found in lines.values() for _, line in found for value in line.wanted()]
        results = measure_all([(line.claim, replace(line.setup, **{line.name: value})) for line, value in wanted], known)
        for (line, value), result in zip(wanted, results, strict=True):
            line.tried[value] = line.claim.holds(result)
    rows = [_row(c, setups[c.id], measured, fails[c.id], lines[c.id], known) for c in claims]
    return pd.DataFrame(rows, columns=COLUMNS)


def _lines(claim: Claim, setups: list[Setup], fails: list[Setup]) -> list[tuple[Search, Line]]:
    """Nothing to search where all hold; where only another setup fails, what tells it from the claim's own, and the rest from there."""
    if not fails or claim.undecided:
        return []
    if fails[0] == setups[0]:
        return lines_of(claim, setups[0])
    differing = {name for other in claim.also for name in other}
    own = [(search, line) for search, line in lines_of(claim, setups[0]) if line.name in differing]
    return own + [(search, line) for search, line in lines_of(claim, fails[0]) if line.name not in differing]


def _row(claim: Claim, setups: list[Setup], measured: dict, fails: list[Setup], lines: list[tuple[Search, Line]], known: dict) -> tuple:
    own, *others = setups
    values = measured[claim.id, own]
    said, found = [], []
    if others:
        names = {name for other in claim.also for name in other}
        for setup in (own, *others):
            at = ", ".join(f"{SYMBOLS.get(name, name)} = {_plain(getattr(setup, name))}" for name in sorted(names))
            word = "does not hold" if setup in fails else "holds"
            said.append(f"at {at} {word} ({values_text(measured[claim.id, setup])})")
    for search, line in lines:
        default = getattr(line.setup, line.name)
        good = [
            value
            for value, ok in line.tried.items()
            if ok and not (line.name in READINGS and search.name == "readings" and value == default)
        ]
        if good and line.name in READINGS:
            good = [value + _untaxed(claim, replace(line.setup, **{line.name: value}), known) for value in good]
        if good:
            found.append(_where(own, line) + (f"{line.name} = {' or '.join(good)}" if line.name in READINGS else line.text(search.of)))
    for text, (measure, runs) in claim.instead.items():
        if claim.holds(meant := measure_all([(replace(claim, measure=measure, runs=runs), own)], known)[0]):
            found.append(f"{text} ({values_text(meant)})")
    nowhere = [
        f"{SYMBOLS.get(line.name, line.name)} in {line.searched()} {_where(own, line)}".strip()
        for _, line in lines
        if line.name not in READINGS and not any(line.tried.values())
    ]
    unread = [
        line.name
        for search, line in lines
        if search.name == "readings" and not any(ok for value, ok in line.tried.items() if value != getattr(line.setup, line.name))
    ]
    if nowhere and fails:
        said.append("not for any " + ", nor for any ".join(dict.fromkeys(nowhere)))
    if unread and not found:
        said.append("nor with another " + ", ".join(dict.fromkeys(unread)))
    if claim.undecided:
        verdict = "cannot be decided" if not fails else "does not hold"
        said.append("the paper measures nothing; this counts operations, not seconds")
    else:
        verdict = "holds" if not fails else "holds only if" if found else "does not hold"
    if claim.note:
        said.append(claim.note(own))
    condition = "; ".join([*([" · or ".join(found)] if found else []), *said])
    return claim.id, claim.place, claim.says(own), claim.quantity, values_text(values), claim.threshold, verdict, condition


def _untaxed(claim: Claim, setup: Setup, known: dict) -> str:
    """Said of a row on the policy in a setup where no tax is paid: it holds there of no policy."""
    paid = not claim.on_policy or measure_all([(CLAIMS["P2"], setup)], known)[0][1] > 1e-12
    return "" if paid else " (where no tax is paid)"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _where(own: Setup, line: Line) -> str:
    """In which way the line's setup differs from the claim's own."""
    changed = {name: value for name, value in vars(line.setup).items() if value != getattr(own, name) and name != line.name}
    return "".join(f"at {SYMBOLS.get(name, name)} = {_plain(value)} " for name, value in changed.items())


def sweep(ids: list[str], name: str, values: Iterable[object], **given: object) -> pd.DataFrame:
    """What claims measure along a parameter. Columns: id, the parameter, measured, holds."""
    pairs = [(CLAIMS[id], CLAIMS[id].setup(**(given | {name: value}))) for id in ids for value in values]
    rows = [
        (claim.id, getattr(setup, name), values_text(numbers), claim.holds(numbers))
        for (claim, setup), numbers in zip(pairs, measure_all(pairs), strict=True)
    ]
    return pd.DataFrame(rows, columns=["id", name, "measured", "holds"])


def economists_table(
    payoffs: tuple[float, ...] = (0.0, 1.0, 8.0), rates: tuple[float, ...] = (POLICY_LR, DEFAULT_LR), **given: object
) -> pd.DataFrame:
    """Row I of the late-group run from zeros, with and without the leader, by v and α_F.

    Columns: follower_lr, outside_payoff, leader, returns (total, after tax), revenue (tax paid in the row), surplus (their sum), fairness.
    """
    setups = [Setup(**(given | {"follower_lr": rate, "outside_payoff": v})) for rate in rates for v in payoffs]
    known, rows = {}, []
    simulate((one for setup in setups for one in both(setup)), known)
    for setup in setups:
        for leader, one in zip(("without", "with"), reversed(both(setup)), strict=True):
            trace = known[one]
            returns, revenue = m.at(setup, trace.returns), m.at(setup, trace.tax_g1) + m.at(setup, trace.tax_g2)
            rows.append((setup.follower_lr, setup.outside_payoff, leader, returns, revenue, returns + revenue, m.at(setup, trace.fairness)))
    return pd.DataFrame(rows, columns=["follower_lr", "outside_payoff", "leader", "returns", "revenue", "surplus", "fairness"])
