"""A scripted provider for each test."""

from collections.abc import Iterator

import pytest

from tests.client.asking import DIMENSION
from tests.provider import Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(key="kunci-sangat-rahasia", dimension=DIMENSION) as made:
        yield made
