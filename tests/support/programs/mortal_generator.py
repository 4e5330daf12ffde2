"""A bad generator: dies by SIGKILL as soon as a draft's prompt holds a word; its parent starts the next one at once.

The parent has everything imported and no thread, so that a life begins in a fraction of a second.
"""

import os
import signal
import sys

from services.generator import app
from services.generator.engine.backends import build
from services.generator.engine.backends.echo import EchoBackend
from services.generator.engine.sequence import Sequence

DEADLY = "this-kills-a-generator"


class MortalBackend(EchoBackend):
    """Echoes, unless it is asked for the deadly word."""

    def admit(self, row: Sequence) -> bool:
        """Prepare the reply, or die."""
        if DEADLY in self.codec.decode(row.ids):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().admit(row)


def main() -> None:
    """Live again and again; whoever kills the process group ends it."""
    setattr(build, "EchoBackend", MortalBackend)  # noqa: B010  (the one place where the engine's choice is made)
    while True:
        child = os.fork()
        if child == 0:
            app.main()
            sys.exit(0)
        os.waitpid(child, 0)
        print("a life has ended", flush=True)


if __name__ == "__main__":
    main()
