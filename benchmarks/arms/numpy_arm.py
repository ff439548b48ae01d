"""NumPy, as one writes it: whole arrays at each iteration, one sort of the returns, and a loop over agents where they move in turn."""

import numpy as np
from jobs import CAPACITY, LEADER_EVERY, LEADER_LR, OUTSIDE_PAYOFF, TAX_MAX


def prepare(job):
    """The job as a function without arguments."""
    start, entry = job.start(), job.entry_time()
    return lambda: solve(job, start, entry)


def solve(job, start, entry):
    """Eq. 3 row by row; a batch of runs is an axis in front."""
    actions, tax_rate = start.copy(), np.zeros(start.shape[:-1])
    kept, n_agents = History(job, start), start.shape[-1]
    present = entry <= 0
    row = Row(job, actions, tax_rate, present)
    for t in range(job.iterations):
        kept.store(t, row)
        if (entry == t).any() and t > 0:  # both layers already see those who enter now
            present = entry <= t
            row = Row(job, actions, tax_rate, present)
        if job.leader and t % LEADER_EVERY == 0:
            tax_rate = np.clip(tax_rate + LEADER_LR * row.slope, 0, TAX_MAX)
        moved = TURNS[job.order](job, row, tax_rate, n_agents)
        if row.here is present:
            actions = actions.copy()
            actions[..., present] = moved
        else:
            actions = moved
        row = Row(job, actions, tax_rate, present)
    kept.store(job.iterations, row)
    return kept.kept


class Row:
    """What is known of one row: the actions of those present, their mean, the distances to it, payoffs, and the leader's objective."""

    def __init__(self, job, actions, tax_rate, present):
        self.actions, self.present, self.tax_rate = actions, present, tax_rate
        self.here = slice(None) if present.all() else present
        self.own = actions[..., self.here]
        first = self.own[..., :1]
        apart = self.own - first  # so that those who are alike are above the mean by exactly 0
        mean = apart.mean(-1, keepdims=True)
        self.mean, self.above = first + mean, apart - mean
        if job.leader or job.kept == "full":
            base = self.own * (job.n_agents * np.maximum(self.above, 0))  # what each pays at a tax rate of 1
            margin = CAPACITY * job.n_agents - self.own.shape[-1] * self.mean
            self.utilities = OUTSIDE_PAYOFF + 2 * margin * self.own - tax_rate[..., None] * base  # Eq. 8
        if job.leader:
            self.objective, self.slope = leader(self.utilities, base)


def leader(utilities, base):
    """Eq. 6, -½ ΣΣ |R_i - R_j| / R̄ of the returns shifted to be at least 0, and its derivative by the tax rate."""
    n = utilities.shape[-1]
    order = np.argsort(utilities, axis=-1)
    ranked, paid = np.take_along_axis(utilities, order, -1), np.take_along_axis(base, order, -1)
    poorest = ranked[..., 0]
    shifted = poorest < 0
    weights = 2.0 * np.arange(n) - (n - 1)  # how many are poorer, less how many are richer
    spread, total = (ranked - poorest[..., None]) @ weights, ranked.sum(-1) - n * np.where(shifted, poorest, 0)
    slope, total_slope = -paid @ weights, -paid.sum(-1) + n * np.where(shifted, paid[..., 0], 0)
    safe = np.where(total == 0, 1, total)
    return np.where(total == 0, 0, -n * spread / safe), np.where(total == 0, 0, -n * (slope * total - spread * total_slope) / safe**2)


def simultaneous(job, row, tax_rate, n_agents):
    """All from the same actions, by ∂U_i/∂a_i."""
    n = row.own.shape[-1]
    tax = np.where(row.above > 0, n_agents * (row.above + row.own * (1 - 1 / n)), 0)
    gradient = 2 * (CAPACITY * n_agents - n * row.mean) - 2 * row.own - tax_rate[..., None] * tax
    return np.clip(row.own + job.follower_lr * gradient, 0, 1)


def alternating(job, row, tax_rate, n_agents):
    """One after the other, in Python's own numbers, which are faster one at a time than NumPy's."""
    if row.own.ndim == 1:
        return sweep(job.follower_lr, row.own, float(tax_rate), n_agents)
    return np.array([sweep(job.follower_lr, own, float(rate), n_agents) for own, rate in zip(row.own, tax_rate, strict=True)])


def sweep(lr, actions, tax_rate, n_agents):
    """One run's agents in turn, each from the total as it then stands, of the distances to the first action; rounding is carried on."""
    n, places, first, values = actions.size, CAPACITY * n_agents, float(actions[0]), actions.tolist()
    scale, total, lost = n_agents * (1 - 1 / n), float((actions - first).sum()), 0.0
    for i, action in enumerate(values):
        mean = first + (total + lost) / n
        gradient = 2 * (places - n * mean - action)
        if action > mean:
            gradient -= tax_rate * (n_agents * (action - mean) + scale * action)
        new = min(max(action + lr * gradient, 0.0), 1.0)
        step = new - action
        moved = total + step
        back = moved - total
        lost += (total - (moved - back)) + (step - back)
        values[i], total = new, moved
    return np.array(values)


TURNS = {"simultaneous": simultaneous, "alternating": alternating}


class History:
    """What is kept of each row."""

    def __init__(self, job, start):
        rows, self.half, self.led = (*start.shape[:-1], job.iterations + 1), start.shape[-1] // 2, job.leader
        whole = {"actions": float, "present": bool, "utilities": float}
        names = {"full": whole, "summaries": dict.fromkeys(["g1", "g2", "lowest", "highest"], float)}[job.kept]
        self.kept = {name: np.zeros((*rows, *start.shape[-1:]) if name in whole else rows, kind) for name, kind in names.items()}
        self.kept |= {name: np.zeros(rows) for name in ["leader_action", "objective"][: 1 + job.leader]}

    def store(self, t, row):
        """Row t."""
        kept, actions = self.kept, row.actions
        kept["leader_action"][..., t] = row.tax_rate
        if self.led:
            kept["objective"][..., t] = row.objective
        if "actions" in kept:
            kept["actions"][..., t, :], kept["present"][..., t, :], kept["utilities"][..., t, row.here] = (
                actions,
                row.present,
                row.utilities,
            )
        else:
            kept["g1"][..., t], kept["g2"][..., t] = actions[..., : self.half].mean(-1), actions[..., self.half :].mean(-1)
            kept["lowest"][..., t], kept["highest"][..., t] = actions.min(-1), actions.max(-1)
