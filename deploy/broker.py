"""RabbitMQ for Antiphon with a user per service: what is there, and who may do what with it.

    python -m deploy.broker print --vhost antiphon              the definitions without users' passwords
    python -m deploy.broker apply --secrets DIR                 put them there, users included

``apply`` reads, from files in DIR, ``management-admin-url`` (the HTTP API with an administrator's name and password)
and a ``broker-url-SERVICE`` for each service (amqp://user:password@host:port/vhost); ``management-url``, where it is
there, names the user who may look at queues (for autoscaling). It may be repeated: it changes nothing that is right.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from kombu import Exchange, Queue

from services.common.bus import topology
from services.common.bus.jobs import dead_job_queue, job_queue
from services.common.bus.replay import replay_queue
from services.common.bus.search import search_queue

# Who may make, write to and read from what: regular expressions over names of queues and exchanges. Nobody may make
# or delete a shared queue; a gateway's and a training's reply queue and a generator's control queue are their own.
RIGHTS: dict[str, tuple[str, str, str]] = {
    "gateway": (
        r"^gateway_.*$",
        # events: a gateway tells another one's streams that a turn was cancelled here
        r"^(gateway_.*|antiphon\.(turns|jobs|control|events))$",
        r"^(gateway_.*|antiphon\.events)$",
    ),
    "tracker": ("", r"^antiphon\.(turns|events)$", r"^turns\.track$"),
    "knowledge": ("", r"^antiphon\.(turns|events|jobs)$", r"^(turns\.ground|knowledge\.search)$"),
    "knowledge-jobs": ("", r"^antiphon\.jobs$", r"^knowledge\.ingest$"),
    "generator": (
        r"^control\..*$",
        r"^(control\..*|antiphon\.(turns|events))$",
        r"^(turns\.generate|drafts\.replay|control\..*|antiphon\.control)$",
    ),
    "finetune": ("", r"^antiphon\.(jobs|control)$", r"^feedback\.batch$"),
    # a training asks the knowledge base what it has for the messages that a version is judged by
    "training": (
        r"^training_.*$",
        r"^(training_.*|antiphon\.(jobs|turns))$",
        r"^(training_.*|training\.run|antiphon\.events)$",
    ),
}
MONITOR = ("", "", "")  # sees queues by its tag, touches none
SERVICES = tuple(RIGHTS)


@dataclass(frozen=True)
class User:
    """A broker user; the tag ``monitoring`` lets it look at queues."""

    name: str
    password: str
    rights: tuple[str, str, str]
    tags: str = ""


def definitions(vhost: str, users: Sequence[User] = ()) -> dict[str, Any]:
    """What RabbitMQ imports: exchanges, queues, bindings, and the users with their rights on this virtual host."""
    queues: list[Queue] = [topology.turn_queue(name, redis=False) for name in topology.TURN_QUEUES]
    queues += [search_queue(redis=False), replay_queue(redis=False), topology.dead_queue(redis=False)]
    queues += [job_queue(name, redis=False) for name in topology.JOB_QUEUES] + [dead_job_queue()]
    exchanges = {queue.exchange.name: queue.exchange for queue in queues}
    exchanges |= {one.name: one for one in (topology.EVENTS_EXCHANGE, topology.CONTROL_EXCHANGE)}
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {"name": user.name, "password_hash": _hashed(user.password), "tags": user.tags,
             "hashing_algorithm": "rabbit_password_hashing_sha256"}
            for user in users
        ],
        "permissions": [
            {"user": user.name, "vhost": vhost,
             **dict(zip(("configure", "write", "read"), user.rights, strict=True))}
            for user in users
        ],
        "exchanges": [_exchange(vhost, one) for _, one in sorted(exchanges.items())],
        "queues": [_queue(vhost, queue) for queue in queues],
        "bindings": [
            {"source": queue.exchange.name, "vhost": vhost, "destination": queue.name, "destination_type": "queue",
             "routing_key": queue.routing_key, "arguments": {}}
            for queue in queues
        ],
    }  # fmt: skip


def _exchange(vhost: str, one: Exchange) -> dict[str, Any]:
    return {
        "name": one.name, "vhost": vhost, "type": one.type, "durable": one.durable, "auto_delete": False,
        "internal": False, "arguments": {},
    }  # fmt: skip


def _queue(vhost: str, queue: Queue) -> dict[str, Any]:
    arguments = dict(queue.queue_arguments or {})
    return {
        "name": queue.name, "vhost": vhost, "durable": queue.durable, "auto_delete": False, "arguments": arguments,
    }  # fmt: skip


def _hashed(password: str) -> str:
    """RabbitMQ's form: four bytes of salt before the SHA-256 of salt and password, in base 64."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def users_of(urls: Mapping[str, str], monitor: str = "") -> tuple[str, list[User]]:
    """The virtual host and the users that the services' URLs name. Raises ValueError where they do not fit together."""
    users: list[User] = []
    hosts = set()
    for service, url in urls.items():
        parts = urlsplit(url)
        if not parts.username or not parts.password:
            raise ValueError(f"the broker URL of {service} names no user and password")
        hosts.add(unquote(parts.path[1:]) or "/")
        users.append(User(unquote(parts.username), unquote(parts.password), RIGHTS[service]))
    if len(hosts) != 1:
        raise ValueError(f"the broker URLs name several virtual hosts: {', '.join(sorted(hosts))}")
    if len({user.name for user in users}) != len(users):
        raise ValueError("two services have the same broker user")
    if monitor:
        parts = urlsplit(monitor)
        users.append(User(unquote(parts.username or ""), unquote(parts.password or ""), MONITOR, "monitoring"))
    return hosts.pop(), users


def apply(management: str, urls: Mapping[str, str], monitor: str = "") -> list[str]:
    """Put the definitions on the broker; the names of the users. Raises urllib's errors, ValueError."""
    vhost, users = users_of(urls, monitor)
    _call(management, "PUT", f"vhosts/{quote(vhost, safe='')}", {})
    _call(management, "POST", "definitions", definitions(vhost, users))
    return [user.name for user in users]


def _call(management: str, method: str, path: str, body: Any) -> None:
    parts = urlsplit(management)
    host = parts.netloc.rpartition("@")[2]
    token = base64.b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()).decode()
    request = urllib.request.Request(
        urlunsplit((parts.scheme, host, f"{parts.path.rstrip('/')}/api/{path}", "", "")),
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of ``python -m deploy.broker``."""
    parser = argparse.ArgumentParser(prog="python -m deploy.broker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("print", help="print the definitions, without users")
    shown.add_argument("--vhost", default="antiphon")
    applied = commands.add_parser("apply", help="put definitions and users on the broker")
    applied.add_argument("--secrets", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.command == "print":
        json.dump(definitions(options.vhost), sys.stdout, indent=2)
        return
    read = {file.name: file.read_text().strip() for file in options.secrets.iterdir() if file.is_file()}
    try:
        urls = {service: read[f"broker-url-{service}"] for service in SERVICES}
        names = apply(read["management-admin-url"], urls, read.get("management-url", ""))
    except KeyError as error:
        sys.exit(f"{options.secrets} has no file {error}")
    except (ValueError, urllib.error.URLError) as error:
        sys.exit(str(error))
    print(f"RabbitMQ has the queues, and the users {', '.join(names)}")


if __name__ == "__main__":
    main()
