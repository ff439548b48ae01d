"""How the paper's open points can be read: the words of each choice and what each means, stated once, the default first.

The solver, the market, the closed forms and the sentences pick from these tables. A new word is added here; whatever picks from its
table then fails with a line that says where a case is missing.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adage_repro.choices import Choice, Place, choose
from adage_repro.refusals import not_one_of

HERE = "adage_repro/readings.py"


@dataclass(frozen=True)
class Reading:
    """A parameter whose value is one of a few words: `ways` says what each means, and the first is the default."""

    name: str
    meaning: str
    ways: Mapping[str, str]

    @property
    def words(self) -> tuple[str, ...]:
        """The words, the default first."""
        return tuple(self.ways)

    @property
    def default(self) -> str:
        """The first word."""
        return self.words[0]

    def pick(self, choice: Choice, **ways: Any) -> Any:
        """What `choose` gives for this choice among `ways`, which must be given for each word of the table and for no other.

        Refused: an unknown word. NotImplementedError: a word of the table without a way here, or a way without its word, whichever
        word was asked for.
        """
        if set(ways) != set(self.words):
            caller = sys._getframe(1)
            raise NotImplementedError(self.mismatch(ways, f"{caller.f_globals['__name__']}.{caller.f_code.co_qualname}"))
        if not isinstance(choice, Place) and not (isinstance(choice, str) and choice in ways):
            raise not_one_of(self.name, self.words, choice)
        return choose(choice, **ways)

    def mismatch(self, ways: Iterable[str], place: str) -> str:
        """One line on how the words for which `place` gives a way differ from those of the table, and what to do."""
        ways = tuple(ways)
        missing, extra = ([word for word in mine if word not in others] for mine, others in ((self.words, ways), (ways, self.words)))
        lines = [f"has no case for {self.name} = {word}: add one, or remove the word from {HERE}" for word in missing]
        lines += [f"has a case for {self.name} = {word}, which {HERE} does not list: add it there" for word in extra]
        return f"{place} {'; '.join(lines)}"


ORDER = Reading(
    "order",
    "order of the followers' updates",
    {
        "simultaneous": "all followers step from the same actions",
        "alternating": "one after the other, each from the latest actions of the others",
    },
)
TAX_UNITS = Reading(
    "tax_units",
    "unit of the taxed over-attendance",
    {"headcount": "N (a_i - m/n), a number of agents", "rate": "a_i - m/n, a probability", "literal": "a_i - m, as printed"},
)
RETURNS_SHIFT = Reading(
    "returns_shift",
    "when returns are shifted by the minimum",
    {"negative": "only if some return is negative", "always": "in every row", "none": "never, even if returns are negative"},
)
LATE_GROUP = Reading(
    "late_group",
    "what G2 is before it enters",
    {"absent": "not in the game until its entry", "frozen": "in the game from the start, but learning only from its entry on"},
)
CROWD = Reading(
    "crowd",
    "whether an agent's own share counts in its crowd",
    {"included": "m holds the agent's own a_i, as printed", "excluded": "in m the agent itself, 1, takes the place of its a_i"},
)
READINGS = {reading.name: reading for reading in (ORDER, TAX_UNITS, RETURNS_SHIFT, LATE_GROUP, CROWD)}

FOLLOWER_START = Reading(  # how a run begins, which is not a reading of the paper
    "follower_start", "followers' first strategies", {"zeros": "all at 0", "uniform": "drawn from [0, 1], the same for each seed"}
)
