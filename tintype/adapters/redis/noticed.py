"""A look at the notices and the pages of many timelines in one pipeline.

SINCE  page  page  page …  ──►  Redis        commands of one connection run in their order
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.notices import Look, RedisNotices
from tintype.adapters.redis.timelines import RedisTimelines, page_of
from tintype.adapters.redis.wire import Reply
from tintype.kernel.problem import Unavailable
from tintype.ports.noticed import Asked, Heard
from tintype.ports.notices import NoticesMissed

Take = Callable[[Heard | None], None]


class RedisNoticedPages:
    """Keeps every promise of the port ``NoticedPages``; all three stand on the same ``redis``.

    Not on a Cluster, where notices and timelines are on different servers: nothing is asked there.
    """

    def __init__(self, redis: Redis, notices: RedisNotices, timelines: RedisTimelines) -> None:
        self._redis = redis
        self._notices = notices
        self._timelines = timelines

    def ask(self, asked: Sequence[Asked], take: Take) -> bool:
        if self._redis.clustered or not self._notices.listening:
            return False
        look = self._notices.begin()
        question = self._timelines.page_command
        commands = [look.command, *(question(*each) for each in asked)]
        return self._redis.submit(commands, partial(self._answered, look, take))

    def _answered(self, look: Look, take: Take, replies: list[Reply] | None) -> None:
        heard = None
        if replies is not None:
            messages: Sequence[bytes] | None = None
            try:
                messages = self._notices.end(look, replies[0])
            except NoticesMissed:
                pass
            except Unavailable:
                take(None)
                return
            heard = Heard(messages, [page_of(reply) for reply in replies[1:]])
        take(heard)
