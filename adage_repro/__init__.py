"""ADAGE-Diff, the paper's two-level adaptive market entrance game, as a small differentiable library."""

import os
import platform

import jax

jax.config.update("jax_enable_x64", True)  # every figure is float64
flags = {  # unless they are given: what XLA, which reads them when it first compiles, does on a processor
    # A loop over iterations is compiled as one function unless its body touches more bytes; else each of its operations is started anew.
    "--xla_backend_extra_options": "xla_cpu_small_while_loop_byte_threshold=100000000"
}
if platform.machine() in ("x86_64", "AMD64"):
    # No fused multiply-add: a number's bits then depend neither on the processor nor on the batch it is computed in.
    flags["--xla_cpu_max_isa"] = "AVX"
given = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = " ".join([*(f"{flag}={value}" for flag, value in flags.items() if flag not in given), given]).strip()

from adage_repro.adage import solve, solve_many  # noqa: E402
from adage_repro.environment import OneStep  # noqa: E402
from adage_repro.fairness import gini, leader_objective  # noqa: E402
from adage_repro.followers import follower_gradients, reports, utilities  # noqa: E402
from adage_repro.history import History  # noqa: E402
from adage_repro.implicit import Implicit  # noqa: E402
from adage_repro.leaders import EvolutionStrategy, FiniteDifference, LookAhead, Partial, leader_gradient  # noqa: E402
from adage_repro.market import MarketEntrance, fixed_point, largest_stable_lr, mixed_equilibrium, untaxed_path  # noqa: E402
from adage_repro.measures import summary  # noqa: E402
from adage_repro.over_time import HistoryOverTime, solve_over_time  # noqa: E402
from adage_repro.policies import Line, Network, Number  # noqa: E402
from adage_repro.pytrees import Shared, model  # noqa: E402
from adage_repro.settings import Settings  # noqa: E402
from adage_repro.warned import HistoryWarning  # noqa: E402

__all__ = [
    "EvolutionStrategy",
    "FiniteDifference",
    "History",
    "HistoryOverTime",
    "HistoryWarning",
    "Implicit",
    "Line",
    "LookAhead",
    "MarketEntrance",
    "Network",
    "Number",
    "OneStep",
    "Partial",
    "Settings",
    "Shared",
    "fixed_point",
    "follower_gradients",
    "gini",
    "largest_stable_lr",
    "leader_gradient",
    "leader_objective",
    "mixed_equilibrium",
    "model",
    "reports",
    "solve",
    "solve_many",
    "solve_over_time",
    "summary",
    "untaxed_path",
    "utilities",
]
