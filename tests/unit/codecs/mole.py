"""A decoder that was taken over: locked in like any other, it tries everything that is forbidden.

Started as ``python -m tests.unit.codecs.mole POSTING AIMS``; instead of doing a job it answers with
what came of each attempt: ``"done"``, or the name of the error that stopped it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

from tintype.codecs import child, kernel_calls
from tintype.codecs.wire import ORIGINAL, Failed, Job, Message, Posting


class Aims(msgspec.Struct, frozen=True):
    """What lies outside: a port of this machine, a process, a folder, a file."""

    port: int
    process: int
    folder: str
    file: str


def attempts(aims: Aims, posting: Posting) -> dict[str, Callable[[], Any]]:
    outside = Path(aims.folder)
    incoming, results = Path(posting.incoming), Path(posting.results)
    here = ("127.0.0.1", aims.port)
    return {
        "read the passwords": Path("/etc/passwd").read_bytes,
        "read a file of another account": Path(aims.file).read_bytes,
        "list the root": lambda: list(Path("/").iterdir()),
        "list the scratch folder": lambda: list(results.parent.parent.iterdir()),
        "read the memory of others": Path(f"/proc/{aims.process}/maps").read_bytes,
        "read the parent's environment": Path(f"/proc/{os.getppid()}/environ").read_bytes,
        "write outside": lambda: (outside / "note").write_bytes(b"x"),
        "change the original": lambda: (incoming / ORIGINAL).write_bytes(b"x"),
        "shorten the original": lambda: os.truncate(incoming / ORIGINAL, 1),
        "delete the original": (incoming / ORIGINAL).unlink,
        "open the original to all": lambda: (incoming / ORIGINAL).chmod(0o777),
        "link a file out": lambda: os.link(incoming / ORIGINAL, outside / "link"),
        "follow a link out": lambda: _through_a_link(results / "link", Path(aims.file)),
        "make a device": lambda: os.mknod(results / "device", 0o600 | 0o060000, 0x800),
        "call by TCP": lambda: socket.create_connection(here, 2).close(),
        "call by UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", here),
        "call by a local socket": lambda: socket.socket(socket.AF_UNIX).connect("\0tintype"),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "signal the parent": lambda: os.kill(os.getppid(), signal.SIGCONT),
        "kill another process": lambda: os.kill(aims.process, signal.SIGKILL),
        "kill a group": lambda: os.killpg(os.getpgid(aims.process), signal.SIGKILL),
        "kill everything": lambda: os.kill(-1, signal.SIGCONT),
        "trace another process": lambda: _trace(aims.process),
        "starve another process": lambda: resource.prlimit(
            aims.process, resource.RLIMIT_NOFILE, (3, 3)
        ),
        "slow another process": lambda: os.setpriority(os.PRIO_PROCESS, aims.process, 19),
        "start a shell": lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True),
        "be root again": lambda: os.setuid(0) if os.geteuid() else os.chroot("/"),
        "mount": lambda: _called(165, b"none", b"/tmp", b"tmpfs", 0, None),
        "leave the namespace": lambda: _called(272, 0x10000000),
        "raise its own limits": lambda: resource.setrlimit(
            resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        ),
        "write a huge file": lambda: _huge(results / "huge", posting.file_bytes + 1),
        "take all memory": lambda: bytearray(posting.memory),
        "load the kernel's programs": lambda: _called(321, 5, None, 0),
    }


def allowed(posting: Posting) -> dict[str, Callable[[], Any]]:
    """What a decoder needs: if these failed, refusals would prove nothing."""
    note = Path(posting.results) / "note"
    return {
        "read the original": (Path(posting.incoming) / ORIGINAL).read_bytes,
        "write a result": lambda: note.write_bytes(b"x"),
        "read a result": note.read_bytes,
        "delete a result": note.unlink,
        "write to nowhere": lambda: Path("/dev/null").write_bytes(b"x"),
    }


def _through_a_link(link: Path, target: Path) -> bytes:
    link.symlink_to(target)
    return link.read_bytes()


def _trace(process: int) -> None:
    if ctypes.CDLL(None, use_errno=True).ptrace(16, process, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _called(number: int, *arguments: Any) -> None:
    if kernel_calls.call(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _huge(path: Path, size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with path.open("wb") as file:
        file.truncate(size)


def _tried(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except (OSError, ValueError, MemoryError) as error:
        return type(error).__name__
    return "done"


def _answer(job: Job, posting: Posting, answers: FileIO) -> Message:
    aims = msgspec.json.decode(sys.argv[2], type=Aims)
    tried = {**allowed(posting), **attempts(aims, posting)}
    return Failed(
        msgspec.json.encode({name: _tried(each) for name, each in tried.items()}).decode()
    )


if __name__ == "__main__":
    child._answer = _answer
    child.main()
