"""The process from which the learners' processes are forked: PyTorch is loaded in it once, and nothing of ours.

No gradient is taken in it, for the threads that this starts would not be there in a fork, and no result is known to it.
It takes orders over a socket that it inherits: a line of JSON, and with it the two pipes that a new process is to read
its requests from and write its replies to. It answers with the process's number.
"""

import json
import os
import signal
import socket
import sys

import torch

from course_lib.grading import child, sandbox


def main() -> None:
    """Fork one process after another until the other side closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what has ended leaves nothing behind
    torch.set_num_threads(1)
    control.sendall(b"ready\n")
    while True:
        order, pipes, _, _ = socket.recv_fds(control, 65536, 2)
        if not order:
            return
        number = os.fork()
        if number == 0:
            control.close()
            _serve(json.loads(order), *pipes)
        for pipe in pipes:
            os.close(pipe)
        control.sendall(f"{number}\n".encode())


def _serve(order: dict, requests: int, replies: int) -> None:
    """What a forked process does; it never returns."""
    status = 1
    try:
        os.setsid()  # so that all that it starts can be ended together
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        in_force = sandbox.enter(order["scratch"], sandbox.Limits(**order["limits"]), tuple(order["hidden"]))
        child.serve(requests, replies, in_force)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
