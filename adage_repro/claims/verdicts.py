"""The verdict of every claim, and the conditions under which those hold that do not hold as stated."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from adage_repro.claims.claim import CLAIMS, Case, Claim, Search, measure_all
from adage_repro.claims.conditions import SYMBOLS, Scan, State, state
from adage_repro.claims.numbers import Measured
from adage_repro.claims.runs import Known
from adage_repro.claims.setup import READINGS, Setup

SAID = {State.HOLDS: "holds", State.SWINGING_HOLDS: "is ill-posed"}
COLUMNS = ["id", "place", "claim", "quantity", "measured", "threshold", "verdict", "condition"]


def judge(case: Case, known: Known | None = None) -> str:
    """`holds` or `does not hold` in one setup (`cannot be decided` instead of `holds` where the paper measures nothing)."""
    holds = measure_all([case], known)[0].holds
    return "does not hold" if not holds else "cannot be decided" if case.claim.undecided else "holds"


def verdicts(ids: list[str] | None = None, refine: int = 4, known: Known | None = None, **given: object) -> pd.DataFrame:
    """A table with one entry a claim: id, place, claim, quantity, measured, threshold, verdict, condition.

    A claim that holds in its own setting and in those it must also hold in `holds`, and is searched for where it stops. One that does
    not is searched for a setting in which it does: it `holds only if` one thing is changed, or `holds in part` where that is not
    enough: for one of its parts alone, or with another thing changed as well. `given` are parameters that replace the paper's.

    refine   how often at most the edges of a condition are searched again, until they are known to three digits
    known    what runs left, used and added to
    """
    Setup(**given).checked()
    claims = [CLAIMS[id] for id in ids or CLAIMS]
    known = {} if known is None else known
    setups = {claim.id: [own := claim.setup(**(given | claim.own)), *(replace(own, **other) for other in claim.also)] for claim in claims}
    numbers = iter(measure_all([Case(claim, setup) for claim in claims for setup in setups[claim.id]], known))
    measured = {id: {setup: next(numbers) for setup in asked} for id, asked in setups.items()}
    scans = {claim.id: _scans(claim, measured[claim.id]) for claim in claims}
    for _ in range(1 + refine):
        wanted = [(scan, value) for found in scans.values() for _, scan in found for value in scan.wanted()]
        if not wanted:
            break
        for (scan, value), numbers in zip(wanted, measure_all([scan.case(value) for scan, value in wanted], known, True), strict=True):
            scan.enter(value, numbers)
    entries = [(claim.id, claim.place, *_judged(claim, measured[claim.id], scans[claim.id], known)) for claim in claims]
    return pd.DataFrame(entries, columns=COLUMNS)


def _scans(claim: Claim, measured: dict[Setup, Measured]) -> list[tuple[Search, Scan]]:
    """Where all hold, all but readings, whose table says it; where only another setup fails, what tells it from the claim's own, and
    the rest from there."""
    own, *_ = measured
    failing = [setup for setup, numbers in measured.items() if state(numbers) is not State.HOLDS]
    if claim.undecided:
        return []
    if not failing:  # a part of what holds tells nothing new
        return [(search, scan) for search, scan in _scans_from(claim, own) if search.name != "readings" and not search.of]
    if failing[0] == own:
        return _scans_from(claim, own)
    differing = {name for other in claim.also for name in other}
    along = [(search, scan) for search, scan in _scans_from(claim, own) if scan.name in differing]
    return along + [(search, scan) for search, scan in _scans_from(claim, failing[0]) if scan.name not in differing]


def _scans_from(claim: Claim, setup: Setup) -> list[tuple[Search, Scan]]:
    """What to search for the claim's condition, from a setup at which it does not hold."""
    found = []
    for search in claim.searches:
        base, of = replace(setup, **search.at), CLAIMS[search.of] if search.of else claim
        names = [name for name in READINGS if name in claim.depends] if search.name == "readings" else [search.name]
        instead = {run: other for run, other in search.instead.items() if run in of.asks}
        found += [(search, Scan(of, base, name, search.values, instead)) for name in names]
    return found


def _judged(claim: Claim, measured: dict[Setup, Measured], scans: list[tuple[Search, Scan]], known: Known) -> tuple[str, ...]:
    """Claim, quantity, measured, threshold, verdict, condition."""
    own = next(iter(measured))
    holds = all(state(numbers) is State.HOLDS for numbers in measured.values())
    said = _at_each(claim, measured)
    if holds:
        found = _where_it_stops(own, scans)
        verdict = "cannot be decided" if claim.undecided else "holds"
    else:
        found = _where_it_holds(claim, own, scans, known)
        otherwise = _otherwise(claim, own, known)
        whole = otherwise or any(_changed(search, scan) for search, scan in scans if not (search.of or search.at))
        verdict = "holds only if" if whole else "holds in part" if found else "does not hold"
        found += otherwise
        said += _where_it_does_not(own, scans, bool(found))
    if claim.undecided:
        said.append("the paper measures nothing; this counts operations, not seconds")
    if claim.note:
        said.append(claim.note if isinstance(claim.note, str) else claim.note(own))
    condition = "; ".join([*([" · or ".join(found)] if found else []), *said])
    return claim.says(own), measured[own].quantity, measured[own].text, measured[own].threshold, verdict, condition


def _at_each(claim: Claim, measured: dict[Setup, Measured]) -> list[str]:
    """Where a claim is measured in several setups: the verdict and the numbers in each."""
    names = sorted({name for other in claim.also for name in other})
    said = []
    for setup, numbers in measured.items() if claim.also else ():
        at = ", ".join(f"{SYMBOLS.get(name, name)} = {_plain(getattr(setup, name))}" for name in names)
        said.append(f"at {at} {SAID.get(state(numbers), 'does not hold')} ({numbers.text})")
    return said


def _where_it_holds(claim: Claim, own: Setup, scans: list[tuple[Search, Scan]], known: Known) -> list[str]:
    """The settings found in which it holds, one for each scan of search that has any."""
    found = []
    for search, scan in scans:
        good = _changed(search, scan)
        if good and scan.name in READINGS:
            good = _with_tax(claim, {value: replace(scan.setup, **{scan.name: value}) for value in good}, known)
        if good:
            found.append(_where(own, scan) + (f"{scan.name} = {' or '.join(good)}" if scan.name in READINGS else scan.text(search.of)))
    return found


def _changed(search: Search, scan: Scan) -> list:
    """The values at which it holds; of readings, the scan's own, which is said elsewhere, left out."""
    return [value for value in scan.good() if search.name != "readings" or value != getattr(scan.setup, scan.name)]


def _where_it_stops(own: Setup, scans: list[tuple[Search, Scan]]) -> list[str]:
    """How far a claim that holds keeps holding, along each parameter that is searched."""
    found = []
    for search, scan in scans:
        if set(scan.judged().values()) == {State.HOLDS}:
            found.append(_where(own, scan) + f"at all of {scan.all_tried()}")
        else:
            found.append(_where(own, scan) + (f"for {scan.text(search.of)}" if scan.good() else f"at none of {scan.all_tried()}"))
    return ["holds " + ", ".join(found)] if found else []


def _otherwise(claim: Claim, own: Setup, known: Known) -> list[str]:
    """The other meanings of the claim in which it holds."""
    meant = measure_all([Case(claim, own, change) for change in claim.otherwise.values()], known)
    return [f"{text} ({numbers.text})" for text, numbers in zip(claim.otherwise, meant, strict=True) if numbers.holds]


def _where_it_does_not(own: Setup, scans: list[tuple[Search, Scan]], elsewhere: bool) -> list[str]:
    """The parameters along which nothing was found; the readings too where it holds nowhere else."""
    along = [(search, scan) for search, scan in scans if scan.name not in READINGS]
    nowhere = [f"{scan.all_tried()} {_where(own, scan)}".strip() for _, scan in along if not scan.good()]
    unread = [scan.name for search, scan in scans if search.name == "readings" and not _changed(search, scan)]
    said = ["at none of " + ", nor of ".join(dict.fromkeys(nowhere))] if nowhere else []
    return said + (["nor with another " + ", ".join(dict.fromkeys(unread))] if unread and not elsewhere else [])


def _with_tax(claim: Claim, setups: dict[str, Setup], known: Known) -> list[str]:
    """The words of these setups. Of a claim on the policy, if no tax is paid in one, which says nothing of a policy, where it is paid."""
    payer = CLAIMS[claim.payer]
    taxed = {word: not claim.on_policy or measure_all([Case(payer, setup)], known)[0][1].holds for word, setup in setups.items()}
    said = {True: " (where tax is paid)" * (len(taxed) > 1), False: " (where no tax is paid)"}
    return list(taxed) if all(taxed.values()) else [word + said[paid] for word, paid in taxed.items()]


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _where(own: Setup, scan: Scan) -> str:
    """In which way the scan's setup differs from the claim's own."""
    names = [name for name in Setup.__dataclass_fields__ if getattr(scan.setup, name) != getattr(own, name) and name != scan.name]
    return "".join(f"at {SYMBOLS.get(name, name)} = {_plain(getattr(scan.setup, name))} " for name in names)


def sweep(ids: list[str], name: str, values: Iterable[object], **given: object) -> pd.DataFrame:
    """What claims measure along a parameter. Columns: id, the parameter, measured, holds."""
    cases = [Case(CLAIMS[id], CLAIMS[id].setup(**(given | {name: value}))) for id in ids for value in values]
    entries = [
        (case.claim.id, getattr(case.setup, name), numbers.text, numbers.holds)
        for case, numbers in zip(cases, measure_all(cases), strict=True)
    ]
    return pd.DataFrame(entries, columns=["id", name, "measured", "holds"])
