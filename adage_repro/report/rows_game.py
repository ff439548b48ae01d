"""Claims on the game itself, measured without runs: of the list (M), and what it misses (A)."""

from adage_repro.report import measures_game as g
from adage_repro.report import measures_slopes as d
from adage_repro.report.rows import Search, capacities, rests, row

GAME = [
    row(
        ("M1", "Eq. 5", "Eq. 5 equals Eq. 4 for pure decisions"),
        ("largest difference at a_i = 0 and 1, 1,000 random profiles of the others", "≤ 1e-12", "CV"),
        {"control": "slope"},
        g.recovery,
    ),
    row(
        ("M2", "Sect. 3", "p* is the symmetric mixed equilibrium of Eq. 4"),
        ("exploitability of the profile p*, exact expectation", "≤ 1e-12", ""),
        {"control": "beside"},
        g.exploitability_of_p,
    ),
    row(
        ("M3", "Sect. 4.1", "Learning under Eq. 5 rests at p* at c = 0.6"),
        ("distance of the rest point to p*", "≤ 0.02", "C"),
        {"capacity": 0.2},
        g.rest_to_equilibrium,
        searches=("capacity",),
        note=lambda s: rests(s, (s.capacity, 0.2)),
    ),
    row(
        ("M4", "Figs. 7, 8", "Learning rests at p* for every c in 0.2, 0.4, 0.6, 0.8, 1"),
        ("largest distance of the rest point to p* over c", "≤ 0.02", "C"),
        {"n_agents": 5},
        lambda s: g.rest_to_equilibrium(s, capacities(s)),
        why="the distance is of order 1/N, so fewer agents rest farther off",
        searches=(Search("capacity", "M3"), "n_agents", "readings"),
        note=lambda s: rests(s, (0.2, 1.0)),
    ),
    row(
        ("M5", "Sect. 2.1", "Every stationary point is globally optimal for the agent, untaxed"),
        ("best gain by another own action at points of zero projected gradient, 1,000 random profiles", "≤ 1e-9", "C"),
        {"control": "convex"},
        lambda s: d.stationary_and_optimal(s, False),
    ),
    row(
        ("M6", "Sect. 2.1, App. B", "The same with tax, and optimal points are stationary under App. B's gradient"),
        ("best gain at stationary points; largest projected gradient at the best points", "≤ 1e-9; ≤ 1e-9", "UC"),
        {"control": "convex"},
        lambda s: d.stationary_and_optimal(s, True),
        why="a convex payoff has stationary points that are minima",
        searches=("readings",),
    ),
    row(
        ("M7", "App. B", "Agents at or below the mean pay nothing and get no tax gradient"),
        ("largest tax or tax gradient of theirs, random profiles with ties", "= 0", "U"),
        {"control": "no max"},
        d.tax_below_mean,
    ),
    row(
        ("A3", "Sect. 2.1", "Every stationary point is globally optimal for the leader too"),
        (
            "largest Gini that another tax rate would save at points of zero projected gradient, 100 random profiles, 101 rates",
            "≤ 1e-9",
            "USCV",
        ),
        {"control": "turned"},
        d.leader_stationary,
        why="as M5; a leader that climbs the Gini coefficient instead is at its worst point",
        searches=("tax_max", "outside_payoff", "readings"),
    ),
    row(
        ("A6", "Sect. 3", "The symmetric mixed equilibrium is unique"),
        ("number of symmetric equilibria of Eq. 4, exact expectation on 2,000 points", "= 1", ""),
        {"control": "crowd rewarded"},
        g.symmetric_equilibria,
        why="unique is one",
    ),
    row(
        ("A7", "Sect. 3", "The game has many equilibria"),
        ("number of pure equilibria of Eq. 4", "≥ 2", ""),
        {"control": "room for all"},
        g.pure_equilibria,
        why="many is more than one",
    ),
    row(
        ("A8", "Sect. 3.1", "Eq. 5 is the expected payoff of Eq. 4"),
        ("largest difference to the exact expectation, 1,000 random profiles", "≤ 1e-12", "CV"),
        {"control": "slope"},
        g.expectation,
        why="as M1: an identity up to rounding",
        searches=("readings",),
    ),
    row(
        ("A16", "App. B", "The derivative is defined where agents over-attend"),
        ("largest difference of one-sided difference quotients to the gradient, agents above the mean", "≤ 0.001", "UC"),
        {"control": "boundary"},
        d.gradient_of_over_attendees,
        why="a quotient over 1e-5 of a payoff whose curvature is below 10 errs by less than 1e-4",
    ),
    row(
        ("A20", "App. C.2", "p* approximates c as N grows"),
        ("largest change of |p* - c| from one N to the next, N = 10, 100, 1000; |p* - c| at N = 1000", "< 0; ≤ 0.001", ""),
        {"capacity": 1.0},
        g.equilibrium_to_capacity,
        why="|p* - c| = (1 - c)/(N - 1); at c = 1 there is nothing to fall",
    ),
    row(
        ("A26", "Eq. 6", "U_L is the negative Gini coefficient"),
        ("largest difference over 1,000 random returns; U_L over it", "≤ 1e-12", "S"),
        {"n_agents": 2},
        d.objective_against_gini,
        why="as M1; the two differ by the factor N², at N = 2 by 4",
        note=lambda s: f"U_L is {d.objective_against_gini(s)[1]:.6g} times the negative Gini coefficient (N² = {s.n_agents**2})",
    ),
    row(
        ("A27", "Eq. 7", "Over-attendance is taxed"),
        ("largest tax of any agent over 1,000 random profiles at τ = tax_max", "> 0", "U"),
        {"tax_units": "literal"},
        d.largest_tax,
        why="a penalty is more than nothing; as printed, a_i - m is never positive",
        also=({"tax_units": "literal"},),
        searches=("tax_units",),
    ),
]
