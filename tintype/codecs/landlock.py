"""Landlock: a process gives up the file system, but for the paths that it names (Linux ≥ 5.13).

Numbers and structures are those of ``linux/landlock.h``; the calls have the same numbers on every
architecture. Rules bind this process and everything it starts, and cannot be taken back.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tintype.codecs import kernel_calls

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG, _TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_NOWHERE = Path("/dev/null")

_ABI_1_RIGHTS = (1 << 13) - 1
_REFER_ABI, _TRUNCATE_ABI, _NETWORK_ABI, _DEVICE_ABI, _SCOPE_ABI = 2, 3, 4, 5, 6
_REFER, _DEVICE = 1 << 13, 1 << 15
_BIND_AND_CONNECT = 0b11
_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class Rules(msgspec.Struct, frozen=True):
    """What the kernel agreed to enforce."""

    files: bool = False
    network: bool = False
    signals: bool = False


def abi() -> int:
    """The kernel's Landlock version; 0 when it has none or the machine switched it off."""
    return max(0, kernel_calls.call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def restrict(readable: Iterable[Path], writable: Path, executable: Iterable[Path]) -> Rules:
    """Allow reading, writing and starting only what is named. Missing paths are passed over."""
    version = abi()
    if version == 0:
        return Rules()
    rights = _rights(version)
    wanted = _Ruleset(
        rights,
        _BIND_AND_CONNECT if version >= _NETWORK_ABI else 0,
        _SOCKETS_AND_SIGNALS if version >= _SCOPE_ABI else 0,
    )
    ruleset = kernel_calls.call(_CREATE_RULESET, ctypes.byref(wanted), _size(version), 0)
    if ruleset < 0:
        return Rules()
    try:
        for path in readable:
            _allow(ruleset, path, _READ & rights)
        for path in executable:
            _allow(ruleset, path, (_READ | _EXECUTE) & rights)
        _allow(ruleset, _NOWHERE, _READ_FILE | _WRITE_FILE)
        _allow(ruleset, writable, (_WRITE | _TRUNCATE) & rights)
        holds = kernel_calls.call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)
    return Rules(holds, holds and version >= _NETWORK_ABI, holds and version >= _SCOPE_ABI)


def _rights(version: int) -> int:
    rights = _ABI_1_RIGHTS
    for since, right in ((_REFER_ABI, _REFER), (_TRUNCATE_ABI, _TRUNCATE), (_DEVICE_ABI, _DEVICE)):
        rights |= right if version >= since else 0
    return rights


def _size(version: int) -> int:
    """Older kernels refuse a structure longer than the one they know, unless its tail is zero."""
    return 24 if version >= _SCOPE_ABI else 16 if version >= _NETWORK_ABI else 8


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if stat.S_ISDIR(os.fstat(handle).st_mode) else rights & _ON_FILES
        rule = _PathBeneath(allowed, handle)
        kernel_calls.call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)
