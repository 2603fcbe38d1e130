"""Fixtures of the requests' tests."""

from __future__ import annotations

import pytest

from ..house import faultless


@pytest.fixture
def house():
    """A hub in memory, which has to report no fault."""
    yield from faultless()
