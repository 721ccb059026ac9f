"""The process that learners' processes are forked from: PyTorch is loaded in it once, and of ours what runs an answer.

No gradient is taken in it, for the threads that this starts would not be there in a fork, and no result is known to it.
It takes orders over a socket that it inherits: the path of an empty folder, and with it the two pipes that a new
process is to read its requests from and write its replies to. It answers with a handle on the process.

It ends when the judge does, which closes the socket, and with it all that it forked.
"""

import gc
import io
import json
import os
import signal
import socket
import sys

import numpy as np
import torch

from course_lib.exercises.run import Call, outcomes
from course_lib.grading import child, sandbox, wire


def main() -> None:
    """Fork one process after another until the other side closes."""
    control, settings = socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])
    torch.set_num_threads(1)
    _warm_up()
    walls = sandbox.Walls(settings["scratch"], sandbox.Limits(**settings["limits"]), tuple(settings["hidden"]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what has ended leaves nothing behind
    control.sendall(b"ready\n")
    while True:
        scratch, pipes, _, _ = socket.recv_fds(control, 65536, 2)
        if not scratch:
            return
        number = walls.fork()
        if number == 0:
            control.close()
            _serve(walls, os.fsdecode(scratch), *pipes)
        handles = _handles(number)
        socket.send_fds(control, [b"started\n"], handles)
        for descriptor in (*pipes, *handles):
            os.close(descriptor)


def _warm_up() -> None:
    """Do what every fork will do, and mark it all as here to stay.

    PyTorch finds out what the processor can, which it could not behind the walls; Python fits its bytecode to what runs
    often; and no fork's garbage collector walks, and so copies, what all of them share.
    """
    torch.ones(1).half()
    source = "import torch\n\ndef answer(x):\n    return torch.tanh(x @ x), x.tolist()"
    message = wire.encode({"inputs": (torch.ones(2, 2), "text", [1, (0.5, None)], {"key": np.ones(2)})})
    for _ in range(20):
        module, _ = child.load((("warm-up", source, (0, 1)),), seconds=5)
        (x, *_) = wire.read(io.BytesIO(message))["inputs"]
        for outcome in outcomes(vars(module), [Call("answer", (x,))], seconds=5, whole=5, without=("lstm",)):
            wire.encode(child.to_message(outcome))
    gc.collect()
    gc.freeze()


def _handles(number: int) -> list[int]:
    """A handle on a process; none if it has ended already."""
    try:
        return [os.pidfd_open(number)]
    except ProcessLookupError:
        return []


def _serve(walls: sandbox.Walls, scratch: str, requests: int, replies: int) -> None:
    """What a forked process does; it never returns."""
    status = 1
    try:
        os.setsid()  # so that all that it starts can be ended together
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        child.serve(requests, replies, walls.enter(scratch))
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
