"""``tintype admin``: what the operator can do beside a server that runs or not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer

from tintype.accounts import Device, Newcomer, OwnInstance
from tintype.admin.service.flags import AT_A_SHELL
from tintype.admin.views import FlagView
from tintype.config import load
from tintype.database import Transaction
from tintype.entry.compose import Server, compose
from tintype.entry.settings import Settings
from tintype.kernel.problem import Problem

T = TypeVar("T")

admin_app = typer.Typer(no_args_is_help=True, help="Accounts and invites, without the web client.")
flags_app = typer.Typer(no_args_is_help=True, help="What is switched while servers run.")
admin_app.add_typer(flags_app, name="flags")

_HERE = Device(address="command line", agent="tintype admin")


@admin_app.command()
def create(
    handle: Annotated[str, typer.Option(prompt=True, help="the @name, without @")],
    email: Annotated[str, typer.Option(prompt="E-mail address", help="to sign in with")],
    display_name: Annotated[str, typer.Option(help="the name beside the handle")] = "",
) -> None:
    """Create an admin; the password is asked for, or read from standard input."""
    password = _new_password()
    newcomer = Newcomer(handle=handle, email=email, password=password, display_name=display_name)

    async def work(server: Server) -> str:
        instance = OwnInstance(server.database, server.settings.accounts)

        async def claim(tx: Transaction) -> None:
            await instance.set_up(tx)

        made = await server.accounts.sign_up(newcomer, device=_HERE, admin=True, first=claim)
        # Signing up opened a session, which nobody at a shell has a use for.
        async with server.database.write() as tx:
            await server.sessions.end(tx, int(made.account.id))
        return made.account.handle

    typer.echo(f"@{run(work)} is an admin now and can sign in.")


@admin_app.command()
def invite(
    uses: Annotated[int, typer.Option(min=1, help="how many people may join with it")] = 1,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long it is good")] = 7,
) -> None:
    """Print a code to join with while registration is by invite."""

    async def work(server: Server) -> str:
        instance = OwnInstance(server.database, server.settings.accounts)
        return (await instance.invite(actor=0, uses=uses, days=days)).code

    typer.echo(run(work))


@admin_app.command()
def password(
    handle: Annotated[str, typer.Argument(help="whose password, without @")],
) -> None:
    """Set an account's password and end its sessions; asked for, or read from standard input."""
    chosen = _new_password()

    async def work(server: Server) -> None:
        await server.sessions.reset_password(handle, chosen)

    run(work)
    typer.echo(f"@{handle} has a new password, and no session any more.")


@flags_app.command("list")
def list_flags() -> None:
    """Show every flag, how it stands and who changed it."""

    async def work(server: Server) -> list[FlagView]:
        await server.admin.flags.refresh()
        return server.admin.flags.all().items

    for flag in run(work):
        stands = "on" if flag.on else "off"
        kept = "set" if flag.set else "default"
        changed = f", changed {flag.changed_at} by {flag.changed_by or 'a command'}"
        typer.echo(f"{flag.name}: {stands} ({kept}{changed if flag.changed_at else ''})")
        typer.echo(f"    {flag.meaning}")


@flags_app.command("set")
def set_flag(
    name: Annotated[str, typer.Argument(help="which flag, as `list` shows it")],
    value: Annotated[str, typer.Argument(help="`on` or `off`")],
) -> None:
    """Switch a flag; servers that run obey within seconds."""
    if value not in {"on", "off"}:
        typer.echo(f"tintype: {value}: write on or off.", err=True)
        raise typer.Exit(2)
    _switch(name, on=value == "on")


@flags_app.command("clear")
def clear_flag(
    name: Annotated[str, typer.Argument(help="which flag, as `list` shows it")],
) -> None:
    """Let a flag's default hold again; servers that run obey within seconds."""
    _switch(name, on=None)


def _switch(name: str, *, on: bool | None) -> None:
    async def work(server: Server) -> FlagView:
        return await server.admin.flags.switch(name, on=on, actor=AT_A_SHELL)

    flag = run(work)
    typer.echo(f"{flag.name} is {'on' if flag.on else 'off'}.")


def run(work: Callable[[Server], Awaitable[T]]) -> T:
    """Do something with a composed server that does not serve; a problem ends the command."""

    async def composed() -> T:
        server = compose(load(Settings))
        try:
            return await work(server)
        finally:
            await server.stop()

    with telling_problems():
        return asyncio.run(composed())


@contextmanager
def telling_problems() -> Iterator[None]:
    """A problem becomes a sentence on standard error and exit status 1."""
    try:
        yield
    except Problem as problem:
        typer.echo(f"tintype: {problem.detail or problem.title()}", err=True)
        raise typer.Exit(1) from problem


def _new_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
