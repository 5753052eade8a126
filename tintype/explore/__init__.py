"""Finding what one does not follow yet: search."""

from tintype.explore.service import Explore
from tintype.explore.views import SearchResult

__all__ = ["Explore", "SearchResult"]
