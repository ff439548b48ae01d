"""Policies: parameters, and what they do with an observation. Followers hold one value whose parameters have a leading axis N."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from adage_repro.pytrees import model


@model
class Number:
    """The same action whatever is observed: π(o) = value, a number or a vector (d,)."""

    value: Array

    def __call__(self, observation: Any) -> Array:
        return self.value


@model
class Line:
    """π(o) = level + slope · o for an observation o of one number or, with a slope (k,), of k numbers."""

    level: Array
    slope: Array

    def __call__(self, observation: Any) -> Array:
        return self.level + jnp.vdot(self.slope, ravel_pytree(observation)[0])


@model
class Network:
    """One hidden layer of tanh and a logistic end: π(o) = 1 / (1 + exp(-(bias + outer · tanh(inner o + shift)))), in (0, 1).

    inner (h, k), shift (h,), outer (h,), bias (): 3h + 1 parameters where one number (k = 1) is observed.
    """

    inner: Array
    shift: Array
    outer: Array
    bias: Array

    def __call__(self, observation: Any) -> Array:
        hidden = jnp.tanh(self.inner @ ravel_pytree(observation)[0] + self.shift)
        return jax.nn.sigmoid(self.bias + self.outer @ hidden)


def networks(key: Array, n_agents: int, hidden: int, observed: int = 1, scale: float = 0.5) -> Network:
    """A network for each of N agents, with weights drawn from a normal distribution of standard deviation `scale` and zero biases."""
    inner, outer = jax.random.split(key)
    return Network(
        scale * jax.random.normal(inner, (n_agents, hidden, observed)),
        jnp.zeros((n_agents, hidden)),
        scale * jax.random.normal(outer, (n_agents, hidden)),
        jnp.zeros(n_agents),
    )
