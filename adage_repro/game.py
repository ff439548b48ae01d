"""What a game is: one follower's payoff and the leader's."""

from typing import Protocol

from jax import Array


class Game(Protocol):
    """An aggregative game: a follower feels the others only through the mean action of those present."""

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        """A follower's payoff U_i (scalar) from its own `action`, the `mean` action of all present (own included; the total is
        `n_present * mean`), how many are present and the leader's action. Must be differentiable in the first two and the last."""
        ...

    def objective(self, utilities: Array, present: Array) -> Array:
        """The leader's payoff U_L (scalar) from the followers' utilities (N,) and who is present (N,). Needed with a leader only."""
        ...
