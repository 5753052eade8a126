"""What others did that concerns an account: followed, liked, commented, mentioned."""

from tintype.notifications.service import Notifications, Noting

__all__ = ["Notifications", "Noting"]
