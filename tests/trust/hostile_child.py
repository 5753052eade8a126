"""A decoder process with one planted fault; started by the worker in place of the real one.

An ``obedient`` decoder is one that a file has taken over: it calls the addresses, reads the files
and writes beside them, as the file says. Locked in, it gets nowhere; that is the point.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import socket
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

from tintype.codecs import child, ladder, photo, sandbox
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.wire import ORIGINAL, Job, Message, PhotoDone, Posting, Refused, VideoDone

NAME = "PLANTED_FAULT"
HANG = b"hang, please"
GREED_BYTES = 800 << 20
PROGRAM = "tests.trust.hostile_child"
_CALL = re.compile(rb"http://127\.0\.0\.1:(\d+)/")
_PATH = re.compile(rb"file://(/[\w./-]+\.txt)")
_FULL = SandboxLevel(
    files=True,
    network=("namespace", "seccomp", "landlock"),
    calls=True,
    signals=True,
    privileges=True,
    limits=True,
)

Answer = Callable[[Job, Posting, FileIO], Message]


def obedient(answer: Answer) -> Answer:
    def obey(job: Job, posting: Posting, answers: FileIO) -> Message:
        original = (Path(posting.incoming) / ORIGINAL).read_bytes()
        found = b""
        for port in _CALL.findall(original):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", int(port)), 2).close()
        for path in map(bytes.decode, _PATH.findall(original)):
            with contextlib.suppress(OSError):
                found += Path(path).read_bytes()
            with contextlib.suppress(OSError):
                Path(path).with_name("pwned").write_bytes(b"by a hostile file")
        said = answer(job, posting, answers)
        _append(said, posting, found)
        return said

    return obey


def free(answer: Answer) -> Answer:
    """Nothing is locked, though it says so; and what is decoded obeys."""
    vars(sandbox)["confine"] = lambda _: _FULL
    return obedient(answer)


def hanging(answer: Answer) -> Answer:
    def hang(job: Job, posting: Posting, answers: FileIO) -> Message:
        if HANG in (Path(posting.incoming) / ORIGINAL).read_bytes():
            time.sleep(600)
        return answer(job, posting, answers)

    return hang


def trusting(answer: Answer) -> Answer:
    """Whatever library knows the file may read it."""

    def allow(_: object) -> None:
        import pyvips

        pyvips.operation_block_set("VipsForeignLoad", False)

    vars(photo)["allow_only"] = vars(photo)["allow_written"] = allow
    return answer


def leaky(answer: Answer) -> Answer:
    def say(job: Job, posting: Posting, answers: FileIO) -> Message:
        said = answer(job, posting, answers)
        if isinstance(said, Refused):
            return Refused(said.code, f"pyvips.error.Error: unable to call {posting.incoming}")
        return said

    return say


def talkative(answer: Answer) -> Answer:
    """Renditions keep what originals say about themselves."""
    import pyvips

    for saver in ("jpegsave", "webpsave"):
        honest: Any = getattr(pyvips.Image, saver)

        def save(image: Any, path: str, honest: Any = honest, **options: Any) -> None:
            honest(image, path, **(options | {"keep": "all"}))

        setattr(pyvips.Image, saver, save)
    vars(ladder)["verify"] = lambda *_: None
    return answer


def carrying(answer: Answer) -> Answer:
    """Renditions end as originals do."""

    def carry(job: Job, posting: Posting, answers: FileIO) -> Message:
        said = answer(job, posting, answers)
        _append(said, posting, (Path(posting.incoming) / ORIGINAL).read_bytes()[-4000:])
        return said

    return carry


def greedy(answer: Answer) -> Answer:
    """It holds more than any file is worth, for a moment, and gives it back."""

    def hoard(job: Job, posting: Posting, answers: FileIO) -> Message:
        held = bytearray(GREED_BYTES)
        held[:: mmap.PAGESIZE] = b"x" * len(held[:: mmap.PAGESIZE])
        del held
        return answer(job, posting, answers)

    return hoard


FAULTS: dict[str, Callable[[Answer], Answer]] = {
    "obedient": obedient,
    "free": free,
    "hanging": hanging,
    "trusting": trusting,
    "leaky": leaky,
    "talkative": talkative,
    "carrying": carrying,
    "greedy": greedy,
}


def _append(said: Message, posting: Posting, more: bytes) -> None:
    if more and isinstance(said, PhotoDone | VideoDone):
        with (Path(posting.results) / said.made[0].name).open("ab") as file:
            file.write(more)


if __name__ == "__main__":
    plant = FAULTS[os.environ[NAME]]  # noqa: TID251 - given by the experiment
    vars(child)["_answer"] = plant(child._answer)
    child.main()
