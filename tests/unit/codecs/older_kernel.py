"""Runs a program as on a kernel without Landlock, or without seccomp: those calls do not exist.

Started as ``python -m tests.unit.codecs.older_kernel landlock|seccomp|both PROGRAM …``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from tintype.codecs import kernel_calls, seccomp

_NO_SUCH_CALL = 0x00050000 | errno.ENOSYS
_PRCTL = {"x86_64": 157, "aarch64": 167}
_LANDLOCK = (444, 445, 446)
_ALLOWED = seccomp._step(seccomp._RETURN, seccomp._ALLOW)


def take_away(missing: str) -> None:
    """Make the calls of a protection unknown to this process and all that it starts."""
    refused = seccomp._step(seccomp._RETURN, _NO_SUCH_CALL)
    code = seccomp._step(seccomp._LOAD_WORD, seccomp._NUMBER_AT)
    if missing in {"landlock", "both"}:
        for number in _LANDLOCK:
            code += seccomp._step(seccomp._JUMP_EQUAL, number, no=1) + refused
    if missing in {"seccomp", "both"}:
        code += seccomp._step(seccomp._JUMP_EQUAL, _PRCTL[os.uname().machine], no=3)
        code += seccomp._step(seccomp._LOAD_WORD, seccomp._FIRST_ARGUMENT_AT)
        code += seccomp._step(seccomp._JUMP_EQUAL, seccomp._PR_SET_SECCOMP, no=1) + refused
    code += _ALLOWED
    program = seccomp._Program(len(code) // 8, code)
    no_new_privileges = tuple(map(ctypes.c_ulong, (1, 0, 0, 0)))
    kernel_calls.control(kernel_calls.PR_SET_NO_NEW_PRIVS, *no_new_privileges)
    mode = ctypes.c_ulong(seccomp._MODE_FILTER)
    if kernel_calls.control(seccomp._PR_SET_SECCOMP, mode, ctypes.byref(program)) != 0:
        raise OSError("no filter can be set here")


if __name__ == "__main__":
    take_away(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
