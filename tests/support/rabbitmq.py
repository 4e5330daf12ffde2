"""A real rabbitmq-server as a node of its own: random ports, own folders, killed and restarted by tests."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from deploy.local.ports import LOOPBACK, answers, free_port
from deploy.local.program import Program

SCRIPTS = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/usr/local/lib/rabbitmq/bin/rabbitmq-server"))
HOW_TO_GET_IT = (
    "RabbitMQ is needed by the tests: as root run `apt-get install rabbitmq-server`, "
    "or set ANTIPHON_TEST_AMQP_URL to the URL of a broker that the tests may use"
)


def rabbitmq_script() -> Path | None:
    """The server's start script, past Debian's wrapper (which insists on its own user); None if missing."""
    return next((path for path in SCRIPTS if path.exists()), None)


class RabbitServer:
    """A node with its data in one folder. ``kill`` then ``start`` keeps what was on disk."""

    def __init__(self, folder: Path) -> None:
        """Describe the node; nothing runs yet. AssertionError when RabbitMQ is not installed."""
        script = rabbitmq_script()
        assert script is not None, HOW_TO_GET_IT
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port, self.http_port, self.epmd_port = free_port(), free_port(), free_port()
        (folder / "plugins").write_text("[rabbitmq_management].\n")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = {LOOPBACK}:{self.port}\n"
            f"management.tcp.ip = {LOOPBACK}\nmanagement.tcp.port = {self.http_port}\n"
            "management.disable_stats = true\nmanagement_agent.disable_metrics_collector = true\n"
            "disk_free_limit.absolute = 50MB\nheartbeat = 5\n"
        )
        env = {
            "HOME": str(folder),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
            "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_ERLANG_COOKIE": secrets.token_hex(10),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODENAME": f"antiphon-test-{self.port}@localhost",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
        }
        self.program = Program("rabbitmq", [str(script)], folder / "rabbitmq.log", env=env, cwd=folder)

    def start(self, timeout_s: float = 60.0) -> None:
        """Start the node and wait until it serves."""
        self.program.start()
        self.program.wait_ready(lambda: answers(self.port) and self.ready(), timeout_s)

    def ready(self) -> bool:
        """Whether the management API answers (it starts last)."""
        try:
            self.manage("GET", "overview")
            return True
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL to the whole node; transient queues and messages are lost."""
        self.program.kill()

    def stop(self) -> None:
        """End the node and its port mapper."""
        self.program.stop()
        subprocess.run(["epmd", "-port", str(self.epmd_port), "-kill"], capture_output=True, env=self.program.env)

    def forget(self) -> None:
        """Kill the node and throw its data away: a broker that lost everything."""
        self.kill()
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def manage(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the management API at ``/api/{path}``; returns the parsed JSON, None for an empty answer."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.http_port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Basic " + base64.b64encode(b"guest:guest").decode(),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def make_vhost(self, name: str) -> str:
        """Make a virtual host and return its broker URL."""
        self.manage("PUT", f"vhosts/{name}", {})
        full = {"configure": ".*", "write": ".*", "read": ".*"}
        self.manage("PUT", f"permissions/{name}/guest", full)
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/{name}"

    def drop_vhost(self, name: str) -> None:
        """Remove a virtual host with all its queues; one that is gone already is fine."""
        try:
            self.manage("DELETE", f"vhosts/{name}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
