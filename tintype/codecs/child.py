"""The decoder process: locks itself in, then takes one job after the other from its parent.

Started as ``python -m tintype.codecs.child POSTING``, never imported by the server. It ends when
its parent closes the pipe, or dies.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
import time
from io import FileIO
from pathlib import Path
from types import FrameType

import msgspec

import tintype
from tintype.codecs import kernel_calls, sandbox
from tintype.codecs.model import Rejected, Role
from tintype.codecs.wire import (
    ORIGINAL,
    DownloadJob,
    Failed,
    FilmJob,
    GrowJob,
    Job,
    LoopJob,
    Message,
    PhotoJob,
    Posting,
    Ready,
    Refused,
    VideoJob,
)

_ATTEMPTS = 5
_JOBS: msgspec.json.Decoder[Job] = msgspec.json.Decoder(Job)


def main() -> None:
    posting = msgspec.json.decode(sys.argv[1], type=Posting)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_all)
    _give_way(posting.niceness)
    answers = _take_over_output()
    level = sandbox.confine(confinement(posting))
    kernel_calls.follow_parent(signal.SIGTERM)
    _load_libraries(posting.role)
    _say(answers, Ready(level))
    for line in sys.stdin.buffer:
        job = _JOBS.decode(line)
        sandbox.allow_processor_time(job.seconds)
        _say(answers, _answer(job, posting, answers))


def _give_way(niceness: int) -> None:
    """Let everything else on this machine go first.

    Linux shares processors out among sessions before it looks at niceness (``man 7 sched``,
    autogroups), and this process leads a session of its own: the session has to be nice as well.
    """
    reached = os.nice(niceness)
    for _ in range(_ATTEMPTS):
        try:
            Path("/proc/self/autogroup").write_text(str(reached))
        except BlockingIOError:
            # The kernel takes one such wish in a tenth of a second from all of us.
            time.sleep(0.1)
        except OSError:
            return
        else:
            return


def confinement(posting: Posting) -> sandbox.Confinement:
    """What a decoder may reach: two folders, libraries, and for videos ffmpeg."""
    program = Path(posting.ffmpeg) if posting.ffmpeg else None
    return sandbox.Confinement(
        readable=(Path(posting.incoming), *_python_libraries(), *sandbox.system_libraries()),
        writable=Path(posting.results),
        executable=(program, *sandbox.program_loaders()) if program else (),
        memory=posting.memory,
        file_bytes=posting.file_bytes,
    )


def _python_libraries() -> tuple[Path, ...]:
    """The interpreter's own modules, the installed ones, and Tintype's."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {Path(sysconfig.get_path(name)).resolve() for name in names}
    shared = Path(sysconfig.get_config_var("LIBDIR") or sys.base_prefix).resolve()
    return (*sorted(folders), shared, Path(tintype.__file__).resolve().parent)


def _load_libraries(role: Role) -> None:
    """Import what the role needs, after locking in: a library may start threads, and a thread
    older than the lock would stay outside.
    """
    if role is not Role.TRIAL:
        from tintype.codecs import photo

        photo.load_library()
    if role is Role.LOOP:
        import av.logging

        av.logging.set_level(av.logging.PANIC)
    if role is Role.VIDEO:
        from tintype.codecs import video

        video.load_library()


def _answer(job: Job, posting: Posting, answers: FileIO) -> Message:
    try:
        if isinstance(job, PhotoJob):
            from tintype.codecs import photo

            return photo.process(job, Path(posting.incoming), Path(posting.results))
        if isinstance(job, LoopJob | DownloadJob):
            return _more_of_photo(job, Path(posting.incoming), Path(posting.results))
        return _film(job, posting, answers)
    except Rejected as verdict:
        return Refused(verdict.code, verdict.sentence)
    except MemoryError:
        return Refused("could-not-read", "This file needs more memory than it may have.")
    except OSError as error:
        return Failed(f"{type(error).__name__}: {error}")


def _more_of_photo(job: LoopJob | DownloadJob, incoming: Path, results: Path) -> Message:
    """What only some photos get; imported only then."""
    if isinstance(job, LoopJob):
        from tintype.codecs import loop

        return loop.process(job, incoming, results)
    from tintype.codecs import download

    return download.process(job, incoming, results)


def _film(job: FilmJob, posting: Posting, answers: FileIO) -> Message:
    from tintype.codecs import video

    studio = video.Studio(
        job,
        Path(posting.ffmpeg or ""),
        Path(posting.incoming) / ORIGINAL,
        Path(posting.results),
        lambda message: _say(answers, message),
    )
    if isinstance(job, VideoJob):
        return video.process(studio, job)
    if isinstance(job, GrowJob):
        return video.grow(studio, job)
    return video.still(studio, job)


def _take_over_output() -> FileIO:
    """Keep standard output for answers alone: what libraries print goes to standard error."""
    answers = FileIO(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _say(answers: FileIO, message: Message) -> None:
    answers.write(msgspec.json.encode(message) + b"\n")


def _end_all(_number: int, _frame: FrameType | None) -> None:
    """Take everything that this process started along when it has to go."""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
