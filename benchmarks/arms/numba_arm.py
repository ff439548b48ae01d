"""Numba, the compiled floor: loops over agents that pass through memory as few times as they can, and hardly sort.

Whoever is below the mean action moves by one rising function of the own action, whoever is above it by another; so a step leaves the
order of the actions in two rising runs, and the returns along that order are at most three runs. Runs are merged, not sorted.
"""

import numpy as np
from jobs import CAPACITY, LEADER_EVERY, LEADER_LR, OUTSIDE_PAYOFF, TAX_MAX
from numba import njit

FEW, MANY = 64, 64  # keys up to which they are sorted by insertion; runs above which they are sorted anew


def prepare(job):
    """The job as a function without arguments."""
    starts, entry, rows, half = np.atleast_2d(job.start()), job.entry_time(), job.iterations + 1, job.n_agents // 2
    in_turn, full = job.order == "alternating", job.kept == "full"

    def run():
        whole = (len(starts), rows, job.n_agents) if full else (len(starts), 0, 0)
        actions, present, utilities = np.zeros(whole), np.zeros(whole, bool), np.zeros(whole)
        series = {name: np.zeros((len(starts), rows)) for name in ("g1", "g2", "lowest", "highest", "leader_action", "objective")}
        for r, start in enumerate(starts):
            paths = tuple(values[r] for values in series.values())
            solve(
                start.copy(), entry, job.iterations, job.follower_lr, job.leader, in_turn, half, actions[r], present[r], utilities[r], paths
            )
        kept = {"actions": actions, "present": present, "utilities": utilities} if full else {}
        kept |= {name: values for name, values in series.items() if not full or name in ("leader_action", "objective")}
        if not job.leader:
            del kept["objective"]
        return kept if job.runs else {name: values[0] for name, values in kept.items()}

    return run


@njit(cache=True)
def solve(a, entry, iterations, lr, led, in_turn, half, actions, present, utilities, paths):
    """One run, row by row."""
    g1, g2, lowest, highest, taxes, objectives = paths
    n_agents, tax_rate, slope = a.size, 0.0, 0.0
    here = entry <= 0
    n = here.sum()
    order = np.flatnonzero(here).astype(np.int32)  # of those present by their actions, as far as it is known from the row before
    whole = len(actions) > 0
    for t in range(iterations + 1):
        mean = mean_of(a, here, n)
        margin = CAPACITY * n_agents - n * mean
        if led:
            objectives[t], slope = leader(a, order, mean, margin, tax_rate)
        taxes[t] = tax_rate
        if whole:
            keep(a, here, mean, margin, tax_rate, actions[t], present[t], utilities[t])
        else:
            g1[t], g2[t], lowest[t], highest[t] = summed(a[:half], 0.0) / half, summed(a[half:], 0.0) / (n_agents - half), a.min(), a.max()
        if t == iterations:
            return
        if t > 0 and (entry == t).any():
            order = np.concatenate((order, np.flatnonzero(entry == t).astype(np.int32)))
            here = entry <= t
            n = here.sum()
            mean = mean_of(a, here, n)
            if led:
                slope = leader(a, order, mean, CAPACITY * n_agents - n * mean, tax_rate)[1]
        if led and t % LEADER_EVERY == 0:
            tax_rate = min(max(tax_rate + LEADER_LR * slope, 0.0), TAX_MAX)
        if in_turn:
            alternating(a, here, mean, n, tax_rate, lr)
        else:
            simultaneous(a, here, mean, n, tax_rate, lr)


@njit(cache=True)
def keep(a, here, mean, margin, tax_rate, actions, present, utilities):
    """A whole row."""
    for i in range(a.size):
        actions[i], present[i] = a[i], here[i]
        utilities[i] = payoff(a[i], mean, margin, tax_rate, a.size) if here[i] else 0.0


@njit(cache=True)
def payoff(action, mean, margin, tax_rate, n_agents):
    """Eq. 8."""
    return OUTSIDE_PAYOFF + 2 * action * margin - tax_rate * action * n_agents * max(action - mean, 0.0)


@njit(cache=True)
def gradient(action, mean, n, tax_rate, n_agents):
    """∂U_i/∂a_i."""
    slope = 2 * (CAPACITY * n_agents - n * mean - action)
    return slope - tax_rate * n_agents * ((action - mean) + action * (1 - 1 / n)) if action > mean else slope


@njit(cache=True)
def simultaneous(a, here, mean, n, tax_rate, lr):
    """All from the same mean."""
    for i in range(a.size):
        moved = min(max(a[i] + lr * gradient(a[i], mean, n, tax_rate, a.size), 0.0), 1.0)
        a[i] = moved if here[i] else a[i]


@njit(cache=True)
def alternating(a, here, mean, n, tax_rate, lr):
    """One after the other; the total carries along what its rounding loses."""
    total, lost = mean * n, 0.0
    for i in range(a.size):
        if here[i]:
            new = min(max(a[i] + lr * gradient(a[i], (total + lost) / n, n, tax_rate, a.size), 0.0), 1.0)
            step = new - a[i]
            moved = total + step
            back = moved - total
            lost += (total - (moved - back)) + (step - back)
            a[i], total = new, moved


@njit(cache=True)
def leader(a, order, mean, margin, tax_rate):
    """Eq. 6 and its derivative by the tax rate, from the returns in their order; `order` becomes that of the actions."""
    n = order.size
    order[:] = merged(a[order], order)[1]
    returns, base = merged(*payoffs(a, order, mean, margin, tax_rate))
    poorest, shifted, spread, slope = returns[0], returns[0] < 0, 0.0, 0.0
    for k in range(n):
        weight = 2.0 * k - (n - 1)  # how many are poorer, less how many are richer
        spread += weight * (returns[k] - poorest)
        slope -= weight * base[k]
    total, total_slope = summed(returns, 0.0) - (n * poorest if shifted else 0.0), (n * base[0] if shifted else 0.0) - summed(base, 0.0)
    return (-n * spread / total, -n * (slope * total - spread * total_slope) / total**2) if total != 0 else (0.0, 0.0)


@njit(cache=True)
def payoffs(a, order, mean, margin, tax_rate):
    """Eq. 8 of each in this order, and what it pays at a tax rate of 1."""
    returns, base = np.empty(order.size), np.empty(order.size)
    for k in range(order.size):
        action = a[order[k]]
        returns[k] = payoff(action, mean, margin, tax_rate, a.size)
        base[k] = action * a.size * max(action - mean, 0.0)
    return returns, base


@njit(cache=True)
def merged(keys, tags):
    """The keys in rising order and their tags along with them, by merging the few rising or falling runs that they are in, two by two."""
    n = keys.size
    if n <= FEW:
        return inserted(keys, tags)
    runs, count, begin = np.empty(MANY + 1, np.int64), 0, 0
    while begin < n:
        if count == MANY:
            places = np.argsort(keys)
            return keys[places], tags[places]
        end = begin + 1
        falls = end < n and keys[end] < keys[begin]
        while end < n and (keys[end] < keys[end - 1]) == falls:
            end += 1
        if falls:
            for k in range((end - begin) // 2):
                i, j = begin + k, end - 1 - k
                keys[i], keys[j], tags[i], tags[j] = keys[j], keys[i], tags[j], tags[i]
        runs[count], count, begin = begin, count + 1, end
    runs[count] = n
    spare_keys, spare_tags = np.empty_like(keys), np.empty_like(tags)
    while count > 1:
        for r in range(0, count, 2):
            i, j, end = runs[r], runs[min(r + 1, count)], runs[min(r + 2, count)]
            middle = j
            for k in range(i, end):
                left = j >= end or (i < middle and keys[i] <= keys[j])
                source = i if left else j
                spare_keys[k], spare_tags[k] = keys[source], tags[source]
                i, j = i + left, j + (not left)
            runs[r // 2] = runs[r]
        count = (count + 1) // 2
        runs[count] = n
        keys, spare_keys, tags, spare_tags = spare_keys, keys, spare_tags, tags
    return keys, tags


@njit(cache=True)
def inserted(keys, tags):
    """The same for a few keys, each put in its place among those before it."""
    for k in range(1, keys.size):
        key, tag, place = keys[k], tags[k], k
        while place > 0 and keys[place - 1] > key:
            keys[place], tags[place] = keys[place - 1], tags[place - 1]
            place -= 1
        keys[place], tags[place] = key, tag
    return keys, tags


@njit(cache=True)
def mean_of(a, here, n):
    """The mean of those present, as the mean of the distances to one of them: exact where all are alike."""
    if n == 0:
        return 0.0
    first = a[here.argmax()]
    return first + (summed(a, first) if n == a.size else summed(a[here], first)) / n


@njit(cache=True)
def summed(values, origin):
    """Σ (value - origin), as a sum of sums of blocks, which is faster and more exact than one long one."""
    total = 0.0
    for begin in range(0, values.size, 1024):
        total += block(values[begin : begin + 1024], origin)
    return total


@njit(fastmath={"reassoc"}, cache=True)
def block(values, origin):
    """The same in the order that is fastest."""
    total = 0.0
    for value in values:
        total += value - origin
    return total
