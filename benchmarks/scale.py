"""What dividing runs and agents over devices costs, into benchmarks/devices.csv and billion.csv: python benchmarks/scale.py"""

import re
import subprocess
import sys
from statistics import median
from time import perf_counter

import jax
import numpy as np
import pandas as pd
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from adage_repro import MarketEntrance, Settings, adage, solve
from adage_repro.devices import devices_known
from adage_repro.folders import ROOT
from adage_repro.pytrees import arrays

DEVICES, SHARES = (1, 2, 4), (1, 8, 64)  # virtual devices on which is measured; those for which a program is compiled and not run
N, BILLION, REPEATS = 2**18, 10**9, 5
AXIS = {"agents": (1, PartitionSpec(None, "devices")), "runs": (8, PartitionSpec("devices"))}  # runs in a batch, and what is divided
BYTES = {"f64": 8, "s64": 8, "f32": 4, "s32": 4, "u32": 4, "pred": 1}


def means(game, row):
    """The mean action and the leader's action, which is all that is kept of a row."""
    return row.actions.mean(), row.leader_action


def settings(n_agents, iterations, leader):
    """Learning slow enough for N that actions do not jump between their bounds."""
    return Settings(iterations, 0.1 / n_agents, 0.04 if leader else None, action_bounds=(0.0, 1.0), leader_bounds=(0.0, 0.1))


def mesh_of(devices):
    """The first so many devices in a row."""
    return Mesh(np.array(jax.devices()[:devices]), ("devices",))


def seconds(divided, leader, devices):
    """The median of several runs, compiled; a start on one device is an ordinary array."""
    runs, spec = AXIS[divided]
    start = np.random.default_rng(0).random((runs, N // runs))
    start = jax.device_put(start, NamedSharding(mesh_of(devices), spec) if devices > 1 else jax.devices()[0])
    chosen, taken = settings(N // runs, 10, leader), []
    for _ in range(REPEATS + 1):
        begin = perf_counter()
        jax.block_until_ready(solve(MarketEntrance(N // runs, 0.6), chosen, start, keep=means))
        taken.append(perf_counter() - begin)
    return median(taken[1:]) / chosen.iterations


def program(leader, devices):
    """Bytes of one device's share of a billion agents, and what it receives in an iteration, as compiled for processors; nothing runs."""
    several, known = devices > 1, arrays((MarketEntrance(BILLION, 0.6), settings(BILLION, 10, leader)))
    mesh, spec = mesh_of(devices), PartitionSpec("devices")
    start = jax.ShapeDtypeStruct((BILLION,), float, sharding=NamedSharding(mesh, spec) if several else None)
    with devices_known(mesh if several else None):
        made = adage._solve.lower(*known, start, None, means, not several, spec if several else None).compile()
    size = made.memory_analysis()
    return {"actions": size.argument_size_in_bytes, "working": size.temp_size_in_bytes, "received": received(made.as_text(), devices)}


def received(text, devices):
    """Bytes that one device receives, in rings: all but its own share of what is gathered, twice that of what is reduced."""
    total = 0
    for shapes, kind in re.findall(r"= (.*?) (all-gather|all-reduce|collective-permute|all-to-all|reduce-scatter)(?:-start)?\(", text):
        found = re.findall(r"(\w+)\[([\d,]*)\]", shapes)
        size = sum(BYTES[dtype] * int(np.prod([int(length) for length in axes.split(",") if length])) for dtype, axes in found)
        total += size * {"all-reduce": 2 * (devices - 1) / devices, "collective-permute": 1}.get(kind, (devices - 1) / devices)
    return round(total)


def write(name, of, columns, choices):
    """A line for each choice."""
    lines = [dict(zip(columns, choice, strict=True)) | of(*choice) for choice in choices]
    table = pd.DataFrame(lines)
    table.to_csv(ROOT / "benchmarks" / f"{name}.csv", index=False, lineterminator="\n", float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    if not sys.argv[1:]:
        for name in ("devices", "billion"):
            subprocess.run([sys.executable, __file__, name], cwd=ROOT, check=True)
    elif sys.argv[1] == "devices":
        jax.config.update("jax_num_cpu_devices", max(DEVICES))
        choices = [(divided, leader, devices) for divided in AXIS for leader in (False, True) for devices in DEVICES]
        write("devices", lambda *choice: {"n": N, "iteration_s": seconds(*choice)}, ("divided", "leader", "devices"), choices)
    else:
        jax.config.update("jax_num_cpu_devices", max(SHARES))
        write("billion", program, ("leader", "devices"), [(leader, devices) for leader in (False, True) for devices in SHARES])
