"""MemoryNotices keeps the contract."""

from __future__ import annotations

import pytest

from tests.contract.notices import NoticesContract, Unplug
from tintype.adapters.memory.notices import MemoryNotices, MemoryStream


class TestMemoryNotices(NoticesContract):
    @pytest.fixture
    def stream(self) -> MemoryStream:
        return MemoryStream(length=500)

    @pytest.fixture
    def ada(self, stream: MemoryStream) -> MemoryNotices:
        return MemoryNotices(stream)

    @pytest.fixture
    def bo(self, stream: MemoryStream) -> MemoryNotices:
        return MemoryNotices(stream)

    @pytest.fixture
    def unplug(self, ada: MemoryNotices) -> Unplug:
        return ada.close
