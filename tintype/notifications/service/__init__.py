"""The use cases of the notifications slice."""

from tintype.notifications.service.live import Live
from tintype.notifications.service.notifications import Notifications
from tintype.notifications.service.noting import Noting

__all__ = ["Live", "Notifications", "Noting"]
