"""The use cases of the posts slice."""

from tintype.posts.service.cards import FOLLOWED, Card, Whys
from tintype.posts.service.erasing import ERASE, PostErasure
from tintype.posts.service.posts import Posts
from tintype.posts.service.publishing import DeliveryPolicy

__all__ = ["ERASE", "FOLLOWED", "Card", "DeliveryPolicy", "PostErasure", "Posts", "Whys"]
