"""The process that learners' processes are forked from: PyTorch is loaded in it once, and of ours what runs an answer.

No gradient is taken in it, for the threads that this starts would not be there in a fork, and no result is known to it.
It is started once, and forks servers, one for each socket that it is handed, with the settings of the server's walls
and the modules that it is to have loaded.

A server takes orders over its socket: a new process, with the path of an empty folder and the two pipes that the
process is to read its requests from and write its replies to, which it answers with a handle on the process; or a
request to keep, which all processes from then on know by its number.

Each ends when the judge does, which closes the sockets, and with it all that it forked.
"""

import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

import numpy as np
import torch

from course_lib.exercises.run import Call, outcomes
from course_lib.grading import child, sandbox, wire
from course_lib.grading.children import KEEP, READY


def main() -> None:
    """Fork one server after another until the other side closes."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    torch.set_num_threads(1)
    _warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what has ended leaves nothing behind
    while True:
        settings, descriptors, _, _ = socket.recv_fds(orders, 65536, 1)
        if not settings:
            return
        settings = json.loads(settings)
        for module in settings["modules"]:  # here, for behind the walls there is no folder for what some of them keep
            importlib.import_module(module)
            gc.freeze()
        if os.fork() == 0:
            orders.close()
            _never_return(_fork_answers, socket.socket(fileno=descriptors[0]), settings)
        os.close(descriptors[0])


def _fork_answers(control: socket.socket, settings: dict) -> None:
    """What a server does: fork one process after another until the other side closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the walls wait for a process
    socket.send_fds(control, [b"begun"], _handles(os.getpid()))
    walls = sandbox.Walls(settings["scratch"], sandbox.Limits(**settings["limits"]), tuple(settings["hidden"]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.sendall(READY)
    kept: list[dict] = []
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 65536, 2)
        if not order:
            return
        if order == KEEP:
            with os.fdopen(descriptors[0], "rb") as message:
                kept.append(child.prepared(wire.read(message)))
            gc.freeze()
            continue
        number = walls.fork()
        if number == 0:
            control.close()
            _never_return(_serve, walls, kept, os.fsdecode(order), *descriptors)
        handles = _handles(number)
        socket.send_fds(control, [b"started"], handles)
        for descriptor in (*descriptors, *handles):
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
    gc.freeze()


def _handles(number: int) -> list[int]:
    """A handle on a process; none if it has ended already."""
    try:
        return [os.pidfd_open(number)]
    except ProcessLookupError:
        return []


def _serve(walls: sandbox.Walls, kept: list[dict], scratch: str, requests: int, replies: int) -> None:
    """What the process of an answer does."""
    os.setsid()  # so that all that it starts can be ended together
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child.serve(requests, replies, walls.enter(scratch), kept)


def _never_return(work: Callable[..., None], *about) -> NoReturn:
    """Do the work of a forked process, and end it."""
    status = 1
    try:
        work(*about)
        status = 0
    finally:
        os._exit(status)
