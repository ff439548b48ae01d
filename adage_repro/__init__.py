"""ADAGE-Diff, the paper's two-level adaptive market entrance game, as a small differentiable library."""

import os
import platform

import jax

jax.config.update("jax_enable_x64", True)  # every figure is float64
if platform.machine() in ("x86_64", "AMD64") and "xla_cpu_max_isa" not in os.environ.get("XLA_FLAGS", ""):
    # No fused multiply-add: a number's bits then depend neither on the processor nor on the batch it is computed in.
    os.environ["XLA_FLAGS"] = f"--xla_cpu_max_isa=AVX {os.environ.get('XLA_FLAGS', '')}".strip()

from adage_repro.adage import History, solve, solve_many  # noqa: E402
from adage_repro.fairness import gini, leader_objective  # noqa: E402
from adage_repro.followers import follower_gradients, utilities  # noqa: E402
from adage_repro.leaders import leader_gradient  # noqa: E402
from adage_repro.market import MarketEntrance, fixed_point, largest_stable_lr, mixed_equilibrium, untaxed_path  # noqa: E402
from adage_repro.pytrees import model  # noqa: E402
from adage_repro.settings import Settings  # noqa: E402

__all__ = [
    "History",
    "MarketEntrance",
    "Settings",
    "fixed_point",
    "follower_gradients",
    "gini",
    "largest_stable_lr",
    "leader_gradient",
    "leader_objective",
    "mixed_equilibrium",
    "model",
    "solve",
    "solve_many",
    "untaxed_path",
    "utilities",
]
