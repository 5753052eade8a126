"""The SQL of the accounts slice, one function a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from tintype.accounts.model import LIVE, Card
from tintype.database import ById, Reader, Row, Transaction, metadata, upsert
from tintype.kernel.ids import SHARDS, Id, shard_for_text, shard_of

_INSTANCE_SHARD = 0
_AWAY = sa.text("state IN ('suspended', 'deleting')")

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("handle", sa.String(30), nullable=False),
    sa.Column("display_name", sa.String(60), nullable=False),
    sa.Column("bio", sa.Text, nullable=False),
    sa.Column("avatar", sa.Text),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("admin", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    # Nearly nobody is in it, so all of it is read at once.
    sa.Index("accounts_away", "shard", "id", sqlite_where=_AWAY, postgresql_where=_AWAY),
)
handles = sa.Table(
    "handles",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("handle", sa.String(30), primary_key=True),
    sa.Column("account", sa.BigInteger, nullable=False),
)
emails = sa.Table(
    "emails",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("email", sa.String(254), primary_key=True),
    sa.Column("account", sa.BigInteger, nullable=False),
)
credentials = sa.Table(
    "credentials",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, nullable=False),
    sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.UniqueConstraint("shard", "token_hash", name="sessions_token"),
    sa.Index("sessions_of", "shard", "account"),
)
invites = sa.Table(
    "invites",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("code", sa.String(40), primary_key=True),
    sa.Column("uses_left", sa.Integer, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.BigInteger, nullable=False),
)
instance = sa.Table(
    "instance",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def _card(row: Row) -> Card:
    return Card(
        id=row.id,
        handle=row.handle,
        display_name=row.display_name,
        bio=row.bio,
        avatar=row.avatar,
        private=row.private,
        state=row.state,
        admin=row.admin,
        created_ms=row.created_ms,
    )


async def insert_account(tx: Transaction, card: Card) -> None:
    await tx.execute(
        sa.insert(accounts),
        [
            {
                "shard": shard_of(card.id),
                "id": card.id,
                "handle": card.handle,
                "display_name": card.display_name,
                "bio": card.bio,
                "avatar": card.avatar,
                "private": card.private,
                "state": card.state,
                "admin": card.admin,
                "created_ms": card.created_ms,
            }
        ],
    )


async def claim_handle(tx: Transaction, handle: str, account: Id) -> bool:
    """Take a handle; False when somebody has it."""
    row = {"shard": shard_for_text(handle), "handle": handle, "account": account}
    return await tx.execute(upsert(handles, row, index=["shard", "handle"])) == 1


async def claim_email(tx: Transaction, email: str, account: Id) -> bool:
    """Take an e-mail address; False when another account has it."""
    row = {"shard": shard_for_text(email), "email": email, "account": account}
    return await tx.execute(upsert(emails, row, index=["shard", "email"])) == 1


async def free_names(tx: Transaction, *, handle: str, email: str) -> None:
    await tx.execute(
        sa.delete(handles).where(
            handles.c.shard == shard_for_text(handle), handles.c.handle == handle
        )
    )
    await tx.execute(
        sa.delete(emails).where(emails.c.shard == shard_for_text(email), emails.c.email == email)
    )


async def account_by_handle(reader: Reader, handle: str) -> Id | None:
    found: Id | None = await reader.scalar(
        sa.select(handles.c.account).where(
            handles.c.shard == shard_for_text(handle), handles.c.handle == handle
        )
    )
    return found


async def account_by_email(reader: Reader, email: str) -> Id | None:
    found: Id | None = await reader.scalar(
        sa.select(emails.c.account).where(
            emails.c.shard == shard_for_text(email), emails.c.email == email
        )
    )
    return found


async def handles_starting(reader: Reader, prefix: str, limit: int) -> list[Id]:
    """Accounts whose handle starts with a prefix, shortest handles first: asks every shard."""
    rows = await reader.all(
        sa.select(handles.c.account)
        .where(handles.c.handle >= prefix, handles.c.handle < prefix + "\U0010ffff")
        .order_by(sa.func.length(handles.c.handle), handles.c.handle)
        .limit(limit)
    )
    return [row.account for row in rows]


async def names_holding(reader: Reader, text: str, limit: int) -> list[Id]:
    """Live accounts whose display name holds a text, newest first: asks every shard."""
    pattern = "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = await reader.all(
        sa.select(accounts.c.id)
        .where(
            sa.func.lower(accounts.c.display_name).like(pattern, escape="\\"),
            accounts.c.state == "active",
        )
        .order_by(accounts.c.id.desc())
        .limit(limit)
    )
    return [row.id for row in rows]


_CARDS = ById(sa.select(accounts), accounts.c.id)


async def cards(reader: Reader, ids: Iterable[Id]) -> dict[Id, Card]:
    return {row.id: _card(row) for row in await _CARDS.all(reader, ids)}


_STANDINGS = ById(sa.select(accounts.c.id, accounts.c.state, accounts.c.private), accounts.c.id)


async def standings(reader: Reader, ids: Iterable[Id]) -> dict[Id, tuple[bool, bool]]:
    """Of each account, whether it is live and whether it is private."""
    rows = await _STANDINGS.all(reader, ids)
    return {id_: (state == LIVE, private) for id_, state, private in map(tuple, rows)}


async def away(reader: Reader, limit: int) -> list[Id]:
    """Accounts that are not live and may have edges: asks every shard, once a process."""
    rows = await reader.all(
        sa.select(accounts.c.id).where(accounts.c.shard.between(0, SHARDS - 1), _AWAY).limit(limit)
    )
    return [row.id for row in rows]


async def update_account(tx: Transaction, account: Id, values: Mapping[str, object]) -> None:
    await tx.execute(
        sa.update(accounts)
        .where(accounts.c.shard == shard_of(account), accounts.c.id == account)
        .values(**values)
    )


async def has_admin(reader: Reader) -> bool:
    """Whether an admin exists: asks every shard, once at set-up."""
    found = await reader.scalar(
        sa.select(accounts.c.id)
        .where(accounts.c.admin.is_(True), accounts.c.state == "active")
        .limit(1)
    )
    return found is not None


async def put_credentials(
    tx: Transaction, account: Id, *, email: str, password_hash: str, now_ms: int
) -> None:
    row = {
        "shard": shard_of(account),
        "account": account,
        "email": email,
        "password_hash": password_hash,
        "changed_ms": now_ms,
    }
    await tx.execute(
        upsert(
            credentials,
            row,
            index=["shard", "account"],
            update=["email", "password_hash", "changed_ms"],
        )
    )


async def credentials_of(reader: Reader, account: Id) -> Row | None:
    return await reader.first(
        sa.select(credentials).where(
            credentials.c.shard == shard_of(account), credentials.c.account == account
        )
    )


async def delete_credentials(tx: Transaction, account: Id) -> None:
    await tx.execute(
        sa.delete(credentials).where(
            credentials.c.shard == shard_of(account), credentials.c.account == account
        )
    )


async def insert_session(tx: Transaction, row: Mapping[str, object]) -> None:
    await tx.execute(sa.insert(sessions), [row])


async def session_by_token(reader: Reader, shard: int, token_hash: bytes) -> Row | None:
    return await reader.first(
        sa.select(sessions, accounts.c.admin, accounts.c.state)
        .join(
            accounts,
            sa.and_(accounts.c.shard == sessions.c.shard, accounts.c.id == sessions.c.account),
        )
        .where(sessions.c.shard == shard, sessions.c.token_hash == token_hash)
    )


async def sessions_of(reader: Reader, account: Id) -> list[Row]:
    rows = await reader.all(
        sa.select(sessions)
        .where(sessions.c.shard == shard_of(account), sessions.c.account == account)
        .order_by(sessions.c.seen_ms.desc())
        .limit(200)
    )
    return list(rows)


async def touch_session(tx: Transaction, account: Id, session: Id, now_ms: int) -> None:
    await tx.execute(
        sa.update(sessions)
        .where(sessions.c.shard == shard_of(account), sessions.c.id == session)
        .values(seen_ms=now_ms)
    )


async def delete_sessions(
    tx: Transaction, account: Id, *, only: Id | None = None, but: Id | None = None
) -> list[bytes]:
    """End sessions of an account; returns their token hashes."""
    of_account = sa.and_(sessions.c.shard == shard_of(account), sessions.c.account == account)
    if only is not None:
        of_account = sa.and_(of_account, sessions.c.id == only)
    if but is not None:
        of_account = sa.and_(of_account, sessions.c.id != but)
    rows = await tx.all(sa.select(sessions.c.token_hash).where(of_account))
    await tx.execute(sa.delete(sessions).where(of_account))
    return [row.token_hash for row in rows]


async def insert_invite(tx: Transaction, row: Mapping[str, object]) -> None:
    await tx.execute(sa.insert(invites), [{**row, "shard": shard_for_text(str(row["code"]))}])


async def use_invite(tx: Transaction, code: str, now_ms: int) -> bool:
    """Take one use of an invite; False when it is unknown, used up or expired."""
    touched = await tx.execute(
        sa.update(invites)
        .where(
            invites.c.shard == shard_for_text(code),
            invites.c.code == code,
            invites.c.uses_left > 0,
            invites.c.expires_ms > now_ms,
        )
        .values(uses_left=invites.c.uses_left - 1)
    )
    return touched == 1


async def instance_facts(reader: Reader) -> dict[str, str]:
    rows = await reader.all(
        sa.select(instance.c.name, instance.c.value).where(instance.c.shard == _INSTANCE_SHARD)
    )
    return {row.name: row.value for row in rows}


async def add_instance_fact(tx: Transaction, name: str, value: str) -> bool:
    """Note a fact that is noted once; False when it was there."""
    row = {"shard": _INSTANCE_SHARD, "name": name, "value": value}
    return await tx.execute(upsert(instance, row, index=["shard", "name"])) == 1


async def put_instance_fact(tx: Transaction, name: str, value: str) -> None:
    row = {"shard": _INSTANCE_SHARD, "name": name, "value": value}
    await tx.execute(upsert(instance, row, index=["shard", "name"], update=["value"]))
