"""The claims of the list on the leader's policy."""

import numpy as np

from adage_repro.report import measures as m
from adage_repro.report import measures_slopes as d
from adage_repro.report.rows import (
    ALL,
    BOTH_RATES,
    LEADER_LRS,
    LR_AND_READINGS,
    POLICY,
    POLICY_ONE,
    POLICY_SEARCH,
    Search,
    both,
    over,
    row,
    short,
    taxed,
    uniform_pair,
    with_nested,
)

POLICIES = [
    row(
        ("P1", "Fig. 4a", "τ rises after G2 starts, not before"),
        ("largest τ up to row ι; in the 10 rows after", "≤ 0.001; ≥ 0.05", ALL),
        {"leader_lr": 0.0},
        lambda s, t: (float(t.rate[0, : s.entry + 1].max()), float(t.rate[0, s.entry + 1 : s.entry + 11].max())),
        taxed,
        **POLICY,
    ),
    row(
        ("P2", "Fig. 4c", "Taxes fall on G1"),
        ("G2's share of all tax paid; all tax paid, rows 0 … I", "≤ 0.05; > 0", ALL),
        {"control": "groups swapped"},
        m.tax_shares,
        taxed,
        why="where G2 enters early, it is the one that pays",
        **POLICY,
        note=lambda s: (
            "the list asks for the share alone, that tax is paid at all was added; "
            "with the entry times of the groups exchanged it falls on G2"
        ),
    ),
    row(
        ("P3", "Fig. 4a", "Taxes paid fall as agents converge"),
        ("rows from ι to the peak of taxes paid; last over peak", "≤ 10; ≤ 0.25", ALL),
        {"follower_lr": 0.0},
        m.tax_peak,
        taxed,
        **(POLICY | {"searches": (*POLICY_SEARCH, "iterations_per_agent")}),
    ),
    row(
        ("P4", "Fig. 4b", "Attendance is more equal than without the leader"),
        ("gap at row I with the leader over that without, in size", "≤ 0.5", ALL),
        {"tax_max": 0.0},
        lambda s, t, u: (m.ratio(abs(m.gap_at(s, t)), abs(m.gap_at(s, u))),),
        both,
        searches=(*POLICY_SEARCH, "tax_max", "iterations_per_agent", Search("n_agents", values=(5, 20, 40))),
        **BOTH_RATES,
    ),
    row(
        ("P5", "Fig. 5", "Fairness is higher, from uniform starts"),
        (
            "paired difference of fairness at row I over the runs: mean; share of runs positive; 95% interval of the mean from; to",
            "≥ 0.02; ≥ 0.9",
            ALL,
        ),
        {"tax_max": 0.0},
        lambda s, t, u: m.paired_fairness(t, u),
        uniform_pair,
        **POLICY,
    ),
    row(
        ("P6", "Sect. 4.2", "Convergence to fairness is faster"),
        ("rows after ι until the gap is at most 0.2, with the leader over without", "≤ 0.75", ALL),
        {"tax_max": 0.0},
        lambda s, t, u: (m.ratio(m.rows_to_meet(t, s.entry), m.rows_to_meet(u, s.entry)),),
        both,
        **POLICY,
    ),
    row(
        ("P7", "Fig. 6a", "The leader's update is non-linear in Gini"),
        ("R² of a straight line on the figure's grid", "< 0.9", "USCV"),
        {"control": "minus gini"},
        d.leader_line,
        searches=("outside_payoff", "readings"),
    ),
    row(
        ("P8", "Fig. 6b", "The follower's update is linear in the others' mean attendance"),
        ("largest departure from a line over its range, τ = 0", "≤ 1e-9", "C"),
        {"control": "taxed"},
        lambda s: d.follower_line(s, False),
    ),
    row(
        ("P9", "Fig. 6c", "With tax it is not linear"),
        ("largest departure from a line over its range, τ = tax_max", "≥ 0.01", "UC"),
        {"tax_max": 0.0},
        lambda s: d.follower_line(s, True),
        searches=("tax_max", "readings"),
    ),
    row(
        ("P10", "Fig. 12", "α_L has little effect"),
        ("range of the gaps at row I over α_L in 0.004 … 0.4; in 1e-5 … 0.4", "≤ 0.02; ≤ 0.02", ALL),
        {"tax_max": 5.0},
        lambda s, *t: tuple(float(np.ptp([m.gap_at(s, one) for one in t[first:]])) for first in (3, 0)),
        over("leader_lr", lambda _: LEADER_LRS, short),
        searches=(Search("leader_lr", "A24"), *LR_AND_READINGS),
        **BOTH_RATES,
        sound={"follower_lr": 0.0005},
    ),
    row(
        ("P11", "Sect. 4.2", "The leader learns an appropriate rate"),
        ("share of rows after ι with τ inside (0, tax_max)", "≥ 0.5", ALL),
        {"leader_lr": 0.0},
        lambda s, t: (float(np.mean((r := t.rate[0, s.entry + 1 : s.iterations + 1]) > 0) - np.mean(r >= s.tax_max) * (s.tax_max > 0)),),
        taxed,
        searches=(*POLICY_SEARCH, "tax_max"),
        **BOTH_RATES,
        sound={"leader_lr": 1e-4},
    ),
    row(
        ("P12", "Eq. 2", "The end is a stationary point of all N + 1 equations"),
        ("largest projected gradient after 400 N iterations: of the followers; of the leader", "≤ 1e-6; ≤ 1e-6", ALL),
        {"follower_lr": 0.0},
        m.end_gradients,
        taxed,
        searches=("follower_lr", "leader_lr", "tax_max", "readings"),
        **POLICY_ONE,
        note=lambda s: "App. B's gradient jumps at the tax's kink: followers taxed there swing about it, and their gradients do not vanish",
        sound={"returns_shift": "always"},
    ),
    row(
        ("P13", "Sect. 2.1", "α_L ≫ α_F approximates a nested loop"),
        ("largest distance of τ, rows 0 … I, to that of a loop with 1,000 follower updates before each leader update", "≤ 0.01", ALL),
        {"leader_lr": 0.4},
        m.path_to_nested,
        with_nested("inner first"),
        why="the larger α_L, the surer A-GD's first step crosses the tax's range, while followers at rest give the leader no gradient",
        instead={
            "the leader acts before the followers in each round, on the very state in which G2 enters": (
                m.path_to_nested,
                with_nested("leader first"),
            )
        },
        searches=("leader_lr", "follower_lr"),
        **POLICY_ONE,
        note=lambda s: (
            "ill-posed: a nested loop leaves open who moves first when G2 enters; measured with a leader that sees the followers' answer; "
            "at small α_F 1,000 updates leave the followers on their way, and the two agree for want of convergence"
        ),
        sound={"leader_lr": 1e-5},
    ),
    row(
        ("P14", "Sect. 2", "The pair is a Stackelberg equilibrium"),
        ("projected derivative of U_L by τ through the followers' answer after 400 N iterations, in size", "≤ 1e-6", ALL),
        {"tax_max": 1.0},
        m.total_derivative,
        taxed,
        why="the larger the tax, the wider the followers swing about its kink, which costs equality",
        searches=("follower_lr", "leader_lr", "readings"),
        **POLICY_ONE,
        note=lambda s: (
            "ill-posed on the tax's kink, where the answer is no smooth function of τ: a difference quotient over ±1% of its range; "
            "it measures how far followers swing about the kink, and falls with α_F"
        ),
        sound={"crowd": "excluded"},
    ),
    row(
        ("P15", "Abstract", "Improved computational efficiency"),
        (
            "operations of all N gradients at 20 N over 10 N agents; of N central differences over them; of the Jacobian over them",
            "≤ 2.5; ≥ 1; ≥ 1",
            "",
        ),
        {"control": "jacobian"},
        d.cost_growth,
        undecided=True,
        why="with the full Jacobian the operations grow with N², not N",
    ),
]
