"""The claims of the list on what the followers learn without a leader."""

from dataclasses import replace

from adage_repro.report import measures as m
from adage_repro.report import measures_game as g
from adage_repro.report.crossing import UP_TO_100, run
from adage_repro.report.rows import (
    ALTERNATING,
    FEW_LRS,
    LR_AND_READINGS,
    POLICY_LR,
    Search,
    capacities,
    capacities_below_1,
    counts,
    down,
    free,
    late,
    over,
    rates,
    rest_to_capacity,
    rests,
    row,
    short_free,
)

FOLLOWERS = [
    row(
        ("B1", "Fig. 2", "Every agent ends near p*"),
        ("largest distance to p* at row I", "≤ 0.02", "OCF"),
        {"follower_lr": 0.0},
        lambda s, t: (m.far(s, t, g.equilibrium(s)),),
        free,
        searches=("iterations_per_agent", *LR_AND_READINGS),
        sound={"follower_lr": POLICY_LR},
    ),
    row(
        ("B2", "Fig. 2b", "Agents end alike"),
        ("standard deviation at row I from zeros; from uniform starts, mean over runs", "≤ 0.02; ≤ 0.02", "OCF"),
        {"follower_lr": 0.0},
        lambda s, t, u: (m.at(s, t.deviation), float(u.deviation.mean())),
        lambda s: (run(s), run(s, start="uniform")),
        searches=LR_AND_READINGS,
        sound={"follower_lr": 0.02},
    ),
    row(
        ("B3", "Figs. 7, 8", "For every c agents end near p*"),
        ("largest distance to p* at row I over c = 0.2 … 1", "≤ 0.02", "OCF"),
        {"follower_lr": 0.0},
        lambda s, *t: (max(m.far(s, one, g.equilibrium(replace(s, capacity=c))) for c, one in zip(capacities(s), t, strict=True)),),
        over("capacity", capacities, short_free),
        searches=(
            "follower_lr",
            Search("capacity", "B1", {"follower_lr": POLICY_LR}),
            "readings",
            Search("readings", "", {"follower_lr": POLICY_LR}),
        ),
        note=lambda s: rests(s, (0.2, 1.0)),
        sound={"follower_lr": POLICY_LR, "crowd": "excluded"},
    ),
    row(
        ("B4", "Fig. 9", "For N = 10, 100 and 1000 agents end near p* at I = 10 N"),
        ("largest distance to p* at row I over N", "≤ 0.02", "OCF"),
        {"follower_lr": 0.0},
        lambda s, *t: (max(m.far(k := replace(s, n_agents=n), one, g.equilibrium(k)) for n, one in zip(counts(s), t, strict=True)),),
        over("n_agents", counts, free),
        large=True,
        searches=(
            Search("follower_lr", values=FEW_LRS),
            Search("follower_lr", "B1", {"n_agents": 100}),
            Search("follower_lr", "B1", {"n_agents": 1000}, FEW_LRS),
            ALTERNATING,
        ),
        sound={"follower_lr": 0.005, "control": UP_TO_100},
    ),
    row(
        ("B5", "App. C.2", "Attendance is closer to c as N grows"),
        ("largest change of the distance of mean attendance to c from one N to the next", "< 0", "OCF"),
        {"follower_lr": 0.0},
        lambda s, *t: m.changes([abs(m.at(replace(s, n_agents=n), one.mean) - s.capacity) for n, one in zip(counts(s), t, strict=True)]),
        over("n_agents", counts, free),
        large=True,
        searches=(Search("follower_lr", values=FEW_LRS), ALTERNATING),
        note=rest_to_capacity,
        sound={"follower_lr": 0.005, "control": UP_TO_100},
    ),
    row(
        ("B6", "Fig. 11", "Learning converges for each α_F in 0.0005 … 0.05"),
        ("largest distance to the rest point over α_F at row 10 N; at row 40 N", "≤ 0.02; ≤ 0.02", "OC"),
        {"follower_lr": 0.1},
        lambda s, *t: tuple(m.farthest(s, t, k) for k in (10, 40)),
        over("follower_lr", rates, free),
        instead={"at row 40 N": (lambda s, *t: (m.farthest(s, t, 40),), over("follower_lr", rates, free))},
        searches=(Search("iterations_per_agent", "B7", {"follower_lr": 0.0005}), "readings"),
        sound={"n_agents": 18},
    ),
    row(
        ("B7", "App. A", "I = 10 N iterations suffice"),
        ("distance to the rest point at row I; share of the way made", "≤ 0.02", "OCF"),
        {"iterations_per_agent": 1},
        lambda s, t: (m.far(s, t, g.rest(s)), m.share_of_way(s, t)),
        free,
        searches=("iterations_per_agent", *LR_AND_READINGS),
        note=lambda s: (
            f"at I = {s.iterations}, N = {s.n_agents} and α_F = {s.follower_lr:g} untaxed agents from zeros have made "
            f"{down(100 * (1 - abs(1 - 2 * s.follower_lr * (s.n_agents + 1)) ** s.iterations), 1)}% of the way to their rest point"
            if (s.order, s.crowd) == ("simultaneous", "included")
            else "the share of the way is the second number"
        ),
        sound={"follower_lr": POLICY_LR},
    ),
    row(
        ("B8", "Fig. 3", "G1 attends far more than G2"),
        ("gap at row I", "≥ 0.2", "OLCF"),
        {"late_entry_share": 0.0},
        lambda s, t: (m.gap_at(s, t),),
        late,
        searches=("follower_lr",),
    ),
    row(
        ("B9", "Fig. 3a", "Total attendance moves towards equilibrium meanwhile"),
        ("distance of mean attendance to the rest point, row I less row ι; at row I; at row ι", "< 0", "OLCF"),
        {"follower_lr": 0.0},
        lambda s, t: m.moved(abs(m.at(s, t.mean) - g.rest(s)), abs(m.at(s, t.mean, s.entry) - g.rest(s))),
        late,
        searches=LR_AND_READINGS,
    ),
    row(
        ("B10", "Fig. 10", "From uniform starts the groups differ, for every c in 0.2, 0.4, 0.6, 0.8"),
        ("gap at row I over the runs, smallest over c: mean; share of runs positive", "≥ 0.05; ≥ 0.75", "OLCF"),
        {"late_entry_share": 0.0},
        lambda s, *t: m.gap_stats(t),
        over("capacity", capacities_below_1, lambda s: (run(s, True, start="uniform"),)),
        searches=(Search("capacity", "A21"), *LR_AND_READINGS),
    ),
    row(
        ("B11", "Fig. 13", "The groups meet in the long run"),
        ("gap after 400 N iterations, in size", "≤ 0.01", "OLCF"),
        {"crowd": "excluded"},
        lambda s, t: (abs(float(t.gap_path[0, -1])),),
        late,
    ),
    row(
        ("B12", "Sect. 4.1.1", "Late entry leaves an unfair state at I"),
        ("fairness at row I without late entry less that with it", "≥ 0.05", "OSLCFV"),
        {"late_entry_share": 0.0},
        lambda s, f, t: (m.at(s, f.fairness) - m.at(s, t.fairness),),
        lambda s: (*free(s), *late(s)),
        searches=("outside_payoff", *LR_AND_READINGS),
    ),
]
