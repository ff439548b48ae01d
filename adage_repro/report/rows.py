"""What a row of the table of claims is, the runs that rows ask for, and the searches and notes that they share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import floor
from operator import eq, ge, gt, le, lt

from adage_repro.report import measures_game as g
from adage_repro.report.crossing import CHOICES, UP_TO_100, Run, Setup, run

POLICY_LR, DEFAULT_LR = 0.01, 0.001  # α_F of the policy experiments (Fig. 12) and the paper's default (App. A)
CAPACITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
FOLLOWER_LRS = (0.0005, 0.001, 0.005, 0.01, 0.05)
LEADER_LRS = (1e-5, 1e-4, 1e-3, 0.004, 0.01, 0.04, 0.4)
CONSTANT_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of tax_max, the constant rates that the learnt one is held against
SIGNS = {"≤": le, "≥": ge, "<": lt, ">": gt, "=": eq}
DEPENDS = {"O": "order", "U": "tax_units", "S": "returns_shift", "L": "late_group", "C": "crowd", "F": "follower_lr", "V": "outside_payoff"}
ALL = "OUSLCFV"


@dataclass(frozen=True)
class Search:
    """Where to look for the condition of a claim: along one parameter, or over one reading changed at a time (`readings`).

    of        id of the row whose measurement is searched, where it is not the claim's own (one c instead of all, say)
    changes   what is put to another value meanwhile
    values    the only values to try, where trying one is slow
    """

    name: str
    of: str = ""
    changes: dict = field(default_factory=dict)
    values: tuple = ()


@dataclass(frozen=True)
class Claim:
    """One row. `threshold` holds one comparison for each of the first numbers that `measure` gives; all must be true.

    runs      the runs that a setup asks for; `measure` gets their traces
    depends   letters of DEPENDS: the readings and numbers of the cross product that the measurement depends on
    fails     changes to the setup under which the claim must come out as `does not hold`
    sound     where it fails in its own setup already: changes under which it holds, and with `fails` on top no longer
    why       reason for the threshold (added rows) or for `fails` (rows where the list has none)
    also      other setups at which a plain `holds` must hold
    instead   other meanings of the claim: what each measures, of which runs, against the same threshold
    note      said in the condition whatever the verdict; a function of the setup
    large     whether it runs N = 10, 100, 1000
    """

    id: str
    place: str
    claim: str
    quantity: str
    threshold: str
    depends: str
    fails: dict
    measure: Callable[..., tuple[float, ...]]
    runs: Callable[[Setup], tuple[Run, ...]]
    why: str = ""
    sound: dict = field(default_factory=dict)
    base: dict = field(default_factory=dict)
    also: tuple[dict, ...] = ()
    searches: tuple[Search, ...] = ()
    instead: dict[str, tuple[Callable, Callable]] = field(default_factory=dict)
    note: Callable[[Setup], str] | None = None
    large: bool = False
    undecided: bool = False

    def holds(self, values: tuple[float, ...]) -> bool:
        """Whether the numbers keep to the threshold."""
        tests = [test.split() for test in self.threshold.split("; ")]
        return all(SIGNS[sign](value, float(limit)) for (sign, limit), value in zip(tests, values, strict=False))

    @property
    def choices(self) -> tuple[str, ...]:
        """The readings and numbers that the measurement depends on."""
        return tuple(DEPENDS[letter] for letter in self.depends)

    @property
    def on_policy(self) -> bool:
        """Whether it depends on every choice, as what the leader's policy does."""
        return set(self.choices) == set(CHOICES)

    def says(self, setup: Setup) -> str:
        """What it claims, in this setup."""
        return self.claim.format(c=setup.capacity)

    def setup(self, **given: object) -> Setup:
        """The setting that the claim is measured at, with the values given."""
        return Setup(**(self.base | given))


def row(says: tuple[str, str, str], number: tuple[str, str, str], fails: dict, measure, runs=lambda _: (), searches=(), **more) -> Claim:
    """A claim from what it says (id, place, claim) and its number (quantity, threshold, what it depends on); a search may be a name."""
    searches = tuple(Search(one) if isinstance(one, str) else one for one in searches)
    return Claim(*says, *number, fails, measure, runs, searches=searches, **more)


# ---- runs ---------------------------------------------------------------------------------------------------------------


def free(setup: Setup) -> tuple[Run, ...]:
    """No leader, all from the start."""
    return (run(setup),)


def late(setup: Setup) -> tuple[Run, ...]:
    """No leader, G2 late."""
    return (run(setup, late=True),)


def taxed(setup: Setup) -> tuple[Run, ...]:
    """The leader learns, G2 late."""
    return (run(setup, late=True, leader=True),)


def both(setup: Setup) -> tuple[Run, ...]:
    """With the leader, and without."""
    return *taxed(setup), *late(setup)


def short_free(setup: Setup) -> tuple[Run, ...]:
    """`free`, row I only."""
    return (run(setup, start="zeros"),)


def short(setup: Setup) -> tuple[Run, ...]:
    """`taxed`, row I only."""
    return (run(setup, late=True, leader=True, start="zeros"),)


def short_pair(setup: Setup) -> tuple[Run, ...]:
    """`both`, row I only."""
    return *short(setup), run(setup, late=True, start="zeros")


def uniform_pair(setup: Setup) -> tuple[Run, ...]:
    """`both` from uniform starts."""
    return run(setup, True, True, start="uniform"), run(setup, True, start="uniform")


def with_nested(loop: str) -> Callable[[Setup], tuple[Run, ...]]:
    """`short`, and the same learnt in a nested loop."""
    return lambda setup: (*short(setup), run(setup, late=True, leader=True, loop=loop))


def constants(setup: Setup) -> tuple[Run, ...]:
    """`short`, and the same with constant tax rates."""
    rates = [share * setup.tax_max for share in CONSTANT_SHARES]
    return *short(setup), *(run(setup, True, start="zeros", tax_rate=rate) for rate in rates)


def over(name: str, values: Callable[[Setup], Iterable], runs: Callable[[Setup], tuple[Run, ...]]) -> Callable[[Setup], tuple[Run, ...]]:
    """The same runs at several values of a parameter."""
    return lambda setup: tuple(one for value in values(setup) for one in runs(replace(setup, **{name: value})))


def counts(setup: Setup) -> tuple[int, ...]:
    """N = 10, 100, 1000; the last is left out where the setup says so."""
    return g.AGENT_COUNTS[: 2 if setup.control == UP_TO_100 else None]


def capacities(setup: Setup) -> tuple[float, ...]:
    """c = 0.2 … 1, those with room for one agent at least."""
    return tuple(c for c in CAPACITIES if c * setup.n_agents >= 1)


def capacities_below_1(setup: Setup) -> tuple[float, ...]:
    """The same without 1."""
    return capacities(setup)[:-1]


def rates(setup: Setup) -> tuple[float, ...]:
    """α_F = 0.0005 … 0.05 and the setup's own."""
    return tuple(sorted({*FOLLOWER_LRS, setup.follower_lr}))


# ---- searches and notes -------------------------------------------------------------------------------------------------

FEW_LRS = (0.0003, 0.0006, 0.0009, 0.002, 0.005)  # where a search runs N = 1000
ALTERNATING = Search("follower_lr", changes={"order": "alternating"}, values=(0.01,))
LR_AND_READINGS = ("follower_lr", "readings")
POLICY_SEARCH = ("follower_lr", "leader_lr", "outside_payoff", "readings")
POLICY_ONE = {"base": {"follower_lr": POLICY_LR}}
BOTH_RATES = {**POLICY_ONE, "also": ({"follower_lr": DEFAULT_LR},)}
POLICY = {**BOTH_RATES, "searches": POLICY_SEARCH}


def rests(setup: Setup, capacities: tuple[float, ...]) -> str:
    """Where agents rest and where p* is, at some capacities."""
    setups = [replace(setup, capacity=c) for c in dict.fromkeys(capacities) if c * setup.n_agents >= 1]
    return "; ".join(f"at c = {s.capacity:g} agents rest at {g.rest_point(s):.4f} and p* is {g.equilibrium(s):.4f}" for s in setups)


def rest_to_capacity(setup: Setup) -> str:
    """How far from c agents rest at each N."""
    far = ", ".join(f"{abs(g.rest_point(replace(setup, n_agents=n)) - setup.capacity):.6g}" for n in g.AGENT_COUNTS)
    return f"row I is ill-posed where learning does not settle; the rest points lie {far} from c at N = 10, 100, 1000"


def down(value: float, digits: int) -> str:
    """A number cut, not rounded, after some decimals."""
    return f"{floor(value * 10**digits + 1e-9) / 10**digits:.{digits}f}"
