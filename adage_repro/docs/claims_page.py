"""figures/claims.csv as docs/claims.md and the README show it: counts, verdicts, and each claim with its numbers and conditions."""

import re
from collections import Counter
from operator import eq, ge, gt, le, lt

from adage_repro.docs.code_tables import escaped, lines_of, table
from adage_repro.folders import FIGURES

LIMITS = {"≤": le, "≥": ge, "<": lt, ">": gt, "=": eq}
OPENINGS = {  # what the first of a claim's conditions are
    "holds": "It keeps holding",
    "holds only if": "It holds if any one of the following applies",
    "holds in part": "What holds, and under which condition",
}
UNDECIDED = "cannot be decided"


def rows() -> list[dict[str, str]]:
    """The claims as `make claims` left them."""
    return lines_of(FIGURES / "claims.csv")


def own_settings(row: dict[str, str]) -> dict[str, bool]:
    """The settings of the paper at which the claim is measured, and whether it holds at each; "" where there is one only.

    ValueError: the first of them contradicts the numbers.
    """
    values = row["measured"].split("; ")
    limits = [limit.split(" ") for limit in row["threshold"].split("; ")]
    judged = zip(values[: len(limits)], limits, strict=True)  # numbers without a limit come last
    holds = all(LIMITS[sign](float(value.strip("<")), float(limit)) for value, (sign, limit) in judged)
    at_each = re.compile(r"at (\S+ = \S+(?:, \S+ = \S+)*) (holds|does not hold|is ill-posed) \([^()]*\)")
    said = [at_each.fullmatch(part) for part in _parts(row["condition"])]
    found = {part[1]: part[2] for part in said if part} or {"": "holds" if holds else "does not hold"}
    if (next(iter(found.values())) == "does not hold") == holds:
        raise ValueError(f"{row['id']}: its numbers {'meet' if holds else 'miss'} their thresholds, and its condition says otherwise")
    return {setting: verdict == "holds" for setting, verdict in found.items()}


def own(row: dict[str, str]) -> str:
    """Whether the claim holds at the paper's own setting, in a word, or at which of two only."""
    found = own_settings(row)
    if row["verdict"] == UNDECIDED:
        return "–"
    return {len(found): "yes", 0: "no"}.get(sum(found.values()), "only at " + ", ".join(at for at, holds in found.items() if holds))


def counts() -> str:
    """How many claims hold, in one sentence."""
    found = rows()
    verdict = Counter(row["verdict"] for row in found)
    here = Counter(own(row).split(" ")[0] for row in found)
    failing = here["only"] + here["no"]
    return (
        f"Of the {len(found)} claims tested, **{here['yes']} hold at the settings that the paper gives**, "
        f"{here['only']} at only one of two, **{here['no']} at none**, and {verdict[UNDECIDED]} cannot be decided; "
        f"of the {failing} that fail at one or more, {verdict['holds only if']} hold under a condition that we state, "
        f"{verdict['holds in part']} in part, and {verdict['does not hold']} nowhere that we looked."
    )


def verdicts() -> str:
    """The short table: one line a claim."""
    lines = [[f"[{row['id']}](#{row['id'].lower()})", row["verdict"], row["claim"], own(row), row["place"]] for row in rows()]
    return table(["id", "verdict", "claim", "at the paper's own setting", "place"], lines)


def claims() -> str:
    """One block a claim: its numbers by name, each with its threshold, and its conditions."""
    return "\n\n".join(_block(row) for row in rows())


def _block(row: dict[str, str]) -> str:
    said = f"**{escaped(row['claim'])}** ({row['place']}). Verdict: *{row['verdict']}*; at the paper's own setting: {own(row)}."
    return "\n\n".join([f"### {row['id']}", said, table(["number", "value", "threshold"], numbers(row)), *_conditions(row)])


def numbers(row: dict[str, str]) -> list[list[str]]:
    """Name, values and threshold of each number. A last name stands for all values that are left; where names and values cannot be
    matched, all are in one line."""
    names, values, limits = (_parts(row[column]) for column in ("quantity", "measured", "threshold"))
    if len(limits) > len(names):
        raise ValueError(f"{row['id']} must name each number that has a threshold, got {len(names)} names for {len(limits)} thresholds")
    if len(names) > len(values) or len(limits) < len(names) - 1 < len(values) - 1:
        names = [row["quantity"]]
    last = len(names) - 1
    names = [names[0], *(f"… {name}" for name in names[1:])]
    values = [*values[:last], "; ".join(values[last:])]
    if last == 0 and "; " in values[0]:
        limits = [f"{limit}, the first of them" for limit in limits]
    limits += ["–"] * (len(names) - len(limits))
    return [list(number) for number in zip(names, values, limits, strict=True)]


def _conditions(row: dict[str, str]) -> list[str]:
    parts = _parts(row["condition"])
    first = []
    if row["verdict"] == "holds" and parts and parts[0].startswith("holds "):
        first = _parts(parts.pop(0).removeprefix("holds "), ", (?=for |at )")
    elif row["verdict"] in ("holds only if", "holds in part"):
        first = _parts(parts.pop(0), " · or ")
    parts = [re.sub("^nor of ", "at none of ", piece) for part in parts for piece in _parts(part, ", (?=nor of )")]
    parts = [re.sub("^nor with ", "not with ", part) for part in parts]
    bullets = [f"{OPENINGS[row['verdict']]}:\n\n" + _bullets(first)] if first else []
    return bullets + ([("Also measured:\n\n" if first else "") + _bullets(parts)] if parts else [])


def _bullets(items: list[str]) -> str:
    return "\n".join(f"- {escaped(item)}" for item in items)


def _parts(text: str, separator: str = "; ") -> list[str]:
    """What a separator parts, those within brackets left alone."""
    return re.split(rf"{separator}(?![^()]*\))", text)
