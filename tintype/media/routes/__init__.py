"""/v1/uploads, the avatar, the limits, and the delivery of files under /media."""

from tintype.http import Access, Call, Routes
from tintype.media.routes.avatars import add_avatar
from tintype.media.routes.companion import add_companion
from tintype.media.routes.door import Door
from tintype.media.routes.files import add_files
from tintype.media.routes.originals import add_originals
from tintype.media.routes.recipe import add_recipe
from tintype.media.routes.storage import StorageEvents, machine_routes
from tintype.media.routes.uploads import add_uploads
from tintype.media.views import LimitsView, limits_view

__all__ = ["Door", "StorageEvents", "machine_routes", "routes"]


def routes(door: Door) -> Routes:
    """The routes of the media slice."""
    table = Routes("media")
    add_uploads(table, door)
    add_companion(table, door)
    add_originals(table, door)
    add_recipe(table, door)
    add_avatar(table, door)
    add_files(table, door)

    @table.get("/v1/limits", access=Access.ANYONE, returns=LimitsView)
    async def read_limits(call: Call) -> LimitsView:
        """What this server accepts, and how much room you have left."""
        quota = None if call.viewer is None else await door.uploads.quota(call.viewer)
        return limits_view(door.uploads.settings, door.texts, quota)

    return table
