"""The metadata store: transactions, the outbox, jobs, counts and migrations."""

from tintype.database.consumers import Consumer, ConsumerRunner, Fold, Relay
from tintype.database.job_runner import JobHandler, JobRunner, LeasedJob, hand_back_all
from tintype.database.jobs import Job, LeaseLost, Permanent
from tintype.database.session import (
    AlreadyAnswered,
    Database,
    DatabaseUnavailable,
    Reader,
    Row,
    Transaction,
)
from tintype.database.sql import upsert
from tintype.database.sqlite import DiskFull, SqliteDatabase
from tintype.database.tables import metadata

__all__ = [
    "AlreadyAnswered",
    "Consumer",
    "ConsumerRunner",
    "Database",
    "DatabaseUnavailable",
    "DiskFull",
    "Fold",
    "Job",
    "JobHandler",
    "JobRunner",
    "LeaseLost",
    "LeasedJob",
    "Permanent",
    "Reader",
    "Relay",
    "Row",
    "SqliteDatabase",
    "Transaction",
    "hand_back_all",
    "metadata",
    "upsert",
]
