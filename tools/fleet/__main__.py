"""``python -m tools.fleet``: the whole scale-out on this machine, until Ctrl-C.

``--engines`` starts the engines alone, for trying adapters by hand. A second Ctrl-C does not wait.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from tools.engines.process import EngineMissing
from tools.fleet import layout
from tools.fleet.console import Console
from tools.fleet.layout import Place
from tools.fleet.state import FleetError, State
from tools.fleet.supervisor import Supervisor

_COMMAND_S = 120
_SAME_S = 1.0
_NAME = "fleet"
_ONCE = (["db", "migrate"], ["storage", "setup"])
_DETAILS = (" ", "{", "}")


class _Stop(Exception):  # noqa: N818 - no error
    """Somebody asked the fleet to stop while it was starting."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run until told to stop; returns the exit status."""
    console = Console()
    place = Place.of(environment)
    stopping = threading.Event()
    try:
        state = State(place.data, layout.PORTS, secret=place.variables.get("TINTYPE_SECRET"))
    except FleetError as error:
        console.say(_NAME, str(error))
        return 1
    supervisor = Supervisor(console, stopping)
    _obey_signals(supervisor, stopping)
    status = 0
    try:
        _start(place, state, supervisor, console, stopping, engines_only="--engines" in arguments)
        supervisor.watch()
    except _Stop:
        pass
    except (FleetError, EngineMissing, RuntimeError, TimeoutError, OSError) as error:
        console.say(_NAME, f"can not run: {error}")
        status = 1
    console.say(_NAME, "stopping; once more Ctrl-C does not wait")
    if not supervisor.stop():
        # Threads that still start something can not be ended, and would be waited for.
        os._exit(status)
    state.release()
    return status


def _start(
    place: Place,
    state: State,
    supervisor: Supervisor,
    console: Console,
    stopping: threading.Event,
    *,
    engines_only: bool,
) -> None:
    began = time.monotonic()
    console.say(_NAME, f"data in {place.data}")
    if state.ended:
        console.say(_NAME, f"ended {state.ended} processes that an earlier fleet left behind")
    for name in sorted(state.moved):
        console.say(_NAME, f"{name} has port {state.ports[name]} now: the old one is taken")
    # Whoever waits for this file waits for the engines of now.
    (place.data / layout.SETTINGS).unlink(missing_ok=True)
    supervisor.start(layout.engines(place, state))
    _go_on(stopping)
    written = layout.write_settings(place, state)
    if engines_only:
        console.say(_NAME, f"the engines run, their addresses are in {written}; Ctrl-C stops them")
        return
    with ThreadPoolExecutor() as pool:
        doing = [pool.submit(_do, place, state, console, words) for words in _ONCE]
    for done in doing:
        done.result()
    _go_on(stopping)
    roles = layout.roles(place, state)
    begins = [part.log.stat().st_size if part.log and part.log.exists() else 0 for part in roles]
    supervisor.start(roles)
    _go_on(stopping)
    supervisor.start([layout.gateway(place, state)])
    took = time.monotonic() - began
    console.say(_NAME, f"Tintype is on {place.address} after {took:.1f} s; Ctrl-C stops it")
    offered = map(layout.offered_setup, roles, begins)
    for path in [path for path in offered if path is not None][:1]:
        console.say(_NAME, f"no admin yet; become the first one: {place.address}{path}")


def _go_on(stopping: threading.Event) -> None:
    if stopping.is_set():
        raise _Stop


def _do(place: Place, state: State, console: Console, words: list[str]) -> None:
    """Run one command of Tintype to its end.

    Raises:
        FleetError: it failed, or took too long.
    """
    name = " ".join(words)
    folder = place.data / "roles"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            layout.command(*words),
            cwd=folder,
            # The address of the whole fleet: pages come from there.
            env={**layout.settings(place, state), "TINTYPE_BIND": place.bind},
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_S,
        )
    except subprocess.TimeoutExpired as error:
        message = f"tintype {name} did not end within {_COMMAND_S} s"
        raise FleetError(message) from error
    for line in (done.stdout + done.stderr).splitlines():
        # Documents and logs are of interest only when it failed.
        if done.returncode or not line.startswith(_DETAILS):
            console.say(name, line)
    if done.returncode:
        message = f"tintype {name} failed with status {done.returncode}"
        raise FleetError(message)
    console.say(name, "done")


def _obey_signals(supervisor: Supervisor, stopping: threading.Event) -> None:
    asked: list[float] = []

    def stop(_sign: int, _frame: FrameType | None) -> None:
        asked.append(time.monotonic())
        stopping.set()
        # Sent to the whole group, a signal comes once by itself and once more through make.
        if asked[-1] - asked[0] > _SAME_S:
            supervisor.kill()
            os._exit(1)

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
