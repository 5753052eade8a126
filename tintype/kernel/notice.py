"""Notices: what processes tell each other so that facts held in memory stay exact."""

from __future__ import annotations

import msgspec


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something changed with the commit that this notice belongs to.

    A notice says what to look up again, never a new value: notices of two commits may arrive in
    either order, and more than once. Subclasses give a ``tag``, their stable wire name.
    """
