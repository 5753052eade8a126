"""Where stored objects are kept, by their age: a plan, a mover that carries it out, a way back."""

from tintype.media.service.tiers.audit import Audit, Found, Offence
from tintype.media.service.tiers.claims import is_held
from tintype.media.service.tiers.clearing import Cleared, Clearing
from tintype.media.service.tiers.guard import needing_originals
from tintype.media.service.tiers.mover import Moved, Mover
from tintype.media.service.tiers.originals import RESTORE, Originals
from tintype.media.service.tiers.places import TieredBlobs
from tintype.media.service.tiers.plan import COLD, Plan, TierSettings

__all__ = [
    "COLD",
    "RESTORE",
    "Audit",
    "Cleared",
    "Clearing",
    "Found",
    "Moved",
    "Mover",
    "Offence",
    "Originals",
    "Plan",
    "TierSettings",
    "TieredBlobs",
    "is_held",
    "needing_originals",
]
