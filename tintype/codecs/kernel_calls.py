"""The few Linux calls that Python has no name for, by their numbers."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PR_CAPBSET_DROP = 24
CAPSET_NUMBER = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: object) -> int:
    """A raw system call; −1 on refusal."""
    syscall = libc().syscall
    syscall.restype = ctypes.c_long
    widened = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    return int(syscall(ctypes.c_long(number), *widened))


def control(option: int, *arguments: object) -> int:
    """``prctl`` with its variadic arguments widened; −1 on refusal."""
    return int(libc().prctl(option, *arguments))


def threads() -> int:
    """How many threads this process has; 1 when the kernel will not tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 1


def follow_parent(number: int) -> None:
    """Be sent this signal when the parent is gone, however it went."""
    control(PR_SET_PDEATHSIG, ctypes.c_ulong(number))


def leave_network() -> bool:
    """Move into an empty network namespace, as root or through an unprivileged one."""
    unshare = libc().unshare
    if unshare(CLONE_NEWNET) == 0:
        return True
    return bool(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def drop_privileges() -> bool:
    """Give up every capability for good, root's included; programs started later get none."""
    if control(PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        return False
    for capability in range(LAST_CAPABILITY + 1):
        control(PR_CAPBSET_DROP, *map(ctypes.c_ulong, (capability, 0, 0, 0)))
    number = CAPSET_NUMBER.get(os.uname().machine)
    if number is None:
        return os.geteuid() != 0
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    return call(number, ctypes.byref(header), ctypes.byref(none)) == 0
