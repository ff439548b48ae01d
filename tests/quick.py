"""A plugin of pytest's, which `make test` asks for: nothing is tested in another way, only sooner.

The files that take longest are begun first, so that the processes end together; pytest-xdist, which would begin with those that have the
most tests, must be told --no-loadscope-reorder. What has been imported is not searched for garbage again and again.
"""

import gc

import pytest

LONGEST = ("words", "claims", "front_door", "sweep", "adage", "sharding", "leaders", "notebooks", "hostile_input", "sessions", "over_time")
FIRST = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.get(item.path.name, len(FIRST)))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # tracing makes many objects and little garbage
