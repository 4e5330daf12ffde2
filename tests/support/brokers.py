"""A broker as a test sees it: a URL of its own, and a server that can be killed and brought back."""

import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from deploy.local.redis import RedisServer
from tests.support.rabbitmq import HOW_TO_GET_IT, RabbitServer, rabbitmq_script

Kind = Literal["rabbitmq", "redis"]
KINDS: tuple[Kind, ...] = ("rabbitmq", "redis")
_numbers = itertools.count(1)


class Server(Protocol):
    """What a broker's server offers the fixtures."""

    def start(self, timeout_s: float = ...) -> None:
        """Start it if it is not running, and wait until it serves."""

    def stop(self) -> None:
        """End it."""


@dataclass
class Broker:
    """One test's share of a broker: no other test sees its queues.

    ``url`` is what ``ANTIPHON_BROKER_URL`` takes. ``server`` is None for a broker given from outside, which
    no test may kill.
    """

    kind: Kind
    url: str
    server: RabbitServer | RedisServer | None
    vhost: str = ""

    def kill(self) -> None:
        """SIGKILL to the broker. Redis forgets everything; RabbitMQ all that was transient."""
        self._own().program.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing answers."""
        self._own().program.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self._own().program.resume()

    def start(self) -> None:
        """Bring it back with what is on its disk, and wait until it serves."""
        self._own().start()

    def restart(self) -> None:
        """Kill it and bring it back."""
        self.kill()
        self.start()

    def restart_empty(self) -> None:
        """Kill it, lose its memory and its disk, and bring it back under the same URL."""
        server = self._own()
        if isinstance(server, RabbitServer):
            server.forget()
            server.start()
            server.make_vhost(self.vhost)
        else:
            self.restart()

    def _own(self) -> RabbitServer | RedisServer:
        assert self.server is not None, "a broker given from outside is not killed"
        return self.server


@dataclass
class Brokers:
    """The servers of a test run, each started when the first test asks for it."""

    folder: Path
    _servers: dict[Kind, RabbitServer | RedisServer] = field(default_factory=dict)

    @property
    def outside_url(self) -> str | None:
        """The AMQP broker given from outside, if any."""
        return os.environ.get("ANTIPHON_TEST_AMQP_URL")

    def get(self, kind: Kind) -> Broker:
        """A fresh share of the broker of this kind, its server up (started again if a test killed it)."""
        number = next(_numbers)
        if kind == "rabbitmq" and self.outside_url:
            return Broker(kind, self.outside_url, None)
        if kind == "rabbitmq":
            assert rabbitmq_script() is not None, HOW_TO_GET_IT
        if kind not in self._servers:
            make = RabbitServer if kind == "rabbitmq" else RedisServer
            self._servers[kind] = make(self.folder / kind)
        server = self._servers[kind]
        server.start()
        if isinstance(server, RabbitServer):
            vhost = f"test{number}"
            return Broker(kind, server.make_vhost(vhost), server, vhost)
        return Broker(kind, f"redis://127.0.0.1:{server.port}/{number}", server)

    def release(self, broker: Broker) -> None:
        """Drop a share; a broker that a test left dead is left so, the next test starts it."""
        if isinstance(broker.server, RabbitServer) and broker.server.program.running():
            broker.server.program.resume()
            broker.server.drop_vhost(broker.vhost)

    def stop(self) -> None:
        """End all servers; nothing of them is kept, so there is no use in asking them politely."""
        for server in self._servers.values():
            server.program.kill()
            server.stop()
