"""What a supervisor does: listens, and becomes the program that is to serve those sockets (sd_listen_fds(3)).

    handed.py NAME=HOST:PORT… -- PROGRAM ARGUMENT…
"""

from __future__ import annotations

import os
import socket
import sys

from process import address_of


def main() -> None:
    at = sys.argv.index("--")
    named = [argument.split("=", 1) for argument in sys.argv[1:at]]
    sockets = [socket.create_server(address_of(where)) for _, where in named]
    copies = [os.dup(each.fileno()) for each in sockets]
    # First out of the way, then to where they are looked for.
    high = [os.dup2(copy, 100 + number) for number, copy in enumerate(copies)]
    for number, copy in enumerate(high):
        os.dup2(copy, 3 + number, inheritable=True)
        os.close(copy)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(named)),
                      LISTEN_FDNAMES=":".join(name for name, _ in named))
    os.execv(sys.argv[at + 1], sys.argv[at + 1:])


if __name__ == "__main__":
    main()
