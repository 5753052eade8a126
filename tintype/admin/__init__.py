"""The operator's side: set-up, instance, erasure, health, figures, repairs."""

from tintype.admin.errors import MetricsClosed, NotAlive, NotReady, SetupDone, SetupTokenWrong
from tintype.admin.model import AdminSettings, Finding
from tintype.admin.service import Check, Erasing, HealthWatch, Metrics, Repairs, Setup

__all__ = [
    "AdminSettings",
    "Check",
    "Erasing",
    "Finding",
    "HealthWatch",
    "Metrics",
    "MetricsClosed",
    "NotAlive",
    "NotReady",
    "Repairs",
    "Setup",
    "SetupDone",
    "SetupTokenWrong",
]
