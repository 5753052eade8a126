"""The operator's side: set-up, instance, erasure, flags, health, figures, repairs."""

from tintype.admin.errors import MetricsClosed, NotAlive, NotReady, SetupDone, SetupTokenWrong
from tintype.admin.model import AdminSettings, Finding, flags_of
from tintype.admin.service import Check, Erasing, Flags, HealthWatch, Metrics, Repairs, Setup

__all__ = [
    "AdminSettings",
    "Check",
    "Erasing",
    "Finding",
    "Flags",
    "HealthWatch",
    "Metrics",
    "MetricsClosed",
    "NotAlive",
    "NotReady",
    "Repairs",
    "Setup",
    "SetupDone",
    "SetupTokenWrong",
    "flags_of",
]
