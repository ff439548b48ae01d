"""What a claim is: a small function that stands beside its text, asks for runs by name, and judges numbers by their limits."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from adage_repro.claims.fixtures import FIXTURES, runs_of, seen
from adage_repro.claims.numbers import Measured, Number
from adage_repro.claims.outcomes import ROUNDING, Held, Outcome
from adage_repro.claims.runs import Known, simulate
from adage_repro.claims.setup import CHOICES, Setup
from adage_repro.pytrees import store

CAUSES = {  # why claims do not hold as stated; claims.ipynb explains each under its number
    1: "as printed, Eq. 7 taxes nobody",
    2: "U_L is N² times the Gini coefficient",
    3: "the time scales are the reverse",
    4: "the kink of the tax",
    6: "the rest point is not p*",
    7: "too few iterations, or unstable",
    8: "followers too slow or too fast",
    9: "late entry: capacity, moment, starts",
    10: "from uniform starts agents differ before G2 enters",
    11: "negative returns are shifted",
    12: "the paper measures no speed",
}


@dataclass(frozen=True)
class Search:
    """Where to look for the condition of a claim: along one parameter, or over one reading changed at a time (`readings`).

    of        id of the claim whose measurement is searched, where it is not the claim's own (one c instead of all, say)
    at        what is put to another value meanwhile
    values    the only values to try, where trying one is slow
    instead   other runs of which the same can be read, and faster, by the names of the claim's own
    """

    name: str
    of: str = ""
    at: dict = field(default_factory=dict)
    values: tuple = ()
    instead: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Claim:
    """One claim of the table.

    measure     gives its numbers from the `setup`, from runs by the names of `fixtures`, and from parts with a default value
    depends     the choices that the numbers depend on
    must_fail   changes with which it must not hold: values of the setup, or a defect in place of one of the function's parameters
    holds_at    where it fails in its own setup already: changes with which it holds, and with `must_fail` on top no longer
    reason      for the threshold (added claims) or for `must_fail` (claims of the list that has none)
    because     where it does not hold as stated: the number of the reason in CAUSES
    at          what of the claim's own setup is not the paper's default
    also        other setups at which a plain `holds` must hold
    otherwise   other meanings of the claim, each as a change of the function's parameters
    note        said in the condition whatever the verdict, or a function of the setup that says it
    """

    id: str
    place: str
    text: str
    measure: Callable[..., Number | Iterable[Number]]
    depends: tuple[str, ...]
    must_fail: dict[str, Any]
    reason: str = ""
    because: int = 0
    holds_at: dict[str, Any] = field(default_factory=dict)
    at: dict[str, Any] = field(default_factory=dict)
    also: tuple[dict[str, Any], ...] = ()
    searches: tuple[Search, ...] = ()
    otherwise: dict[str, dict[str, Any]] = field(default_factory=dict)
    note: str | Callable[[Setup], str] = ""
    undecided: bool = False
    parts: set[str] = field(init=False)  # the parameters of `measure`
    asks: tuple[str, ...] = field(init=False)  # those of them that are runs

    def __post_init__(self):
        parameters = inspect.signature(self.measure).parameters.values()
        asks = tuple(one.name for one in parameters if one.name != "setup" and one.default is one.empty)
        store(self, parts={one.name for one in parameters}, asks=asks)
        values = (self.at, self.must_fail, self.holds_at, *self.also, *self.otherwise.values())
        changes = [change for each in values for change in each.items()]
        runs = [*asks, *(other for name, other in changes if name in asks)]
        along = [name for search in self.searches for name in (search.name, *search.at)]
        for names, known, said in (
            (runs, FIXTURES, "asks for {}, which is no run"),
            (dict(changes), (*_SETUP, *self.parts), "changes {}, which is neither in the setup nor a part of its measurement"),
            ([self.because] if self.because else [], CAUSES, "does not hold because of {}, which is no reason"),
            (self.depends, CHOICES, "depends on {}, which is no choice"),
            ([search.of for search in self.searches if search.of], CLAIMS, "searches {}, which is no claim entered before it"),
            (along, (*_SETUP, "readings"), "searches along {}, which is neither in the setup nor the readings"),
        ):
            if unknown := ", ".join(str(name) for name in names if name not in known):
                raise ValueError(f"{self.id} {said.format(unknown)}; there are {', '.join(map(str, known))}")
        if not self.text:
            raise ValueError(f"{self.id} must say what is claimed in the docstring of {self.measure.__name__}")

    @property
    def cause(self) -> str:
        """Why it does not hold as stated in the paper's setting."""
        return CAUSES.get(self.because, "see its condition")

    @property
    def on_policy(self) -> bool:
        """Whether it depends on every choice, as what the leader's policy does."""
        return set(self.depends) == set(CHOICES)

    @property
    def payer(self) -> str:
        """The claim whose second number is the tax that is paid in runs from the starts that it asks for."""
        return "A36" if any("uniform" in run for run in self.asks) else "P2"

    def says(self, setup: Setup) -> str:
        """What it claims, in this setup."""
        return self.text.format(c=setup.capacity)

    def setup(self, **given: Any) -> Setup:
        """The setting that the claim is measured at, with the values given."""
        return Setup(**(self.at | given))

    @property
    def own(self) -> dict[str, Any]:
        """The parameters that it is about, whatever is given for all claims: those of `at` that are no choices."""
        return {name: value for name, value in self.at.items() if name not in CHOICES}

    def case(self, **changes: Any) -> "Case":
        """The claim in its own setup with changes of values and of parts."""
        values = {name: value for name, value in changes.items() if name in _SETUP}
        return Case(self, self.setup(**values), {name: part for name, part in changes.items() if name not in _SETUP})


_SETUP = [one.name for one in fields(Setup)]


@dataclass(frozen=True)
class Case:
    """A claim in one setup; `instead` are other parts of its measurement: a value for a default, the name of another fixture for a run."""

    claim: Claim
    setup: Setup
    instead: Mapping[str, Any] = field(default_factory=dict)

    def asked(self) -> dict[str, Any]:
        """What the fixtures ask for, by the name of the parameter."""
        return {name: FIXTURES[self.instead.get(name, name)](self.setup) for name in self.claim.asks}

    def measured(self, asked: Mapping[str, Any], known: Known, both_rows: bool = False) -> Measured:
        """The numbers, once what was asked for is known; where a run swings, of `both_rows` if asked for."""
        outcomes = {name: seen(one, known, both_rows) for name, one in asked.items()}
        runs = [run for one in outcomes.values() for run in (one.values() if isinstance(one, dict) else [one]) if isinstance(run, Outcome)]
        if not any(run.turns_at_end > ROUNDING for run in runs):  # constant rates are held against them as they end
            outcomes = {name: replace(one, both=False) if isinstance(one, Held) else one for name, one in outcomes.items()}
        parts = {name: part for name, part in self.instead.items() if name not in asked}
        setup = {"setup": self.setup} if "setup" in self.claim.parts else {}
        numbers = Measured(self.claim.measure(**setup, **outcomes, **parts))
        numbers.swings = any(run.swings for run in runs)
        return numbers


def measure_all(cases: Iterable[Case], known: Known | None = None, both_rows: bool = False) -> list[Measured]:
    """What each case measures, in row I or, of runs that swing, in `both_rows`; `known` traces of runs are used and added to."""
    planned = [(case, case.asked()) for case in cases]
    known = {} if known is None else known
    simulate((run for _, asked in planned for one in asked.values() for run in runs_of(one)), known)
    return [case.measured(asked, known, both_rows) for case, asked in planned]


CLAIMS: dict[str, Claim] = {}


def claim(id: str, place: str, **more: Any) -> Callable:
    """Enter a function into CLAIMS as the measurement of what its docstring claims, with what `control` and `searched` say of it."""

    def enter(measure: Callable) -> Callable:
        if id in CLAIMS:
            raise ValueError(f"there must be one claim {id}, got {CLAIMS[id].measure.__name__} and {measure.__name__}")
        said = {**more, **measure.__dict__.get("said", {})}
        searches = tuple(Search(one) if isinstance(one, str) else one for one in said.pop("searches", ()))
        CLAIMS[id] = Claim(id, place, measure.__doc__, measure, searches=searches, **said)
        return measure

    return enter


def control(**said: Any) -> Callable:
    """Say of a measurement with what it must fail: `must_fail`, `holds_at` and `reason` of its Claim."""

    def say(measure: Callable) -> Callable:
        measure.said = measure.__dict__.get("said", {}) | said
        return measure

    return say


def searched(*searches: str | Search) -> Callable:
    """Say of a measurement where to look for its condition; a search may be the name of its parameter."""
    return control(searches=searches)
