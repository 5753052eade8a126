"""One decoder process as its parent sees it: started, given jobs, and ended without mercy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import msgspec

import tintype
from tintype.codecs.model import MIB, CodecSettings, DecoderDied, DiedAtWork, Rejected, Role
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.wire import (
    LONGEST_LINE,
    ORIGINAL,
    FilmJob,
    Job,
    Message,
    Posting,
    Probed,
    Progress,
    Ready,
)

FOLDER_PREFIX = "decoder-"
_PROGRAM = "tintype.codecs.child"
_START_SECONDS = 30
# Of a picture that is not decoded line by line, libvips keeps all pixels in a file meanwhile.
_PHOTO_FILE_BYTES = 256 * MIB
_MESSAGES: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_MAX_COORD": "65536",
}


class Worker:
    """A decoder process with a folder of its own; it sees that folder and nothing else.

    The folder holds ``incoming``, which the process may only read, and ``results``, which it may
    write; both are emptied between jobs.
    """

    def __init__(self, role: Role, settings: CodecSettings) -> None:
        self.role = role
        self.level = SandboxLevel()
        self.jobs = 0
        self._settings = settings
        self._folder = Path()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def results(self) -> Path:
        return self._folder / "results"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and wait until it is locked in.

        Raises:
            DecoderDied: it could not start here.
        """
        self._settings.scratch.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=self._settings.scratch))
        self._folder = self._folder.resolve()
        self._empty_folders()
        posting = msgspec.json.encode(self._posting()).decode()
        with (self._folder / "errors.log").open("wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-s", "-m", _PROGRAM, posting),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=self._folder,
                env=self._environment(),
                start_new_session=True,
                limit=LONGEST_LINE,
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                answer = await self._answer()
        except TimeoutError as error:
            raise DecoderDied("the decoder did not start in time") from error
        except DiedAtWork as error:
            raise DecoderDied(str(error)) from error
        if not isinstance(answer, Ready):
            raise DecoderDied(f"the decoder started with {type(answer).__name__}")
        self.level = answer.level

    async def work(
        self, source: Path, job: Job, told: Callable[[int], None] | None = None
    ) -> Message:
        """Do one job and return the last word on it; what it made lies in ``results``.

        ``told`` hears how far a film is, in percent.

        Raises:
            DiedAtWork: the process ended before it answered.
            Rejected: ``took-too-long``; the process is gone.
        """
        self.jobs += 1
        await asyncio.to_thread(self._take_in, source)
        if self._process is None or self._process.stdin is None:
            raise DecoderDied("the decoder is not running")
        try:
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            await self._process.stdin.drain()
            async with asyncio.timeout(job.seconds) as clock:
                answer = await self._answer()
                if isinstance(answer, Probed) and isinstance(job, FilmJob):
                    granted = job.factor * min(max(answer.seconds, 0), job.limits.seconds)
                    loop = asyncio.get_running_loop()
                    clock.reschedule(loop.time() + job.seconds + granted)
                    answer = await self._answer()
                while isinstance(answer, Progress):
                    if told is not None:
                        told(answer.percent)
                    answer = await self._answer()
                return answer
        except TimeoutError as error:
            raise Rejected("took-too-long", "This file takes too long to convert.") from error
        except ConnectionError as error:
            raise DiedAtWork(self._last_words()) from error

    async def clean(self) -> None:
        """Forget the last job's files."""
        await asyncio.to_thread(self._empty_folders)

    async def end(self) -> None:
        """Kill the process with everything that it started, and remove its folder."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
        if self._folder != Path():
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _answer(self) -> Message:
        process = self._process
        if process is None or process.stdout is None:
            raise DecoderDied("the decoder is not running")
        try:
            line = await process.stdout.readline()
        except ValueError as error:
            raise DiedAtWork("the decoder said too much") from error
        if not line.endswith(b"\n"):
            raise DiedAtWork(self._last_words())
        try:
            return _MESSAGES.decode(line)
        except msgspec.DecodeError as error:
            raise DiedAtWork("the decoder said something unknown") from error

    def _environment(self) -> dict[str, str]:
        """Nothing of the parent's: no secrets, no proxies, no preloads."""
        package = Path(tintype.__file__).resolve().parent
        return _ENVIRONMENT | {"PYTHONPATH": str(package.parent), "TMPDIR": str(self.results)}

    def _posting(self) -> Posting:
        settings, is_video = self._settings, self.role is Role.VIDEO
        return Posting(
            role=self.role,
            incoming=str(self._folder / "incoming"),
            results=str(self.results),
            memory=settings.video_memory if is_video else settings.photo_memory,
            file_bytes=settings.video_bytes if is_video else _PHOTO_FILE_BYTES,
            niceness=settings.niceness,
            ffmpeg=str(ffmpeg_program(settings)) if is_video else None,
        )

    def _take_in(self, source: Path) -> None:
        """Link the original into the folder, or copy it where it lies on another volume."""
        place = self._folder / "incoming" / ORIGINAL
        try:
            place.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, place)

    def _empty_folders(self) -> None:
        for name in ("incoming", "results"):
            folder = self._folder / name
            folder.mkdir(mode=0o700, exist_ok=True)
            for left in folder.iterdir():
                left.unlink()

    def _last_words(self) -> str:
        try:
            tail = (self._folder / "errors.log").read_bytes()[-2000:]
        except OSError:
            tail = b""
        return f"the decoder died: {tail.decode(errors='replace').strip() or 'it said nothing'}"


def ffmpeg_program(settings: CodecSettings) -> Path:
    """The ffmpeg that videos are converted with: the operator's, or the one that is installed.

    Raises:
        DecoderDied: there is none.
    """
    if settings.ffmpeg is not None:
        return settings.ffmpeg.resolve()
    spec = find_spec("imageio_ffmpeg")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        for found in sorted(Path(place).glob("binaries/ffmpeg-*")):
            return found.resolve()
    raise DecoderDied("there is no ffmpeg to convert videos with")
