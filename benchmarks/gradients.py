"""Measures each gradient of the leader, its error and its cost, into docs/gradients.csv: python benchmarks/gradients.py, then make docs"""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from adage_repro import EvolutionStrategy, FiniteDifference, Implicit, LookAhead, Partial, Settings, solve
from adage_repro.costs import look, seconds, simulator_calls
from adage_repro.folders import ROOT
from adage_repro.games.cournot import Cournot
from adage_repro.games.roads import Roads
from adage_repro.outlook import objective

STEPS = 500
TABLE = ROOT / "docs" / "gradients.csv"
FREE, SLOPES = np.linspace(1.0, 1.4, 10), np.linspace(1.2, 0.5, 10)
CASES = {  # the game, the followers' rate, their actions, the leader's action, its box
    "Cournot, 20 firms, one tax": (Cournot(4.0, 1.0, np.linspace(0.8, 1.2, 20)), 0.05, np.full(20, 0.1), np.asarray(1.0), (0.0, 4.0)),
    "Roads, 20 agents, ten tolls": (Roads(20, FREE, SLOPES), 0.005, np.full((20, 9), 5e-3), np.linspace(0.1, -0.1, 10), (-2.0, 2.0)),
}
GRADIENTS = {
    "Partial()": Partial(),
    f"LookAhead({STEPS})": LookAhead(STEPS),
    "Implicit()": Implicit(),
    f"FiniteDifference(1e-4, {STEPS})": FiniteDifference(1e-4, STEPS),
    f"EvolutionStrategy(8, steps={STEPS})": EvolutionStrategy(8, steps=STEPS),
}


def differences(game, lr, start, leader_action, steps):
    """Central differences of U_L after so many follower steps of whole runs of `solve`, for each number of the leader's action."""

    def payoff(tried):
        run = solve(game, Settings(steps, lr, leader_start=tried), start, rows=[steps])
        return float(objective(game, run.actions[0], run.present[0], jnp.asarray(tried)))

    flat, h = np.atleast_1d(leader_action), 1e-5
    moves = h * np.eye(flat.size)
    slopes = [payoff((flat + move).reshape(leader_action.shape)) - payoff((flat - move).reshape(leader_action.shape)) for move in moves]
    return np.array(slopes) / (2 * h)


def measure(case, clock=seconds):
    """A line for each gradient: its largest error relative to the largest difference, follower steps and seconds beside one simulation."""
    game, lr, start, leader_action, box = CASES[case]
    outlook = look(game, Settings(STEPS, lr, 0.0, leader_start=leader_action, leader_bounds=box), start)
    once = clock(lambda own: outlook.ahead(own, STEPS, "end"), leader_action)
    expected = {steps: differences(game, lr, start, leader_action, steps) for steps in (0, STEPS)}
    for name, chosen in GRADIENTS.items():
        found = np.atleast_1d(jax.jit(lambda own, chosen=chosen: chosen(outlook, own))(jnp.asarray(leader_action)))
        true = expected[0 if name == "Partial()" else STEPS]
        error = np.abs(found - true).max() / max(np.abs(true).max(), 1e-3)
        ratio = clock(lambda own, chosen=chosen: chosen(outlook, own), leader_action) / once
        calls = simulator_calls(chosen, outlook, leader_action) / STEPS
        yield {"case": case, "gradient": name, "error": f"{error:.0e}", "simulations": f"{calls:.3g}", "time": f"{float(f'{ratio:.2g}'):g}"}


if __name__ == "__main__":
    table = pd.DataFrame([line for case in CASES for line in measure(case)])
    table.to_csv(TABLE, index=False, lineterminator="\n")
    print(table.to_string(index=False))
