"""seccomp: system calls that no decoder needs answer "not permitted" (Linux, x86-64 and ARM64).

The filter is a classic BPF program (``linux/filter.h``, ``linux/seccomp.h``) that looks at the
call's number, and for a few calls at the process that they are about. Starting programs is refused
too where a decoder has none to start.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from tintype.codecs import kernel_calls

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_X32_CALLS = 0x40000000

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# name: (x86-64, ARM64); None where the architecture has no such call.
_NETWORK: dict[str, tuple[int, int | None]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
}
_OTHER_PROCESSES: dict[str, tuple[int, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}
# Landlock does not cover these, and the original that came in is a link to the caller's file.
_ATTRIBUTES_OF_FILES: dict[str, tuple[int, int | None]] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "truncate": (76, 45),
}
_THE_MACHINE: dict[str, tuple[int, int | None]] = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "personality": (135, 92),
}
_STARTING_PROGRAMS: dict[str, tuple[int, int | None]] = {
    "execve": (59, 221),
    "execveat": (322, 281),
}
# Calls about a process, by its number; 0 is the caller itself, or its group.
_ABOUT_A_PROCESS: dict[str, tuple[int, int]] = {
    "kill": (62, 129),
    "prlimit64": (302, 261),
}
_TGKILL = (234, 131)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(*, may_execute: bool) -> bool:
    """Refuse the calls above from here on, for good; ``False`` where there is no seccomp."""
    known = _ARCHITECTURES.get(os.uname().machine)
    if known is None or sys.maxsize <= 1 << 32:
        return False
    architecture, column = known
    refused = _NETWORK | _OTHER_PROCESSES | _ATTRIBUTES_OF_FILES | _THE_MACHINE
    if not may_execute:
        refused |= _STARTING_PROGRAMS
    numbers = sorted({number for both in refused.values() if (number := both[column]) is not None})
    bound = {both[column]: 0 for both in _ABOUT_A_PROCESS.values()}
    bound[_TGKILL[column]] = os.getpid()  # abort() in this process; elsewhere it ends otherwise
    code = _assemble(architecture, numbers, bound)
    program = _Program(len(code) // 8, code)
    pointer = ctypes.byref(program)
    return kernel_calls.control(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), pointer) == 0


def _assemble(architecture: int, refused: list[int], bound: dict[int, int]) -> bytes:
    """The filter: some calls never, some only with this first argument (32 bits), others always."""
    body = [
        _step(_LOAD_WORD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, architecture, yes=1),
        _step(_RETURN, _KILL),
        _step(_LOAD_WORD, _NUMBER_AT),
        _step(_JUMP_AT_LEAST, _X32_CALLS, no=1),
        _step(_RETURN, _KILL),
    ]
    for number in refused:
        body += [_step(_JUMP_EQUAL, number, no=1), _step(_RETURN, _REFUSE)]
    for number, only in bound.items():
        body += [
            _step(_JUMP_EQUAL, number, no=4),
            _step(_LOAD_WORD, _FIRST_ARGUMENT_AT),
            _step(_JUMP_EQUAL, only, no=1),
            _step(_RETURN, _ALLOW),
            _step(_RETURN, _REFUSE),
        ]
    return b"".join([*body, _step(_RETURN, _ALLOW)])


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)
