"""What a computation makes on its way."""

import jax


def sizes(jaxpr):
    """Numbers of elements of all that a computation makes on its way, inner computations included."""
    for equation in jaxpr.eqns:
        yield from (variable.aval.size for variable in equation.outvars)
        for inner in jax.tree.leaves(list(equation.params.values())):
            if hasattr(inner, "eqns"):
                yield from sizes(inner)
