"""Boxes that actions are clipped to: two numbers, two arrays, or two pytrees like the action."""

import numbers
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from adage_repro.parameters import check_value
from adage_repro.refusals import Refused, shown


def clipped(value: Any, box: tuple[Any, Any]) -> Any:
    """A number, an array or a pytree clipped to the box."""
    return jax.tree.map(jnp.clip, value, *(side(bound, value) for bound in box))


def side(bound: Any, value: Any) -> Any:
    """One side of a box as a pytree like the value; one number or array serves all its leaves."""
    return jax.tree.map(lambda _: bound, value) if jax.tree_util.all_leaves([bound]) else bound


def check_box(name: str, bounds: tuple[Any, Any] | None) -> tuple[Any, Any] | None:
    """The bounds as numbers and arrays; refuses a box that is empty. What JAX is tracing passes unchecked."""
    if bounds is None:
        return None
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise Refused(f"{name} needs two bounds, the lower first, got {shown(bounds)}")
    low, high = (number_tree(name, bound, infinite=True) for bound in bounds)
    if isinstance(low, float) and isinstance(high, float) and low <= high:
        return low, high
    try:
        high = side(high, low) if not jax.tree_util.all_leaves([low]) else high
        low = side(low, high)
        falls = any(jax.tree.leaves(jax.tree.map(lambda low, high: not _traced(low, high) and np.any(np.asarray(low) > high), low, high)))
    except ValueError:
        raise Refused(f"{name} needs two bounds of one structure and shape, got {shown(bounds)}") from None
    if falls:
        raise Refused(f"{name} needs two bounds, the lower first, got {shown((low, high))}")
    return low, high


def fits(bound: Any, shape: tuple[int, ...]) -> bool:
    """Whether a bound broadcasts to a value of this shape."""
    try:
        return np.broadcast_shapes(np.shape(bound), shape) == shape
    except ValueError:
        return False


def check_inside(name: str, value: Any, box: tuple[Any, Any]) -> None:
    """Refuses a value outside the box, or of another structure. What JAX is tracing passes unchecked."""
    if isinstance(value, float | np.ndarray | jax.Array) and all(isinstance(bound, float) for bound in box):
        return _check_leaf(name, value, *box)
    try:
        sides = [side(bound, value) for bound in box]
        if not all(jax.tree.leaves([jax.tree.map(lambda value, bound: fits(bound, np.shape(value)), value, side) for side in sides])):
            raise ValueError
        jax.tree.map(lambda value, low, high: _check_leaf(name, value, low, high), value, *sides)
    except Refused:
        raise
    except ValueError:
        raise Refused(f"{name} must have the structure and shapes of its bounds, got {shown(value)} for {shown(box)}") from None


def _check_leaf(name, value, low, high):
    if _traced(value, low, high):
        return
    if np.ndim(low) == np.ndim(high) == 0:
        check_value(name, value, "float", f"[{low}, {high}]")
    elif not bool(((value >= low) & (value <= high)).all()):
        raise Refused(f"{name} must lie in its bounds {shown((low, high))}, got {shown(value)}")


def _traced(*values):
    return any(isinstance(value, jax.core.Tracer) for value in values)


def number_tree(name: str, tree: Any, infinite: bool = False) -> Any:
    """A pytree of finite numbers, or of numbers; Python's as floats, lists of them as arrays."""
    if type(tree) is float and -np.inf < tree < np.inf:
        return tree + 0.0  # no negative zero

    def numbers_only(values):
        return isinstance(values, list | tuple) and len(values) > 0 and all(isinstance(value, numbers.Real) for value in values)

    def leaf(value):
        value = np.asarray(value, float) if numbers_only(value) else value
        if infinite and isinstance(value, numbers.Real | np.ndarray | jax.Array) and not _traced(value) and np.isinf(value).any():
            check_value(name, np.where(np.isinf(value), 0.0, value), "float", "(-inf, inf)")
            return value if np.ndim(value) else float(value)
        return check_value(name, value, "float", "(-inf, inf)")

    return jax.tree.map(leaf, tree, is_leaf=lambda value: value is None or numbers_only(value))
