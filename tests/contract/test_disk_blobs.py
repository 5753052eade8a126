from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.contract.blobs import TEXT, BlobsContract, Outage, Put, send_part
from tintype.adapters.disk import DiskBlobs, DiskSettings, part_routes
from tintype.kernel.clock import ManualClock, SystemClock
from tintype.kernel.problem import Problem
from tintype.ports.blobs import SignedPart
from tintype.ports.errors import OutOfSpace, Unavailable

SECRET = b"k" * 32
MIB = 1024 * 1024


class Unplugged:
    """The folder is moved away, as when a volume is unmounted."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._away = root.with_name("unplugged")

    async def pull(self) -> None:
        self._root.rename(self._away)

    async def plug(self) -> None:
        self._away.rename(self._root)


def _store(root: Path, clock: ManualClock | SystemClock | None = None) -> DiskBlobs:
    return DiskBlobs(root, secret=SECRET, clock=clock, settings=DiskSettings(free_floor=0))


def _client(blobs: DiskBlobs) -> httpx.AsyncClient:
    async def answer(_: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        return Response(problem.title(), status_code=problem.status)

    app = Starlette(routes=[*part_routes(blobs)], exception_handlers={Problem: answer})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tintype.test")


def _put(client: httpx.AsyncClient) -> Put:
    async def put(
        signed: SignedPart, data: bytes, *, method: str | None = None, url: str | None = None
    ) -> httpx.Response:
        headers = signed.headers | {"Content-Length": str(len(data))}
        return await client.request(
            method or signed.method, url or signed.url, content=data, headers=headers
        )

    return put


class TestDiskBlobs(BlobsContract):
    @pytest.fixture
    async def blobs(self, tmp_path: Path) -> AsyncIterator[DiskBlobs]:
        store = _store(tmp_path / "blobs")
        yield store
        store.close()

    @pytest.fixture
    async def put(self, blobs: DiskBlobs) -> AsyncIterator[Put]:
        async with _client(blobs) as client:
            yield _put(client)

    @pytest.fixture
    def outage(self, tmp_path: Path) -> Outage:
        return Unplugged(tmp_path / "blobs")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


async def test_a_part_url_ends_after_an_hour(tmp_path: Path, clock: ManualClock) -> None:
    blobs = _store(tmp_path, clock)
    upload = await blobs.create_upload("up", size=3, content_type=TEXT)
    signed = await blobs.sign_part("up", upload, number=1, size=3)
    async with _client(blobs) as client:
        put = _put(client)

        clock.advance(3599)
        in_time = await put(signed, b"abc")
        clock.advance(1)
        late = await put(signed, b"xyz")

    assert in_time.status_code == 200
    assert late.status_code == 403
    assert signed.expires_at_ms == clock.now_ms()


async def test_another_server_with_the_same_secret_takes_the_part(tmp_path: Path) -> None:
    here, there = _store(tmp_path), _store(tmp_path)
    stranger = DiskBlobs(tmp_path, secret=b"another" * 8)
    upload = await here.create_upload("up", size=3, content_type=TEXT)
    signed = await here.sign_part("up", upload, number=1, size=3)

    async with _client(there) as accepting, _client(stranger) as refusing:
        assert (await _put(refusing)(signed, b"abc")).status_code == 403
        assert (await _put(accepting)(signed, b"abc")).status_code == 200


async def test_lengths_that_differ_have_their_own_answers(tmp_path: Path) -> None:
    blobs = _store(tmp_path)
    upload = await blobs.create_upload("up", size=3, content_type=TEXT)
    signed = await blobs.sign_part("up", upload, number=1, size=3)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"

    async with _client(blobs) as client:
        longer = await _put(client)(signed, b"abcd")
        shorter = await _put(client)(signed, b"ab")
        unknown = await client.put(signed.url, content=chunks())
        lied = await client.put(signed.url, content=b"abcd", headers={"Content-Length": "3"})
        cut = await client.put(signed.url, content=b"ab", headers={"Content-Length": "3"})

    answers = [answer.status_code for answer in (longer, shorter, unknown, lied, cut)]
    assert answers == [413, 400, 411, 413, 400]
    assert await blobs.parts("up", upload) == []
    assert _leftovers(tmp_path) == []


async def test_an_interrupted_part_leaves_nothing_behind(tmp_path: Path) -> None:
    blobs = _store(tmp_path)
    upload = await blobs.create_upload("up", size=3 * MIB, content_type=TEXT)
    signed = await blobs.sign_part("up", upload, number=1, size=3 * MIB)
    hanging = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield os.urandom(2 * MIB)
        hanging.set()
        await asyncio.sleep(60)

    async with _client(blobs) as client:
        headers = {"Content-Length": str(3 * MIB)}
        request = asyncio.create_task(client.put(signed.url, content=body(), headers=headers))
        await hanging.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    assert await blobs.parts("up", upload) == []
    assert _leftovers(tmp_path) == []


async def test_one_of_two_simultaneous_sendings_of_a_part_wins_whole(tmp_path: Path) -> None:
    blobs = _store(tmp_path)
    upload = await blobs.create_upload("up", size=MIB, content_type=TEXT)
    signed = await blobs.sign_part("up", upload, number=1, size=MIB)
    versions = [bytes([n]) * MIB for n in range(6)]

    async with _client(blobs) as client:
        put = _put(client)
        answers = await asyncio.gather(*(put(signed, version) for version in versions))

    parts = await blobs.parts("up", upload)
    await blobs.complete("up", upload, parts)
    assert {answer.status_code for answer in answers} == {200}
    assert len(parts) == 1
    assert await blobs.read("up") in versions


async def test_completion_interrupted_before_the_parts_were_forgotten_is_repeated(
    tmp_path: Path,
) -> None:
    blobs = _store(tmp_path)
    upload = await blobs.create_upload("up", size=3, content_type=TEXT)
    async with _client(blobs) as client:
        await send_part(blobs, _put(client), "up", upload, b"abc")
    parts = await blobs.parts("up", upload)
    shutil.copytree(tmp_path / "uploads", tmp_path / "before")
    await blobs.complete("up", upload, parts)

    (tmp_path / "uploads").rmdir()
    (tmp_path / "before").rename(tmp_path / "uploads")

    assert (await blobs.complete("up", upload, parts)).bytes == 3
    assert await blobs.read("up") == b"abc"
    assert [upload async for upload in blobs.uploads()] == []


async def test_an_unplugged_folder_is_not_written_beside(tmp_path: Path) -> None:
    root = tmp_path / "volume" / "blobs"
    blobs = _store(root)
    root.parent.rename(tmp_path / "away")

    for call in (blobs.write("a", b"x", content_type=TEXT), blobs.delete("a")):
        with pytest.raises(Exception, match="gone"):
            await call

    assert not root.parent.exists()


def test_what_a_dead_process_left_goes_at_start_and_what_a_live_one_writes_stays(
    tmp_path: Path,
) -> None:
    alive = _store(tmp_path)
    own = alive._desk.new()
    own.write_bytes(b"being written")
    dies = (
        "import sys, os; from pathlib import Path; from tintype.adapters.disk.desk import Desk;"
        "Desk(Path(sys.argv[1])).new().write_bytes(b'left'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", dies, str(tmp_path / "tmp")], check=False)
    assert b"left" in _content(tmp_path / "tmp")

    _store(tmp_path)

    assert own.read_bytes() == b"being written"
    assert _content(tmp_path / "tmp") == [b"being written"]


async def test_a_volume_that_is_not_mounted_is_never_written_beside(tmp_path: Path) -> None:
    volume = DiskBlobs(
        tmp_path / "slow", secret=SECRET, settings=DiskSettings(free_floor=0), mounted=True
    )
    (tmp_path / "slow").mkdir()

    for call in (
        volume.write("a", b"x", content_type=TEXT),
        volume.read("a"),
        volume.delete("a"),
    ):
        with pytest.raises(Unavailable):
            await call

    assert list((tmp_path / "slow").iterdir()) == []
    _store(tmp_path / "slow")
    await volume.write("a", b"x", content_type=TEXT)
    assert await volume.read("a") == b"x"


async def test_old_leftovers_go_at_start_and_young_ones_stay(tmp_path: Path) -> None:
    _store(tmp_path).close()
    old, young = tmp_path / "tmp" / "old", tmp_path / "tmp" / "young"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))

    _store(tmp_path)

    assert (old.exists(), young.exists()) == (False, True)


async def test_the_free_floor_is_left_to_others(tmp_path: Path) -> None:
    floor = shutil.disk_usage(tmp_path).total
    blobs = DiskBlobs(tmp_path, secret=SECRET, settings=DiskSettings(free_floor=floor))

    with pytest.raises(OutOfSpace):
        await blobs.write("a", b"x", content_type=TEXT)
    with pytest.raises(OutOfSpace):
        await blobs.create_upload("up", size=1, content_type=TEXT)
    assert await blobs.room() == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    root = tmp_path / "small"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(root)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield root
    subprocess.run(["umount", "-l", str(root)], check=True)


async def test_a_full_disk_is_out_of_space_and_reads_go_on(full_disk: Path) -> None:
    blobs = _store(full_disk)
    await blobs.write("kept", b"k" * 300_000, content_type=TEXT)
    upload = await blobs.create_upload("up", size=700_000, content_type=TEXT)
    async with _client(blobs) as client:
        put = _put(client)
        # Both fit when they begin; the disk runs full under the second.
        first = await blobs.sign_part("up", upload, number=1, size=450_000)
        assert (await put(first, b"1" * 450_000)).status_code == 200
        second = await blobs.sign_part("up", upload, number=2, size=450_000)

        answer = await put(second, b"2" * 450_000)

        assert answer.status_code == 507
        assert await blobs.read("kept") == b"k" * 300_000
        assert [part.number for part in await blobs.parts("up", upload)] == [1]
        assert _leftovers(full_disk) == []
        await blobs.delete("kept")
        assert (await put(second, b"2" * 450_000)).status_code == 200


async def test_a_disk_that_runs_full_within_a_write_leaves_nothing(full_disk: Path) -> None:
    blobs = _store(full_disk)
    free = shutil.disk_usage(full_disk).free
    (full_disk / "others").write_bytes(b"x" * (free - 100_000))
    blobs.intake._check_room = lambda _size: None  # as when another process took the room meanwhile
    upload = await blobs.create_upload("up", size=10, content_type=TEXT)
    signed = await blobs.sign_part("up", upload, number=1, size=400_000)

    async with _client(blobs) as client:
        answer = await _put(client)(signed, b"x" * 400_000)

    assert answer.status_code == 507
    assert _leftovers(full_disk) == []


def _leftovers(root: Path) -> list[str]:
    return [path.name for path in (root / "tmp").rglob("[!.]*") if path.is_file()]


def _content(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("[!.]*") if path.is_file()]
