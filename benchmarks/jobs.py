"""What every arm computes: the market entrance game from the same starts, at these sizes. NumPy alone is imported here."""

from dataclasses import dataclass

import numpy as np

CAPACITY, OUTSIDE_PAYOFF, TAX_MAX, LEADER_LR, LEADER_EVERY = 0.6, 1.0, 0.1, 0.04, 2  # c, v, the bound of τ, α_L, and its turns


@dataclass(frozen=True)
class Job:
    """One run of N agents over so many iterations, or a batch of runs.

    runs      how many runs in one batch; 0 is one run without an axis of its own
    leader    whether a leader learns the tax rate
    late      whether the second half enters halfway, as in the paper's policy experiment; else all are present from the start
    alike     whether all start at ½, on the kink of the tax; else uniform on [0, 1]
    kept      `full`: in each row all actions, presence and utilities, the leader's action, and with a leader its objective;
              `summaries`: in each row the two groups' mean actions, the extremes over all agents, the leader's action and objective
    """

    n_agents: int
    iterations: int
    leader: bool
    kept: str = "full"
    order: str = "simultaneous"
    runs: int = 0
    late: bool = False
    alike: bool = False

    @property
    def name(self) -> str:
        """A name for files."""
        batch = f"{self.runs}x" if self.runs else ""
        return f"{batch}{self.n_agents}x{self.iterations}-{self.order}-{'leader' if self.leader else 'alone'}-{self.kept}"

    @property
    def agent_steps(self) -> int:
        """How many updates of single agents it takes, about: an agent that is not yet there counts too."""
        return max(self.runs, 1) * self.n_agents * self.iterations

    @property
    def follower_lr(self) -> float:
        """α_F: that of the policy experiment, or one small enough for N that actions do not jump from bound to bound."""
        if self.order == "simultaneous":
            return 0.01 if self.runs else 0.1 / self.n_agents
        return min(0.01, 10 / self.n_agents) if self.leader else 0.01

    def start(self) -> np.ndarray:
        """First strategies (N,) or (runs, N)."""
        shape = (self.runs, self.n_agents) if self.runs else self.n_agents
        return np.full(shape, 0.5) if self.alike else np.random.default_rng(self.n_agents).uniform(size=shape)

    def entry_time(self) -> np.ndarray:
        """ι (N,)."""
        return np.where(self.late & (np.arange(self.n_agents) >= self.n_agents // 2), self.iterations // 2, 0)


SIZES = {  # iterations with and without a leader
    100: (3000, 3000),
    1000: (1000, 3000),
    10**4: (100, 400),
    10**5: (20, 60),
    10**6: (6, 20),
}
PAPER = Job(10, 100, leader=True, runs=100, late=True)


def sizes(kept: str) -> list[Job]:
    """The table of sizes, the smaller N first."""
    jobs = [Job(n, iterations[not leader], leader, kept) for n, iterations in SIZES.items() for leader in (True, False)]
    return jobs + [Job(10**6, 2, leader, kept, "alternating") for leader in (True, False)]


TIMED = [PAPER, *sizes("full"), *sizes("summaries")]
MEMORY = [Job(n, iterations, True, "summaries") for n, iterations in ((1000, 10), (1000, 100), (10**6, 10), (10**6, 100), (10**7, 10))]
FIRST = [PAPER, Job(1000, 6, True), Job(10**6, 6, True)]
CHECKED = [  # small, for the check alone: entry on the way, a batch, agents that are all alike, and every way to move and to keep
    Job(n, iterations, leader, kept, order, runs, late, alike)
    for n, iterations, runs, late, alike in (
        (7, 30, 0, True, False),
        (7, 30, 0, True, True),
        (7, 30, 3, True, False),
        (100, 50, 0, False, False),
    )
    for leader in (True, False)
    for order in ("simultaneous", "alternating")
    for kept in (("full",) if late else ("full", "summaries"))
]
