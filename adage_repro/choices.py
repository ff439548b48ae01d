"""Choices: a word picks one alternative, a traced `Place` selects among all of them, and an unknown word raises an error."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax


@partial(jax.tree_util.register_dataclass, data_fields=["index"], meta_fields=["words"])
@dataclass(frozen=True, eq=False)
class Place:
    """A choice as a traced number, so that all of its ways share one compiled program: `words[index]`, see `parameters.place`."""

    words: tuple[str, ...]
    index: Array | int


Choice = str | Place


def choose(choice: Choice, **ways: Any) -> Any:
    """The alternative that a word names; for a `Place` the numbers selected among all of them, which must be pytrees of one structure.

    A word is resolved before anything is compiled and costs nothing. A `Place` computes all alternatives, which pays where compiling
    takes longer than running. ValueError: a word that is not among the alternatives, or a `Place` with other words.
    """
    words = [choice] if isinstance(choice, str) else choice.words
    if not set(words) <= set(ways) or not (isinstance(choice, str) or len(words) == len(ways)):
        raise ValueError(f"a choice must be one of {', '.join(ways)}, got {' | '.join(words)!r}")
    return ways[choice] if isinstance(choice, str) else jax.tree.map(partial(_select, choice.index), *(ways[word] for word in words))


def _select(index: Array | int, *values: Array | float) -> Array:
    kind = jnp.result_type(*values)
    return lax.select_n(jnp.asarray(index, jnp.int32), *jnp.broadcast_arrays(*(jnp.asarray(value, kind) for value in values)))
