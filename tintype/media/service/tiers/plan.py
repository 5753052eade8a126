"""Which tier an object belongs to, and where each tier is kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tintype.media.model import StoredObject, Tier
from tintype.media.store.objects import MAIN
from tintype.ports.blobs import Speed

COLD = "cold"
"""The second place, when there is one."""
_HOUR_MS = 3600 * 1000
_DAY_MS = 24 * _HOUR_MS
# Classes whose content has to be brought out first, and the hours that AWS gives for it.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
_ARCHIVES: dict[str, dict[Speed, float]] = {
    "GLACIER": {"expedited": 0.1, "standard": 5, "bulk": 12},
    "DEEP_ARCHIVE": {"expedited": 12, "standard": 12, "bulk": 48},
}


class TierSettings(BaseModel):
    """How long media stay where they are quick to reach, and where they go after that."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hot_hours: float = Field(default=48, ge=0)
    """Hours for which everything counts as hot."""
    cold_days: float = Field(default=30, ge=0)
    """Days after which originals go cold; renditions never do. 0: no original ever does."""
    warm_class: str | None = None
    """Storage class on AWS of what is no longer hot, as `INTELLIGENT_TIERING`. Unset: as before."""
    cold_class: str | None = None
    """Storage class on AWS of cold originals, as `GLACIER_IR`. Unset: as before."""
    cold_by: Literal["copy", "lifecycle"] = "copy"
    """Whether this server copies originals into `cold_class`, or a rule of the bucket's does."""
    restored_days: float = Field(default=7, ge=1)
    """Days for which an original that was brought back stays."""
    restore_speed: Speed = "standard"
    """How quickly archives are asked to bring an original out: expedited, standard or bulk."""
    bytes_per_second: int = Field(default=32 * 1024**2, ge=1)
    """How much is read and written a second to move things, reading back included."""
    at_once: int = Field(default=4, ge=1)
    """How many objects are moved at the same time."""
    batch: int = Field(default=200, ge=1)
    """How many objects are looked up at a time."""
    clear_every_hours: float = Field(default=24, ge=0)
    """Hours from one round that deletes orphans to the next. 0: only `tintype storage gc` does."""
    clear_after_hours: float = Field(default=48, ge=1)
    """How old an orphan must be to be deleted in such a round."""


class Home(NamedTuple):
    """A place: one of the stores, and a class of storage in it where one is named."""

    store: str
    grade: str | None

    @property
    def name(self) -> str:
        """The place as the ledger has it."""
        return self.store if self.grade is None else f"{self.store}/{self.grade}"


class Plan:
    """The rule: hot for hours, warm for days, cold after; originals move, renditions stay warm.

    ``stores`` are the names of those that exist. Hot and warm are in the main one, cold in the
    second one if there is one.
    """

    def __init__(self, settings: TierSettings, stores: Collection[str]) -> None:
        self.settings = settings
        self.stores = frozenset(stores)
        self._homes: dict[Tier, Home] = {
            "hot": Home(MAIN, None),
            "warm": Home(MAIN, settings.warm_class),
            "cold": Home(COLD if COLD in self.stores else MAIN, settings.cold_class),
        }
        if self._homes["cold"] == Home(MAIN, None):
            self._homes["cold"] = self._homes["warm"]

    def home(self, tier: Tier) -> Home:
        return self._homes[tier]

    @property
    def hot_ms(self) -> int:
        return round(self.settings.hot_hours * _HOUR_MS)

    @property
    def cold_ms(self) -> int | None:
        """The age at which originals go cold; ``None``: never."""
        if not self.settings.cold_days:
            return None
        return max(round(self.settings.cold_days * _DAY_MS), self.hot_ms)

    @property
    def stays_ms(self) -> int:
        return round(self.settings.restored_days * _DAY_MS)

    def tier_of(self, object_: StoredObject, now_ms: int) -> Tier:
        """The tier to which an object belongs at this moment."""
        age = now_ms - object_.stored_ms
        if age < self.hot_ms:
            return "hot"
        goes_cold = self.cold_ms is not None and object_.is_original and age >= self.cold_ms
        return "cold" if goes_cold and object_.stays_until_ms <= now_ms else "warm"

    def seconds_back(self, object_: StoredObject) -> int:
        """How long bringing an object back may take, in seconds, by what is known beforehand."""
        grade = place(object_.place).grade
        waiting = _ARCHIVES.get(grade or "", {}).get(self.settings.restore_speed, 0) * 3600
        return round(waiting + 2 * object_.bytes / self.settings.bytes_per_second) + 1


def place(name: str) -> Home:
    """The place that the ledger names."""
    store, _, grade = name.partition("/")
    return Home(store, grade or None)
