"""Decoder processes come, work, die and go without anybody noticing but the file at fault."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pyvips

from tests.unit.codecs import originals
from tintype.codecs import Codecs, CodecSettings, DecoderDied, Limits, Rejected
from tintype.codecs.collect import collect
from tintype.codecs.model import DiedAtWork
from tintype.codecs.pool import Pool
from tintype.codecs.wire import Made

pytestmark = pytest.mark.slow


@asynccontextmanager
async def _codecs(folder: Path, **settings: Any) -> AsyncIterator[Codecs]:
    scratch = folder / "scratch"
    made = Codecs(CodecSettings(scratch=scratch, niceness=0, **settings))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        assert list(scratch.iterdir()) == []


async def test_decoders_let_everything_else_go_first_and_their_session_too(tmp_path: Path) -> None:
    codecs = Codecs(CodecSettings(scratch=tmp_path / "scratch", niceness=7))
    await codecs.start()
    try:
        await codecs.process_photo(_small(tmp_path), tmp_path / "out")
        pids = [worker.pid or 0 for worker in codecs._photos.workers]
        nice = os.getpriority(os.PRIO_PROCESS, 0) + 7
        sessions = [Path(f"/proc/{pid}/autogroup") for pid in pids]

        assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in pids} == {nice}
        # Kernels without autogroups have no such file.
        told = {place.read_text().split()[-1] for place in sessions if place.exists()}
        assert told <= {str(nice)}
    finally:
        await codecs.stop()


def _small(folder: Path) -> Path:
    path = folder / "small"
    path.write_bytes(originals.photo("jpeg"))
    return path


def _slow(folder: Path) -> Path:
    """A photo that takes most of a second."""
    path = folder / "slow"
    path.write_bytes(_noise())
    return path


@cache
def _noise() -> bytes:
    noise = pyvips.Image.gaussnoise(4800, 3200, mean=120, sigma=40, seed=1).cast("uchar")
    data: bytes = noise.bandjoin([noise, noise]).pngsave_buffer(compression=1)
    return data


def _alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True


async def _until(condition: Callable[[], bool], patience_s: float = 10) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def _at_work(pool: Pool) -> int:
    """The process of the job that runs, once it has had the time to begin."""
    await _until(lambda: any(worker.jobs for worker in pool.workers))
    await asyncio.sleep(0.1)
    return next(worker.pid or 0 for worker in pool.workers if worker.jobs)


async def test_a_decoder_that_is_killed_at_work_is_replaced_and_the_job_repeated(
    tmp_path: Path,
) -> None:
    async with _codecs(tmp_path, photo_slots=1) as codecs:
        job = asyncio.create_task(codecs.process_photo(_slow(tmp_path), tmp_path / "out"))
        killed = await _at_work(codecs._photos)

        os.kill(killed, signal.SIGKILL)
        result = await job

        assert (result.width, result.height) == (4800, 3200)
        assert [worker.pid != killed for worker in codecs._photos.workers] == [True]


async def test_a_file_that_kills_its_decoder_twice_is_refused(tmp_path: Path) -> None:
    async with _codecs(tmp_path, photo_slots=1) as codecs:
        job = asyncio.create_task(codecs.process_photo(_slow(tmp_path), tmp_path / "out"))
        first = await _at_work(codecs._photos)
        os.kill(first, signal.SIGSEGV)
        await _until(lambda: all(worker.pid != first for worker in codecs._photos.workers))
        os.kill(await _at_work(codecs._photos), signal.SIGSEGV)

        with pytest.raises(Rejected) as refused:
            await job
        after = await codecs.process_photo(_small(tmp_path), tmp_path / "out")

        assert refused.value.code == "could-not-read"
        assert after.renditions


async def test_stopping_fails_what_is_under_way_as_the_machines_fault(tmp_path: Path) -> None:
    async with _codecs(tmp_path, photo_slots=1) as codecs:
        job = asyncio.create_task(codecs.process_photo(_slow(tmp_path), tmp_path / "out"))
        pid = await _at_work(codecs._photos)

        await codecs.stop()

        with pytest.raises(DecoderDied):
            await job
        assert not _alive(pid)
        with pytest.raises(DecoderDied):
            await codecs.process_photo(_small(tmp_path), tmp_path / "out")


async def test_what_takes_too_long_is_ended_and_told(tmp_path: Path) -> None:
    async with _codecs(tmp_path, photo_slots=1, photo_seconds=0.3) as codecs:
        began = time.monotonic()

        with pytest.raises(Rejected) as refused:
            await codecs.process_photo(_slow(tmp_path), tmp_path / "out")

        assert refused.value.code == "took-too-long"
        assert time.monotonic() - began < 8
        assert codecs._photos.workers == ()


async def test_a_film_that_takes_too_long_takes_its_ffmpeg_along(tmp_path: Path) -> None:
    source = originals.film(tmp_path / "film.mp4", size="1920x1080", rate=30, seconds=4)
    settings = {"video_seconds": 0.6, "video_factor": 0.05}
    async with _codecs(tmp_path, **settings) as codecs:
        with pytest.raises(Rejected) as refused:
            await codecs.process_video(source, tmp_path / "out")

        assert refused.value.code == "took-too-long"
        await _until(lambda: not _running(str(tmp_path / "scratch")))


def _running(folder: str) -> list[Path]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if folder.encode() in (entry / "cmdline").read_bytes():
                found.append(entry)
        except OSError:
            continue
    return found


async def test_a_photo_that_needs_more_memory_than_allowed_is_refused(tmp_path: Path) -> None:
    progressive = tmp_path / "large"
    image = originals.quarters(9000, 5000)
    progressive.write_bytes(image.jpegsave_buffer(interlace=True, Q=60))
    async with _codecs(tmp_path, photo_memory=300 << 20) as codecs:
        assert (await codecs.process_photo(_small(tmp_path), tmp_path / "out")).renditions

        with pytest.raises(Rejected) as refused:
            await codecs.process_photo(progressive, tmp_path / "out")

        assert refused.value.code == "could-not-read"


async def test_decoders_are_used_again_and_replaced_after_so_many_files(tmp_path: Path) -> None:
    async with _codecs(tmp_path, photo_slots=1, jobs_per_worker=3) as codecs:
        seen = []
        for _ in range(4):
            await codecs.process_photo(_small(tmp_path), tmp_path / "out")
            seen += [worker.pid for worker in codecs._photos.workers]

        assert len(seen) == 3
        assert seen[0] == seen[1] != seen[2]


async def test_a_decoder_that_refused_a_file_is_not_used_again(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(originals.photo("jpeg")[:300])
    async with _codecs(tmp_path, photo_slots=1) as codecs:
        await codecs.process_photo(_small(tmp_path), tmp_path / "out")

        with pytest.raises(Rejected):
            await codecs.process_photo(broken, tmp_path / "out")

        assert codecs._photos.workers == ()


async def test_idle_decoders_go_after_a_while(tmp_path: Path) -> None:
    async with _codecs(tmp_path, idle_seconds=0.3) as codecs:
        await codecs.process_photo(_small(tmp_path), tmp_path / "out")
        pids = [worker.pid for worker in codecs._photos.workers]

        await _until(lambda: not codecs._photos.workers)

        await _until(lambda: not any(map(_alive, pids)))
        await _until(lambda: not list((tmp_path / "scratch").iterdir()))


async def test_no_more_decoders_run_than_there_are_slots(tmp_path: Path) -> None:
    async with _codecs(tmp_path, photo_slots=2) as codecs:
        small = _small(tmp_path)
        made = [codecs.process_photo(small, tmp_path / f"out-{place}") for place in range(6)]

        results = await asyncio.gather(*made)

        assert len({result.renditions[0].sha256 for result in results}) == 1
        assert len(codecs._photos.workers) <= 2


async def test_a_job_that_is_cancelled_ends_its_decoder(tmp_path: Path) -> None:
    async with _codecs(tmp_path, photo_slots=1) as codecs:
        job = asyncio.create_task(codecs.process_photo(_slow(tmp_path), tmp_path / "out"))
        pid = await _at_work(codecs._photos)

        job.cancel()
        await asyncio.gather(job, return_exceptions=True)

        assert not _alive(pid)
        assert (await codecs.process_photo(_small(tmp_path), tmp_path / "out")).renditions


async def test_decoders_go_when_the_server_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from tintype.codecs import *\n"
        "async def main(scratch, photo):\n"
        "    codecs = Codecs(CodecSettings(scratch=scratch)); await codecs.start()\n"
        "    await codecs.process_photo(photo, scratch / 'out')\n"
        "    print(codecs._photos.workers[0].pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main(*map(Path, sys.argv[1:])))\n"
    )
    server = subprocess.Popen(  # noqa: ASYNC220 - starts at once
        [sys.executable, "-c", script, str(tmp_path / "scratch"), str(_small(tmp_path))],
        stdout=subprocess.PIPE,
    )
    decoder = int((server.stdout.readline() if server.stdout else b"") or 0)
    assert _alive(decoder)

    server.kill()
    server.communicate()

    await _until(lambda: not _alive(decoder) or _is_gone(decoder))


def _is_gone(pid: int) -> bool:
    """Whether it ended, though nobody has collected it yet."""
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


async def test_what_a_crash_left_behind_is_swept_at_the_start(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "decoder-old" / "incoming"
    left.mkdir(parents=True)
    (left / "original").write_bytes(b"x")

    async with _codecs(tmp_path):
        assert not left.exists()


@pytest.mark.parametrize("ffmpeg", [Path("/nowhere/ffmpeg"), Path("/bin/false")])
async def test_without_a_working_ffmpeg_videos_fail_and_photos_go_on(
    tmp_path: Path, ffmpeg: Path
) -> None:
    source = originals.film(tmp_path / "film.mp4", size="64x48", seconds=0.2)
    async with _codecs(tmp_path, ffmpeg=ffmpeg) as codecs:
        with pytest.raises(DecoderDied):
            await codecs.process_video(source, tmp_path / "out")

        assert (await codecs.process_photo(_small(tmp_path), tmp_path / "out")).renditions


async def test_limits_are_the_operators(tmp_path: Path) -> None:
    async with _codecs(tmp_path, limits=Limits(pixels=1000)) as codecs:
        with pytest.raises(Rejected) as refused:
            await codecs.process_photo(_small(tmp_path), tmp_path / "out")

        assert (
            refused.value.sentence == "This photo is 64 × 48 pixels; the limit is 0.001 megapixels."
        )


@pytest.mark.parametrize("trick", ["nothing", "link", "second name", "pipe", "other kind"])
def test_results_are_taken_only_if_they_are_what_they_are_said_to_be(
    tmp_path: Path, trick: str
) -> None:
    results, outside = tmp_path / "results", tmp_path / "outside"
    results.mkdir()
    outside.write_bytes(originals.photo("jpeg"))
    place = results / "150.jpg"
    match trick:
        case "link":
            place.symlink_to(outside)
        case "second name":
            place.hardlink_to(outside)
        case "pipe":
            os.mkfifo(place)
        case "other kind":
            place.write_bytes(originals.photo("png"))

    with pytest.raises(DiedAtWork):
        collect([Made("150", "jpeg", 64, 48)], results, tmp_path / "out")


def test_what_was_taken_is_counted_and_hashed(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    data = originals.photo("jpeg")
    (results / "150.jpg").write_bytes(data)

    (made,) = collect([Made("150", "jpeg", 64, 48)], results, tmp_path / "out")

    assert (made.bytes, made.path.read_bytes()) == (len(data), data)
    assert list(results.iterdir()) == []


async def test_a_decoder_of_videos_that_are_expected_is_there_when_they_come(
    tmp_path: Path,
) -> None:
    async with _codecs(tmp_path) as codecs:
        codecs.expect_video()
        codecs.expect_video()
        async with asyncio.timeout(60):
            while not codecs._videos._idle:  # noqa: ASYNC110 - another process is waited for
                await asyncio.sleep(0.01)
        [ready] = codecs._videos.workers
        codecs.expect_video()
        async with codecs._videos.worker() as taken:
            assert taken is ready


async def test_a_decoder_that_nobody_came_for_ends(tmp_path: Path) -> None:
    async with _codecs(tmp_path, idle_seconds=0.1) as codecs:
        codecs.expect_video()
        assert codecs._warming is not None
        await codecs._warming
        async with asyncio.timeout(60):
            while codecs._videos.workers:  # noqa: ASYNC110 - another process is waited for
                await asyncio.sleep(0.01)
