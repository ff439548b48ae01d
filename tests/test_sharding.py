"""A run whose runs or agents are divided over devices or processes gives the numbers of a run on one device, and the same words."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from adage_repro import MarketEntrance, Settings, solve
from adage_repro.folders import ROOT

SCRIPT = [sys.executable, ROOT / "tests" / "sharded.py"]
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def devices(number):
    """So many virtual devices, and programs compiled soon rather than well: it is how they are divided that is tested."""
    return os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={number} --xla_backend_optimization_level=0"}


def test_a_mesh_of_one_device():
    """Its axes are part of an array's type, although nothing is divided."""
    start, sharding = np.linspace(0.0, 0.9, 80), NamedSharding(jax.make_mesh((1,), ("agents",)), PartitionSpec("agents"))
    late, placed = np.arange(80) % 2 * 3, partial(jax.device_put, device=sharding)
    given = (MarketEntrance(80, 0.6), Settings(5, 0.001, 0.04, entry_time=late, leader_bounds=(0, 0.1)), start)
    found = solve(given[0], replace(given[1], entry_time=placed(late)), placed(start))
    jax.tree.map(np.testing.assert_array_equal, found, solve(*given))


def test_four_virtual_devices():
    done = subprocess.run(SCRIPT, cwd=ROOT, env=devices(4), **PIPES)
    assert done.stdout == "the same on 1 processes with 4 devices\n", done.stderr


def test_two_processes_with_two_devices_each():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with ExitStack() as children:
        given = {"cwd": ROOT, "env": devices(2), **PIPES}
        both = [children.enter_context(subprocess.Popen([*SCRIPT, address, str(process)], **given)) for process in (0, 1)]
        for process in both:
            children.callback(process.kill)  # one that waits for the other to the end of its patience
        said = [process.communicate(timeout=120) for process in both]
    assert all(out.endswith("the same on 2 processes with 4 devices\n") for out, _ in said), said
