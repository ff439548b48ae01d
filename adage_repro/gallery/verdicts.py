"""What figures/claims.csv says of a figure: its claims, and whether it reproduces."""

import re
from collections import Counter
from typing import NamedTuple

from adage_repro.docs.claims_page import UNDECIDED, own, rows

SUBJECTS = {"M": "the model", "B": "behaviour without a leader", "P": "the policy", "A": "added later"}
VERDICTS = ("holds", "holds only if", "holds in part", UNDECIDED, "does not hold")
STANDINGS = {
    "reproduced": "all claims on it hold at the paper's own setting",
    "reproduced in part": "some do, or at one of the two learning rates that the paper gives",
    "not as stated": "none does, but some hold under a condition that we state, or in part",
    "not reproduced": "none holds anywhere that we looked",
}


class Claim(NamedTuple):
    """One claim as the pages show it."""

    id: str
    place: str
    text: str
    verdict: str
    own: str  # whether it holds at the paper's own setting

    @property
    def subject(self) -> str:
        """The letter of its id."""
        return self.id[0]

    @property
    def figures(self) -> list[int]:
        """The numbers of the figures that it is about: 7 and 8 for `Figs. 7, 8`, 4 for `Fig. 4a`."""
        named = re.match(r"Figs?\. ((?:\d+[a-z]?(?:, )?)+)", self.place)
        return [int(number) for number in re.findall(r"\d+", named[1])] if named else []


class Standing(NamedTuple):
    """Whether a figure reproduces: in a word, and by the claims on it."""

    word: str
    said: str


def claims() -> list[Claim]:
    """All claims, in their order. ValueError: a verdict or a subject that the pages do not know."""
    found = [Claim(row["id"], row["place"], row["claim"], row["verdict"], own(row)) for row in rows()]
    for claim in found:
        if claim.subject not in SUBJECTS or claim.verdict not in VERDICTS:
            allowed = f"on one of {', '.join(SUBJECTS)} with a verdict of {', '.join(VERDICTS)}"
            raise ValueError(f"a claim must be {allowed}, got {claim.id} with {claim.verdict}")
    return found


def standing(about: list[Claim]) -> Standing:
    """Whether a figure reproduces, from the claims about it. ValueError: there is none."""
    if not about:
        raise ValueError("a figure must have a claim about it, by its place in adage_repro/claims, got none")
    here = Counter(claim.own.split(" ")[0] for claim in about)
    if here["yes"] == len(about):
        word = "reproduced"
    elif here["yes"] + here["only"]:
        word = "reproduced in part"
    else:
        word = "not reproduced" if all(claim.verdict == "does not hold" for claim in about) else "not as stated"
    holding = f"{here['yes']} of {len(about)} claims on it" if len(about) > 1 else "The one claim on it"
    if len(about) == 1:
        said = {"yes": f"{holding} holds at the paper's own setting", "only": f"{holding} holds {about[0].own}"}
        return Standing(word, said.get(about[0].own.split(" ")[0], f"{holding} does not hold at the paper's own setting"))
    either = f", and {here['only']} at one of two" if here["only"] else ""
    return Standing(word, f"{holding} hold at the paper's own setting{either}")
