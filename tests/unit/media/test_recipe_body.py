"""What the API takes as a recipe is what a recipe is: the same values, within the same bounds."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from annotated_types import Ge, Le
from pydantic import BaseModel

from tintype.codecs import Crop, Recipe
from tintype.media.routes.recipe import CropBody, RecipeBody


@pytest.mark.parametrize(("body", "struct"), [(RecipeBody, Recipe), (CropBody, Crop)])
def test_a_body_has_every_value_with_its_bounds_and_its_default(
    body: type[BaseModel], struct: type[msgspec.Struct]
) -> None:
    hints = get_type_hints(struct, include_extras=True)
    meant = {
        field.name: (_bounds(hints[field.name]), field.default)
        for field in msgspec.structs.fields(struct)
    }

    taken = {
        name: (_taken(field.metadata), msgspec.NODEFAULT if field.is_required() else field.default)
        for name, field in body.model_fields.items()
    }

    assert taken == meant


def _bounds(hint: Any) -> tuple[float | None, float | None]:
    for each in get_args(hint):
        if isinstance(each, msgspec.Meta):
            return each.ge, each.le
    return None, None


def _taken(metadata: list[Any]) -> tuple[Any, Any]:
    least = next((each.ge for each in metadata if isinstance(each, Ge)), None)
    most = next((each.le for each in metadata if isinstance(each, Le)), None)
    return least, most
