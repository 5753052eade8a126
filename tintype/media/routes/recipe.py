"""/v1/uploads/…/recipe: how a photo is to be shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tintype.codecs import LEAST_SIDE, Crop, LookName, Recipe
from tintype.codecs.recipe import Turn
from tintype.http import Access, Body, Call, IdPath, Routes
from tintype.kernel.problem import invalid_field
from tintype.media.errors import NotEditable, UploadExpired, UploadNotFound
from tintype.media.routes.door import Door
from tintype.media.views import UploadView

_FORGIVEN = 1e-6

Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[float, Field(ge=LEAST_SIDE, le=1)]
Both = Annotated[float, Field(ge=-1, le=1)]
Upwards = Annotated[float, Field(ge=0, le=1)]


class CropBody(Body):
    """The part that stays, in shares of the turned and mirrored photo's width and height."""

    x: Share
    y: Share
    width: Side
    height: Side


class RecipeBody(Body):
    """What is done to a photo, in this order; what is left out is not done."""

    turn: Turn = Field(default=0, description="clockwise, in degrees")
    mirror: bool = Field(default=False, description="left becomes right, after the turn")
    crop: CropBody | None = None
    brightness: Both = 0
    contrast: Both = 0
    highlights: Both = 0
    shadows: Both = 0
    saturation: Both = 0
    warmth: Both = 0
    tint: Both = 0
    fade: Upwards = 0
    look: LookName | None = None
    strength: Upwards = Field(default=1, description="of the look")
    vignette: Upwards = 0
    sharpen: Upwards = 0


def add_recipe(table: Routes, door: Door) -> None:
    """The route of recipes."""

    @table.put(
        "/v1/uploads/{upload_id}/recipe",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=UploadView,
        limit="upload",
        problems=[UploadNotFound, UploadExpired, NotEditable],
    )
    async def put_recipe(call: Call, upload_id: IdPath, body: RecipeBody) -> UploadView:
        """Have your photo edited; the file that you sent is kept as it is.

        An empty recipe shows the photo as it was sent. May be called at any time: before the bytes
        have arrived, and when the photo is part of a post already. What is shown stays until the
        edited photo is there. A photo that others may download is downloaded unedited.
        """
        upload = await door.media.recipes.put(upload_id, _recipe(body), actor=call.actor)
        return await door.media.upload(upload, parts=await door.uploads.stored_parts(upload))


def _recipe(body: RecipeBody) -> Recipe:
    """The recipe that a body describes.

    Raises:
        Invalid: the crop reaches beyond the photo.
    """
    values = body.model_dump(exclude={"crop"})
    return Recipe(crop=None if body.crop is None else _crop(body.crop), **values)


def _crop(body: CropBody) -> Crop:
    crop = Crop(**body.model_dump())
    for side, start, length in (
        ("width", crop.x, crop.width),
        ("height", crop.y, crop.height),
    ):
        if start + length > 1 + _FORGIVEN:
            raise invalid_field(f"/crop/{side}", "The crop reaches beyond the photo.")
    return crop
