"""Batches on a local cluster of Ray's, in an environment of its own: ``make test-ray``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

# The environment of `make test` has no Ray, which is larger than all else in it.
collect_ignore_glob = [] if find_spec("ray") else ["test_*.py"]


@pytest.fixture(scope="session")
def ray() -> Iterator[Any]:
    """A cluster on this machine with room for two workers."""
    module = import_module("ray")
    data = import_module("ray.data")
    module.init(num_cpus=2, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)
    data.DataContext.get_current().enable_progress_bars = False
    yield module
    module.shutdown()
