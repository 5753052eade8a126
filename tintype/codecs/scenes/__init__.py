"""Photos and videos out of nothing, for demonstrations, tests and benchmarks.

The same seed always paints the same picture. Nothing here is part of the decoding path.
"""

from tintype.codecs.scenes.cinema import paint_video
from tintype.codecs.scenes.gallery import SCENES, paint, paint_photo

__all__ = ["SCENES", "paint", "paint_photo", "paint_video"]
