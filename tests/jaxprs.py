"""What a computation makes on its way."""

import jax


def equations(jaxpr):
    """All its equations, those of inner computations included."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(list(equation.params.values())):
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def sizes(jaxpr):
    """Numbers of elements of all that a computation makes on its way."""
    return [variable.aval.size for equation in equations(jaxpr) for variable in equation.outvars]
