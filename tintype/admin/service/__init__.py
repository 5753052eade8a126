"""The use cases of the operator's side."""

from tintype.admin.service.erasing import Erasing
from tintype.admin.service.flags import Flags
from tintype.admin.service.health import Check, HealthWatch
from tintype.admin.service.metrics import Metrics
from tintype.admin.service.repairs import Repairs
from tintype.admin.service.setup import Setup

__all__ = ["Check", "Erasing", "Flags", "HealthWatch", "Metrics", "Repairs", "Setup"]
