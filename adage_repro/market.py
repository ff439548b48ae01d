"""The market entrance game (Eqs. 4, 5, 7, 8), its two equilibria and its closed forms."""

from functools import partial
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.choices import Choice
from adage_repro.fairness import leader_objective
from adage_repro.parameters import as_array, check, check_value
from adage_repro.pytrees import model, store
from adage_repro.readings import CROWD, LATE_GROUP, ORDER, RETURNS_SHIFT, TAX_UNITS
from adage_repro.refusals import Refused


@model
class MarketEntrance:
    """N agents choose a probability a_i of entering a market of capacity C = c N; a leader taxes over-attendance at rate τ.

    n_agents        N, at least 2
    capacity        c = C/N, in [1/N, 1]
    outside_payoff  v ≥ 0, payoff of staying out
    crowd           `included`: the attendance m in Eq. 5 holds the own share a_i, as printed · `excluded`: a_i's place is taken by
                    the agent itself, 1, which makes Eq. 5 the expectation of Eq. 4
    tax_units       over-attendance in Eqs. 7, 8: `headcount` N (a_i - m/n) · `rate` a_i - m/n · `literal` a_i - m, n agents present
    returns_shift   the shift in the leader's objective, see `gini`

    The last three are words; as `Place`s they are traced, and all readings share one compiled program.
    ValueError: a value of the wrong type or out of its range.
    """

    action_bounds = (0.0, 1.0)
    leader_bounds = (0.0, 0.1)  # of τ, Sect. 4.2

    n_agents: int
    capacity: float
    outside_payoff: float = 1.0
    crowd: Choice = CROWD.default
    tax_units: Choice = TAX_UNITS.default
    returns_shift: Choice = RETURNS_SHIFT.default

    def __post_init__(self):
        store(self, n_agents=check_value("n_agents", self.n_agents, "int", "[2, inf)"))
        names = ("outside_payoff", "crowd", "tax_units", "returns_shift")
        store(self, **{name: check(name, getattr(self, name)) for name in names})
        store(self, capacity=check("capacity", self.capacity, n_agents=self.n_agents))

    @property
    def places(self) -> float:
        """C = c N, how many agents fit the market."""
        return self.capacity * self.n_agents

    def entry_payoff(self, enters: Array, others: Array) -> Array:
        """Eq. 4: v for staying out, v + 2 (C - m) for entering, where m = 1 + `others`, the number of others who enter."""
        return self.outside_payoff + jnp.where(enters, 2 * (self.places - 1 - others), 0.0)

    def attendance_felt(self, action: Array, mean: Array, n_present: Array) -> Array:
        """The m of Eq. 5: n `mean` if the crowd is `included`, else n `mean` - a_i + 1."""
        attendance = n_present * mean
        return CROWD.pick(self.crowd, included=attendance, excluded=attendance - action + 1)

    def untaxed_utility(self, action: Array, mean: Array, n_present: Array) -> Array:
        """Eq. 5: a_i (v + 2 (C - m)) + (1 - a_i) v."""
        v = self.outside_payoff
        return action * (v + 2 * (self.places - self.attendance_felt(action, mean, n_present))) + (1 - action) * v

    def over_attendance(self, action: Array, mean: Array, n_present: Array) -> Array:
        """What Eq. 7 taxes, in `tax_units`."""
        scale, others = TAX_UNITS.pick(self.tax_units, headcount=(self.n_agents, mean), rate=(1, mean), literal=(1, n_present * mean))
        return scale * (action - others)

    def tax(self, action: Array, mean: Array, n_present: Array, tax_rate: Array) -> Array:
        """The tax that Eq. 7 takes: a_i τ max(over-attendance, 0), with gradient 0 at and below the boundary (App. B)."""
        over = self.over_attendance(action, mean, n_present)
        return action * tax_rate * jnp.where(over > 0, over, 0.0)

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        """Eq. 8: Eq. 5 less the tax, at the tax rate `leader_action`."""
        return self.untaxed_utility(action, mean, n_present) - self.tax(action, mean, n_present, leader_action)

    def objective(self, utilities: Array, present: Array, order: Array | None = None) -> Array:
        """Eq. 6: minus ½ ΣΣ |R_i - R_j| / R̄ over those present."""
        return leader_objective(utilities, present, self.returns_shift, order)


def mixed_equilibrium(game: MarketEntrance) -> float:
    """p* = (C - 1) / (N - 1), the symmetric mixed equilibrium of Eq. 4 (Sect. 3)."""
    return (game.places - 1) / (game.n_agents - 1)


def fixed_point(game: MarketEntrance) -> float:
    """Where the untaxed gradient of Eq. 5 vanishes with all agents alike: C / (N + 1) if the crowd is `included`, else p*."""
    return CROWD.pick(game.crowd, included=game.places / (game.n_agents + 1), excluded=mixed_equilibrium(game))


def largest_stable_lr(game: MarketEntrance, order: str = ORDER.default) -> float:
    """The follower learning rate below which untaxed learning converges to `fixed_point` from nearby.

    `included`: 1 / (N + 1) if simultaneous, since the mean moves by the factor 1 - 2 α (N + 1); ½ if alternating, which is
    successive over-relaxation by ω = 4 α of a positive definite system, stable for ω < 2.
    `excluded`: 0, since differences between agents grow at any rate.
    """
    included = ORDER.pick(order, simultaneous=1 / (game.n_agents + 1), alternating=0.5)
    return CROWD.pick(game.crowd, included=included, excluded=0.0)


def untaxed_path(
    game: MarketEntrance,
    follower_lr: float,
    start: Array,
    iterations: int,
    entry_time: Array | int = 0,
    late_group: str = LATE_GROUP.default,
    order: str = ORDER.default,
    rows: Array | None = None,
) -> np.ndarray | None:
    """Closed form of simultaneous learning without tax: strategies (rows, N), or None where it does not apply.

    rows   which rows are wanted, rising, among 0 … I; all unless given

    With n agents learning and the others' actions adding up to F, their mean moves to (C - F) / (n + 1) by the factor
    1 - 2 α (n + 1) an iteration and differences shrink by 1 - 2 α (`included`); to (C - 1 - F) / (n - 1) by 1 - 2 α (n - 1), while
    differences grow by 1 + 2 α (`excluded`). It does not apply once a strategy would leave [0, 1], nor to `alternating`.
    """
    for name, value in (("follower_lr", follower_lr), ("order", order), ("late_group", late_group)):
        check(name, value)
    check_value("iterations", iterations, "int", "[0, 1000000000]")
    start = check_value("start", as_array(start), "float", "[0, 1]")
    entry_time = check_value("entry_time", as_array(entry_time), "int", "[0, 1000000000]")
    if np.shape(start) != (game.n_agents,) or np.shape(entry_time) not in ((), np.shape(start)):
        raise Refused(f"start and entry_time must have one value per agent, {game.n_agents}, got {np.shape(start)}, {np.shape(entry_time)}")
    sign = CROWD.pick(game.crowd, included=1, excluded=-1)
    entry = np.broadcast_to(entry_time, np.shape(start))
    wanted = np.arange(iterations + 1) if rows is None else np.asarray(check_value("rows", as_array(rows), "int", f"[0, {iterations}]"))
    now = np.asarray(start, float)
    path = np.tile(now, (wanted.size, 1))
    times = sorted({0, *entry[entry < iterations].tolist(), iterations})
    for begin, end in pairwise(times):
        learning, here = entry <= begin, (begin < wanted) & (wanted <= end)
        n = learning.sum()
        fixed = LATE_GROUP.pick(late_group, absent=0.0, frozen=now[~learning].sum())
        path[begin < wanted] = now
        if n + sign == 0:
            return None
        if n:
            rest, mean = (game.places - fixed - (sign < 0)) / (n + sign), now[learning].mean()
            ends = np.array([now[learning].min(), now[learning].max()])  # between these all others stay
            relaxed = partial(_relaxed, mean=mean, rest=rest, factors=(1 - 2 * follower_lr * (n + sign), 1 - sign * 2 * follower_lr))
            extremes = relaxed(ends, steps=np.arange(end - begin + 1))
            if not np.all((extremes > -1e-12) & (extremes < 1 + 1e-12)):
                return None
            path[np.ix_(here, learning)] = relaxed(now[learning], steps=wanted[here] - begin)
            now = now.copy()
            now[learning] = relaxed(now[learning], steps=np.array([end - begin]))[0]
    return ORDER.pick(order, simultaneous=path, alternating=None)


def _relaxed(strategies: np.ndarray, steps: np.ndarray, mean: float, rest: float, factors: tuple[float, float]) -> np.ndarray:
    """Strategies (steps, agents): their mean's distance to `rest` keeps the first factor in each step, their differences the second."""
    with np.errstate(over="ignore", invalid="ignore"):  # a path that blows up is refused by the caller
        return rest + (mean - rest) * factors[0] ** steps[:, None] + (strategies - mean) * factors[1] ** steps[:, None]
