"""From an original to its verified renditions: shared steps, those of photos, those of videos."""

from tintype.media.service.processing.pipeline import Processing

__all__ = ["Processing"]
