"""Pages of many timelines by one question, which looks at the notices first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tintype.kernel.ids import Id
from tintype.ports.timelines import TimelinePage


class Asked(NamedTuple):
    """What ``Timelines.page`` is given."""

    account: Id
    below: Id
    limit: int


class Heard(NamedTuple):
    """The messages that the look brought, and a page for each that was asked for, in order.

    ``messages`` is ``None`` when some were missed (see ``NoticesMissed``).
    """

    messages: Sequence[bytes] | None
    pages: Sequence[TimelinePage]


class NoticedPages(Protocol):
    """Stands between a ``NoticeChannel`` and ``Timelines`` that live on one server.

    The look is a ``catch_up`` of that channel: it brings what was published before ``ask`` was
    called and not handed over here yet, in its order. Every page is read *after* the look: whatever
    was pushed to a timeline before one of the messages was published is in that timeline's page.
    """

    def ask(self, asked: Sequence[Asked], take: Callable[[Heard | None], None]) -> bool:
        """Ask without waiting; ``False``, and nothing was asked, where that can not be done now.

        ``take`` is called once, in a later turn of the loop and in the order of the questions.
        ``None``: there is no answer. What came with an answer has to be applied at once, or what
        is held is not exact any more. A page may be ABSENT though the timeline is not.
        """
        ...
