"""The metadata store: transactions, the outbox, jobs, counts and migrations."""

from tintype.database.by_id import ById, ByPair
from tintype.database.consumers import Consumer, ConsumerRunner, Fold
from tintype.database.event_log import EventLog, Relay
from tintype.database.job_runner import JobHandler, JobRunner, LeasedJob, hand_back_all
from tintype.database.jobs import Job, LeaseLost, NotYet, Permanent
from tintype.database.notices import Notices
from tintype.database.patience import give_up, within
from tintype.database.session import (
    AlreadyAnswered,
    Database,
    DatabaseUnavailable,
    DiskFull,
    Reader,
    Row,
    Transaction,
    TryAgain,
)
from tintype.database.sql import all_of, among, only_filtering, upsert
from tintype.database.sqlite import SqliteDatabase
from tintype.database.tables import metadata

__all__ = [
    "AlreadyAnswered",
    "ById",
    "ByPair",
    "Consumer",
    "ConsumerRunner",
    "Database",
    "DatabaseUnavailable",
    "DiskFull",
    "EventLog",
    "Fold",
    "Job",
    "JobHandler",
    "JobRunner",
    "LeaseLost",
    "LeasedJob",
    "NotYet",
    "Notices",
    "Permanent",
    "Reader",
    "Relay",
    "Row",
    "SqliteDatabase",
    "Transaction",
    "TryAgain",
    "all_of",
    "among",
    "give_up",
    "hand_back_all",
    "metadata",
    "only_filtering",
    "upsert",
    "within",
]
