"""Run by test_sharding.py on four devices, alone or as one of two processes that have two each: python sharded.py [ADDRESS PROCESS]"""

import re
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from adage_repro import HistoryWarning, MarketEntrance, Settings, model, solve, solve_many

N = 4160  # 64 blocks, in which the agents are summed
CAP, AXES = (0.0, 0.1), ("runs", "agents")
ALL = AXES  # one axis of an array over both axes of the mesh


@model
class Falling:
    """Agents who fall to one half, where a square root has no slope; the larger the weight the sooner."""

    weights: jax.Array
    action_bounds = (0.0, 1.0)

    def utility(self, action, mean):
        return -self.weights * jnp.where(action > 0.5, jnp.sqrt(action - 0.5), 0.0) + 0 * mean


def divided(mesh, values, *axes):
    """The same values on the mesh; each process holds its part."""
    return jax.make_array_from_callback(np.shape(values), NamedSharding(mesh, PartitionSpec(*axes)), lambda index: values[index])


def assert_same(found, expected, mesh, *axes):
    """Each part that lies in this process, to 1e-10; where axes are given, divided by them over the mesh."""

    def one(found, expected):
        assert isinstance(found, jax.Array) and len(found.sharding.device_set) == 4
        for shard in found.addressable_shards:
            np.testing.assert_allclose(shard.data, np.asarray(expected)[shard.index], rtol=1e-10, atol=1e-12)

    jax.tree.map(one, found, expected)
    for values in (found.actions, found.present, found.utilities) if axes else ():
        assert values.sharding.is_equivalent_to(NamedSharding(mesh, PartitionSpec(*axes)), values.ndim)


def check(mesh, *divisions):
    """Runs and agents, with entry times of their own, divided over the mesh in each of these ways, with the leader and without."""
    starts, late = np.random.default_rng(0).random((4, N)), np.arange(N) % 2 * 4
    for leader in ({"leader_lr": 0.04, "leader_bounds": CAP}, {}):
        game, settings = MarketEntrance(N, 0.6), Settings(8, 0.2 / N, entry_time=late, **leader)
        expected = solve(game, settings, starts)
        for runs, agents in divisions:
            settings = replace(settings, entry_time=divided(mesh, late, agents))
            assert_same(solve(game, settings, divided(mesh, starts, runs, agents)), expected, mesh, runs, None, agents)


def check_more(mesh):
    """Agents who move one after another, and many runs in turn, in which what is kept of a row is not all of it."""
    start, settings = np.random.default_rng(1).random(1000), Settings(3, 0.1, order="alternating")
    games, kept = [MarketEntrance(1000, c) for c in (0.3, 0.7)], {"rows": [0, 3], "keep": _means}
    expected = solve(games[0], settings, start)
    assert_same(solve(games[0], settings, divided(mesh, start, ALL)), expected, mesh, None, ALL)
    many = solve_many([(game, settings, divided(mesh, start, ALL)) for game in games], **kept)
    assert_same(many[0], (expected.actions[::3].mean(-1), expected.utilities[::3].max(-1)), mesh)
    assert abs(many[1][0][1] - many[0][0][1]) > 0.1


def check_words(mesh):
    """What is refused and what a run says of itself, with agents divided over all devices."""
    weights, start, game = np.linspace(1.0, 3.0, 8), np.linspace(0.1, 0.8, 8), MarketEntrance(8, 0.6)
    for values, said in ((start - 0.2, "start must lie in [0.0, 1.0], got -0.1"), (np.where(start > 0.7, np.nan, start), "got nan")):
        with pytest.raises(ValueError, match=re.escape(said)):
            solve(game, Settings(3, 0.01), divided(mesh, values, ALL))
    with pytest.raises(ValueError, match=re.escape("entry_time must lie in [0, 1000000000], got -3")):
        Settings(3, 0.01, entry_time=divided(mesh, np.arange(8) - 3, ALL))
    with pytest.warns(HistoryWarning, match="the leader's action ends on the bound 0.1, which MarketEntrance states"):
        solve(game, Settings(20, 0.01, 0.4), divided(mesh, np.stack([start] * 4), ALL))
    with pytest.warns(HistoryWarning, match=r"from row 2 on: the gradient of Falling\.utility is NaN$"):
        solve(Falling(divided(mesh, weights, ALL)), Settings(4, 0.05), divided(mesh, 0 * start + 0.6, ALL))
    with pytest.raises(ValueError, match=r"^Falling\.utility gives NaN at the start"):
        solve(Falling(divided(mesh, np.where(weights > 2.9, np.nan, 1.0), ALL)), Settings(4, 0.05), divided(mesh, start, ALL))


def _means(game, row):
    return row.actions.mean(), row.utilities.max()


if __name__ == "__main__":
    if sys.argv[1:]:
        address, process = sys.argv[1:]
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(address, 2, int(process), coordinator_bind_address=address if process == "0" else None)
    devices = np.array(jax.devices()).reshape(2, 2)
    if jax.process_count() > 1:
        mesh = Mesh(devices.T, AXES)  # each process has a half of the agents of all runs
        check(mesh, AXES)
        check_words(mesh)
    else:
        check(jax.make_mesh((2, 2), AXES), (ALL, None), (None, ALL))  # a mesh whose axes are part of an array's type
        check_more(Mesh(devices, AXES))
    print("the same on", jax.process_count(), "processes with", jax.device_count(), "devices")
