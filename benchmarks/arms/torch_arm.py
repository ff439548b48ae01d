"""PyTorch on the CPU: payoffs as in the paper, and both layers' gradients by autograd."""

import torch
from jobs import CAPACITY, LEADER_EVERY, LEADER_LR, OUTSIDE_PAYOFF, TAX_MAX

torch.set_default_dtype(torch.float64)
ORDERS = ("simultaneous",)  # one agent after another is a loop in Python, at some 50 µs an agent


def prepare(job):
    """The job as a function without arguments."""
    start, entry = torch.from_numpy(job.start()), torch.from_numpy(job.entry_time())
    return lambda: {name: torch.stack(rows, start.ndim - 1).numpy() for name, rows in solve(job, start, entry).items()}


def solve(job, start, entry):
    """Eq. 3 row by row; a batch of runs is an axis in front."""
    actions, tax_rate, present = start, torch.zeros(start.shape[:-1]), entry <= 0
    kept = {"actions": [], "present": [], "utilities": [], "leader_action": []} | ({"objective": []} if job.leader else {})

    def keep():
        payoffs = utilities(job, actions, actions, tax_rate, present)
        row = {"actions": actions, "present": present.expand_as(actions), "utilities": payoffs, "leader_action": tax_rate}
        for name, value in row.items():
            kept[name].append(value)
        if job.leader:
            kept["objective"].append(objective(payoffs, present))

    keep()
    for t in range(job.iterations):
        present = entry <= t
        if job.leader and t % LEADER_EVERY == 0:
            rate = tax_rate.clone().requires_grad_()
            payoff = objective(utilities(job, actions, actions, rate, present), present).sum()
            tax_rate = (tax_rate + LEADER_LR * torch.autograd.grad(payoff, rate)[0]).clamp(0, TAX_MAX)
        own = actions.clone().requires_grad_()
        payoff = utilities(job, own, actions, tax_rate, present).sum()
        moved = (actions + job.follower_lr * torch.autograd.grad(payoff, own)[0]).clamp(0, 1)
        actions = torch.where(present, moved, actions)
        keep()
    return kept


def utilities(job, own, actions, tax_rate, present):
    """Eq. 8 of each agent by its `own` action, with the others at `actions`; 0 where absent."""
    n, first = present.sum(), actions[..., present][..., :1]  # the mean of the distances to one action is exact where all are alike
    mean = first + torch.where(present, actions - first, 0.0).sum(-1, keepdim=True) / n + (own - actions) / n
    crowd = n * mean
    payoff = own * (OUTSIDE_PAYOFF + 2 * (CAPACITY * job.n_agents - crowd)) + (1 - own) * OUTSIDE_PAYOFF
    tax = own * tax_rate[..., None] * torch.relu(job.n_agents * (own - mean))
    return torch.where(present, payoff - tax, 0.0)


def objective(payoffs, present):
    """Eq. 6 of the returns of those present, shifted to be at least 0."""
    ranked = payoffs[..., present].sort(dim=-1).values
    n = ranked.shape[-1]
    weights = 2 * torch.arange(n, dtype=ranked.dtype) - (n - 1)
    lowest = ranked[..., :1]
    spread = (ranked - lowest) @ weights
    total = (ranked - lowest.clamp(max=0)).sum(-1)
    return torch.where(total == 0, 0.0, -n * spread / torch.where(total == 0, 1.0, total))
