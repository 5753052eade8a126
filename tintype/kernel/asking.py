"""Whose request is running."""

from __future__ import annotations

from contextvars import ContextVar

from tintype.kernel.ids import Id

asking: ContextVar[tuple[Id, Id] | None] = ContextVar("asking", default=None)
"""The account and the session of the caller; ``None`` for strangers and outside of requests.

Who may do what is never decided by it: it only tells what is handed out to which session.
"""
