"""Locking a decoder process in: what it may reach is decided before it sees a stranger's byte.

Call ``confine`` once, in a fresh process with a single thread. Every layer is tried on its own and
reported in the ``SandboxLevel``: where a kernel or a container refuses one, the others still stand
and the level says so.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from pathlib import Path

import msgspec

from tintype.codecs import kernel_calls, landlock, seccomp


class SandboxLevel(msgspec.Struct, frozen=True, kw_only=True):
    """The protections that are really in force in decoder processes."""

    files: bool = False
    """Only the decoder's own folder and read-only libraries can be opened (Landlock)."""
    network: tuple[str, ...] = ()
    """What keeps the network away: ``namespace``, ``seccomp``, ``landlock``."""
    calls: bool = False
    """System calls that a decoder never needs are refused (seccomp)."""
    signals: bool = False
    """Processes outside the sandbox cannot be signalled (seccomp; Landlock from ABI 6 on)."""
    privileges: bool = False
    """All capabilities are gone and cannot come back."""
    limits: bool = False
    """Processor time, memory, file sizes and open files are bounded (rlimits)."""

    @property
    def name(self) -> str:
        """``full``, ``partial``, or ``limits-only`` when neither files nor network are closed."""
        if not self.gaps:
            return "full"
        return "partial" if self.files or self.network else "limits-only"

    @property
    def gaps(self) -> tuple[str, ...]:
        """What stays open, in words for an operator; empty when nothing does."""
        closed = {
            "files": self.files,
            "network": bool(self.network),
            "system calls": self.calls,
            "signals": self.signals,
            "privileges": self.privileges,
            "limits": self.limits,
        }
        return tuple(name for name, holds in closed.items() if not holds)

    def weaker(self, other: SandboxLevel) -> SandboxLevel:
        """What both levels protect from."""
        return SandboxLevel(
            files=self.files and other.files,
            network=tuple(each for each in self.network if each in other.network),
            calls=self.calls and other.calls,
            signals=self.signals and other.signals,
            privileges=self.privileges and other.privileges,
            limits=self.limits and other.limits,
        )


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """What one decoder process is allowed."""

    readable: tuple[Path, ...]
    """Files and folders that may be read: what came in, the interpreter, system libraries."""
    writable: Path
    """The one folder whose files may be written."""
    executable: tuple[Path, ...] = ()
    """Programs that may be started; with none, starting programs is refused."""
    memory: int
    """Bytes of address space."""
    file_bytes: int
    """The largest file that may be written, in bytes."""
    open_files: int = 128


def confine(wanted: Confinement) -> SandboxLevel:
    """Lock this process and all that it will start in, for good."""
    limits = _limit(wanted)
    if sys.platform != "linux":
        return SandboxLevel(limits=limits)
    if kernel_calls.threads() != 1:
        message = "confine() must run before any thread starts: older threads would stay free"
        raise RuntimeError(message)
    namespace = kernel_calls.leave_network()
    privileges = kernel_calls.drop_privileges()
    rules = landlock.restrict(wanted.readable, wanted.writable, wanted.executable)
    calls = seccomp.restrict(may_execute=bool(wanted.executable)) and not _opens_sockets()
    network = {"namespace": namespace, "seccomp": calls, "landlock": rules.network}
    return SandboxLevel(
        files=rules.files and not _reads_elsewhere(),
        network=tuple(name for name, holds in network.items() if holds),
        calls=calls,
        signals=(rules.signals or calls) and not _reaches_parent(),
        privileges=privileges,
        limits=limits,
    )


def _limit(wanted: Confinement) -> bool:
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: wanted.open_files,
        resource.RLIMIT_FSIZE: wanted.file_bytes,
    }
    if sys.platform == "linux":
        bounds[resource.RLIMIT_AS] = wanted.memory
    for kind, bound in bounds.items():
        _, hard = resource.getrlimit(kind)
        value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (value, value))
    return True


def _reads_elsewhere() -> bool:
    """Whether the root folder can still be listed, which any sandboxed process must not."""
    try:
        os.listdir("/")  # noqa: PTH208 - the bare call is what is tried
    except PermissionError:
        return False
    return True


def _opens_sockets() -> bool:
    try:
        socket.socket().close()
    except PermissionError:
        return False
    return True


def _reaches_parent() -> bool:
    """Whether the parent can be signalled; signal 0 asks without sending one."""
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return False
    return True


def allow_processor_time(seconds: float) -> None:
    """Let this process, and each one that it starts, use the processor for so long from now on.

    The kernel then ends it by SIGXCPU. A hijacked decoder could grant itself more: against that
    stands the parent's clock.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def system_libraries() -> tuple[Path, ...]:
    """Where programs of this machine keep what they need to start, read-only."""
    places = ("/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store")
    files = ("/etc/ld.so.cache", "/dev/zero", "/dev/urandom", "/dev/random")
    return tuple(Path(place) for place in places + files if os.path.exists(place))  # noqa: PTH110


def program_loaders() -> tuple[Path, ...]:
    """The dynamic loaders, which the kernel starts on behalf of a program."""
    places = (Path("/lib64"), Path("/lib"))
    names = ("ld-linux*.so*", "ld-musl-*.so*")
    found = (each for place in places for name in names for each in place.glob(name))
    return tuple(each.resolve() for each in found)
