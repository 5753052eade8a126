from __future__ import annotations

from tintype.database import Consumer
from tintype.notifications.model import EVENTS
from tintype.notifications.service import Noting


def consumers(noting: Noting) -> list[Consumer]:
    """The consumer group of notifications, apart from everything that feeds wait for."""
    return [Consumer("notifications", EVENTS, noting.take)]
