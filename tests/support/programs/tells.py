"""A program that tells about itself in one line of JSON and ends with status 3."""

import json
import os
import sys

if __name__ == "__main__":
    own = {"session": os.getsid(0), "pid": os.getpid(), "parent": os.getppid(), "folder": os.getcwd()}
    print(json.dumps({**own, "arguments": sys.argv[1:], "environment": dict(os.environ)}))
    sys.exit(3)
