"""The benchmark compares like with like: its NumPy program and the library give the same numbers, and one that does not is caught."""

import sys

import numpy as np
import pytest

from adage_repro.folders import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
from arms import library_arm, numpy_arm
from bench import TOLERANCE, bears, difference
from environments import PACKAGES, pins
from jobs import CHECKED, TIMED, Job
from worker import digest

JOBS = [  # agents that enter on the way, in a batch; agents on the kink of the tax, one after the other; summaries, with a sort
    Job(7, 30, True, runs=3, late=True),
    Job(7, 30, True, order="alternating", late=True, alike=True),
    Job(100, 50, True, "summaries"),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_numpy_and_the_library_agree(job):
    assert job in CHECKED
    one, other = digest(numpy_arm.prepare(job)()), digest(library_arm.as_arrays(library_arm.prepare(job)()))
    assert difference(other, one) <= TOLERANCE
    for name, values in one.items():
        scale = max(1.0, *(np.abs(largest).max() for largest in one.values()))
        assert difference(other | {name: values + 2 * TOLERANCE * scale}, one) > TOLERANCE, name
    with pytest.raises(RuntimeError, match="the arms keep different things"):
        difference({}, one)


def test_every_job_is_held_against_numpy_and_every_pin_is_asked_for():
    assert all(bears(arm, job) for job in TIMED for arm in ("library", "numpy", "numba"))
    assert len({job.name for job in TIMED}) == len(TIMED)
    assert {arm: pins(arm)[0].split("==")[0] for arm in PACKAGES if PACKAGES[arm]} == {arm: name for arm, name in PACKAGES.items() if name}
