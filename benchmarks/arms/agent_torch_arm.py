"""AgentTorch: the leader and the followers are two substeps of a Runner, each a policy and a transition; it keeps its own trajectory."""

import numpy as np
import torch
from agent_torch.core import Registry, Runner
from agent_torch.core.substep import SubstepAction, SubstepTransition
from arms.torch_arm import objective, utilities
from jobs import LEADER_EVERY, LEADER_LR, TAX_MAX

ORDERS = ("simultaneous",)  # a substep moves all agents of a kind at once
NOTHING = {"generator": None, "input_variables": None, "output_variables": None, "arguments": None}


class Climb(SubstepAction):
    """The tax rate one step up ∂U_L/∂τ, where it is the leader's turn."""

    def forward(self, state, observation):
        job, entry, rate = self.config["job"], self.config["entry"], state["environment"]["tax_rate"].clone()
        if job.leader and state["current_step"] % LEADER_EVERY == 0:
            here, actions, rate = entry <= state["current_step"], state["agents"]["followers"]["action"], rate.requires_grad_()
            slope = torch.autograd.grad(objective(utilities(job, actions, actions, rate, here), here).sum(), rate)[0]
            rate = (rate.detach() + LEADER_LR * slope).clamp(0, TAX_MAX)
        return {"tax_rate": rate}


class Learn(SubstepAction):
    """Each follower's action one step up ∂U_i/∂a_i."""

    def forward(self, state, observation):
        job, here = self.config["job"], self.config["entry"] <= state["current_step"]
        actions, rate = state["agents"]["followers"]["action"], state["environment"]["tax_rate"]
        own = actions.clone().requires_grad_()
        slope = torch.autograd.grad(utilities(job, own, actions, rate, here).sum(), own)[0]
        return {"action": torch.where(here, (actions + job.follower_lr * slope).clamp(0, 1), actions)}


class Set(SubstepTransition):
    """What a policy has chosen becomes the state."""

    def forward(self, state, action):
        (chosen,) = (chosen for chosen in action.values() if chosen)
        return chosen


def configuration(job):
    """The game in AgentTorch's own terms."""

    def variable(name, shape):
        given = {"generator": name, "arguments": {}}
        return {"name": name, "shape": shape, "dtype": "float", "learnable": False, "initialization_function": given}

    def substep(agents, policy, variable, path):
        sets = {"Set": {**NOTHING, "input_variables": {variable: path}, "output_variables": [variable]}}
        policies = {agents: {policy: {**NOTHING, "output_variables": [variable]}}}
        return {"name": policy, "active_agents": [agents], "observation": {agents: None}, "policy": policies, "transition": sets}

    start = torch.from_numpy(job.start())
    metadata = {"device": "cpu", "calibration": False, "num_episodes": 1}
    return {
        "simulation_metadata": metadata | {"num_steps_per_episode": job.iterations, "num_substeps_per_step": 2},
        "state": {
            "environment": {"tax_rate": variable("zeros", start.shape[:-1])},
            "agents": {
                "leader": {"number": 1, "properties": None},
                "followers": {"number": job.n_agents, "properties": {"action": variable("uniform", start.shape)}},
            },
            "objects": None,
            "network": None,
        },
        "substeps": {
            "0": substep("leader", "Climb", "tax_rate", "environment/tax_rate"),
            "1": substep("followers", "Learn", "action", "agents/followers/action"),
        },
        "job": job,
        "entry": torch.from_numpy(job.entry_time()),
    }


def prepare(job):
    """The job as a function without arguments."""
    config, registry, start = configuration(job), Registry(), torch.from_numpy(job.start())
    registry.register(lambda shape, _: start.clone(), "uniform", "initialization")
    registry.register(lambda shape, _: torch.zeros(shape), "zeros", "initialization")
    for kind, name in ((Climb, "policy"), (Learn, "policy"), (Set, "transition")):
        registry.register(kind, kind.__name__, name)

    def run():
        runner = Runner(config, registry)
        runner.init()
        runner.step(job.iterations)
        return history(job, config["entry"], [rows[-1] for rows in runner.state_trajectory])

    return run


def history(job, entry, states):
    """The rows of the trajectory, with payoffs and the objective, which AgentTorch does not keep."""
    rows = {"actions": [], "present": [], "utilities": [], "leader_action": []} | ({"objective": []} if job.leader else {})
    for row, state in enumerate(states):
        here, actions, rate = entry <= max(row - 1, 0), state["agents"]["followers"]["action"], state["environment"]["tax_rate"]
        payoffs = utilities(job, actions, actions, rate, here)
        for name, values in (("actions", actions), ("present", here.expand_as(actions)), ("utilities", payoffs), ("leader_action", rate)):
            rows[name].append(values)
        if job.leader:
            rows["objective"].append(objective(payoffs, here))
    axis = 1 if job.runs else 0
    return {name: np.stack([values.numpy() for values in found], axis) for name, found in rows.items()}
