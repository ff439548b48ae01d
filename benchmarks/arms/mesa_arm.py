"""Mesa: each agent an object that looks at the market, then acts; the leader belongs to the model, and a DataCollector keeps the rows."""

import warnings

import numpy as np
from jobs import CAPACITY, LEADER_EVERY, LEADER_LR, OUTSIDE_PAYOFF, TAX_MAX
from mesa import Agent, DataCollector, Model

ORDERS = ("simultaneous", "alternating")


class Follower(Agent):
    """Chooses how often to enter."""

    def __init__(self, model, action, entry):
        super().__init__(model)
        self.action = self.chosen = action
        self.entry = entry
        self.utility = self.base = 0.0

    @property
    def present(self):
        """Whether it is in the market."""
        return self.model.iteration >= self.entry

    def earn(self):
        """Eq. 8, and what it pays at a tax rate of 1."""
        market = self.model
        if self.present:
            self.base = self.action * market.n_agents * max(self.action - market.mean, 0.0)
            entering = OUTSIDE_PAYOFF + 2 * (market.places - market.n_present * market.mean)
            self.utility = self.action * entering + (1 - self.action) * OUTSIDE_PAYOFF - market.tax_rate * self.base

    def look(self):
        """One step up ∂U_i/∂a_i, from the market as it is."""
        market, over = self.model, self.action - self.model.mean
        if self.present:
            slope = 2 * (market.places - market.n_present * market.mean - self.action)
            if over > 0:
                slope -= market.tax_rate * market.n_agents * (over + self.action * (1 - 1 / market.n_present))
            self.chosen = min(max(self.action + market.follower_lr * slope, 0.0), 1.0)

    def act(self):
        """Do what was chosen."""
        self.action = self.chosen

    def look_and_act(self):
        """Both at once, so that the next one sees it."""
        self.look()
        self.model.mean += (self.chosen - self.action) / self.model.n_present if self.present else 0.0
        self.act()


class Market(Model):
    """The market and its leader."""

    def __init__(self, job, start):
        super().__init__(seed=0)
        self.job, self.n_agents, self.places, self.follower_lr = job, job.n_agents, CAPACITY * job.n_agents, job.follower_lr
        self.iteration, self.tax_rate, self.payoff, self.slope = 0, 0.0, 0.0, 0.0
        for action, entry in zip(start.tolist(), job.entry_time().tolist(), strict=True):
            Follower(self, action, entry)
        led = {"leader_action": "tax_rate", "objective": "payoff"} if job.leader else {"leader_action": "tax_rate"}
        self.datacollector = DataCollector(led, {"actions": "action", "present": "present", "utilities": "utility"})
        self.value()
        self.datacollector.collect(self)

    def value(self):
        """Everybody's payoff as things stand, and with a leader Eq. 6 and its derivative by the tax rate."""
        here = [agent for agent in self.agents if agent.present]
        self.n_present = len(here)
        self.mean = here[0].action + sum(agent.action - here[0].action for agent in here) / len(here)
        self.agents.do("earn")
        if self.job.leader:
            n, here = len(here), sorted(here, key=lambda agent: agent.utility)
            shift, shifted = min(here[0].utility, 0.0), here[0].utility < 0
            total = sum(agent.utility - shift for agent in here)
            total_slope = sum(here[0].base * shifted - agent.base for agent in here)
            spread = sum((2 * k - n + 1) * (agent.utility - here[0].utility) for k, agent in enumerate(here))
            slope = sum((n - 1 - 2 * k) * agent.base for k, agent in enumerate(here))
            self.payoff = -n * spread / total if total else 0.0
            self.slope = -n * (slope * total - spread * total_slope) / total**2 if total else 0.0

    def step(self):
        """The leader's turn, then the followers'."""
        t = self.iteration = self.steps - 1
        if t > 0 and any(agent.entry == t for agent in self.agents):  # both layers already see those who enter now
            self.value()
        if self.job.leader and t % LEADER_EVERY == 0:
            self.tax_rate = min(max(self.tax_rate + LEADER_LR * self.slope, 0.0), TAX_MAX)
        if self.job.order == "simultaneous":
            self.agents.do("look").do("act")
        else:
            self.agents.do("look_and_act")
        self.value()
        self.datacollector.collect(self)


def prepare(job):
    """The job as a function without arguments."""
    return lambda: solve(job, job.start())


def solve(job, start):
    """One run, or one after another."""
    if start.ndim > 1:
        runs = [solve(job, own) for own in start]
        return {name: np.stack([run[name] for run in runs]) for name in runs[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        market = Market(job, start)
        market.run_for(job.iterations) if hasattr(market, "run_for") else [market.step() for _ in range(job.iterations)]
    agents, led = market.datacollector.get_agent_vars_dataframe(), market.datacollector.get_model_vars_dataframe()
    history = {name: agents[name].to_numpy().reshape(job.iterations + 1, -1) for name in agents}
    return history | {name: led[name].to_numpy() for name in led}
