"""One set of codecs a module, so that most tests meet a decoder that is warm."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

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


class Canary:
    """A listener on this machine, by TCP and by UDP, that nobody is supposed to call."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        for each in (self._tcp, self._udp):
            each.setblocking(False)

    def visits(self) -> int:
        """How many called since the last time that was asked."""
        found = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._tcp.accept()[0].close()
                found += 1
        with contextlib.suppress(BlockingIOError):
            while self._udp.recv(100) is not None:
                found += 1
        return found

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    listener = Canary()
    yield listener
    listener.close()
