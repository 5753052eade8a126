"""One set of codecs a module, so that most tests meet a decoder that is warm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hostile.canary import Canary
from tintype.codecs import Codecs, CodecSettings, PhotoResult, VideoResult

Photo = Callable[[bytes], Awaitable[PhotoResult]]
Film = Callable[[Path], Awaitable[VideoResult]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def codecs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Codecs]:
    folder = tmp_path_factory.mktemp("scratch")
    made = Codecs(CodecSettings(scratch=folder, photo_slots=2, video_slots=2, niceness=0))
    await made.start()
    yield made
    await made.stop()
    assert list(folder.iterdir()) == []


@pytest.fixture
def photo(codecs: Codecs, tmp_path: Path) -> Photo:
    """Make the renditions of a photo that is given as bytes."""

    async def process(data: bytes) -> PhotoResult:
        source = tmp_path / "original"
        source.write_bytes(data)
        return await codecs.process_photo(source, tmp_path / "out")

    return process


@pytest.fixture
def film(codecs: Codecs, tmp_path: Path) -> Film:
    """Make the renditions of a video file."""

    async def process(source: Path) -> VideoResult:
        return await codecs.process_video(source, tmp_path / "out")

    return process


@pytest.fixture
def canary() -> Iterator[Canary]:
    listener = Canary()
    yield listener
    listener.close()
