"""What others did that concerns an account: followed, liked, commented, mentioned."""

from tintype.notifications.model import NotificationSettings
from tintype.notifications.service import Live, Notifications, Noting

__all__ = ["Live", "NotificationSettings", "Notifications", "Noting"]
