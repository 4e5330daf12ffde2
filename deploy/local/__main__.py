"""The supervisor's own process: ``python -m deploy.local --home … [--broker …] [--set NAME=VALUE …]``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from deploy.local.home import Home, StackRunning
from deploy.local.program import ProgramError
from deploy.local.stack import SERVICES, ForkServers, Options, table
from deploy.local.supervisor import Supervisor


def main(argv: list[str] | None = None) -> int:
    """Run the stack until SIGTERM or SIGINT; 1 when another one runs in this home, or a program is missing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--broker", help="amqp://… or redis://…; without it a Redis of its own")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an ANTIPHON_ setting")
    parser.add_argument("--only", action="append", choices=[name for name, _ in SERVICES])
    given = parser.parse_args(argv)
    settings = dict(pair.split("=", 1) for pair in given.set)
    options = Options(given.broker, settings, tuple(given.only or (name for name, _ in SERVICES)))
    fork_servers = ForkServers(options.services)
    home = Home(given.home)
    home.prepare()
    try:
        with home.claimed():
            entries, endpoint = table(home, options, fork_servers)
            supervisor = Supervisor(home, entries, endpoint)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: supervisor.stop())
            supervisor.run(lambda supervisor: fork_servers.close() if supervisor.ready() else None)
    except (StackRunning, ProgramError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
