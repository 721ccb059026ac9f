"""A model on the network: JSON in, JSON out, over HTTP on this machine alone, with Python's standard library."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import torch
from torch import Tensor

from course_lib.foundations.pipeline import Classifier, predict

MOST_ROWS, MOST_BYTES = 1000, 1_000_000  # in one request
PATIENCE = 10.0  # seconds that a client may keep its thread waiting


class BadRequest(ValueError):
    """What a client sent cannot be answered; the message says why, and what to send instead."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST):
        super().__init__(message)
        self.status = status


def read_rows(body: bytes, features: Sequence[str]) -> Tensor:
    """The rows (rows, features) that a request asks about, float32.

    Args:
        body: `{"rows": [[number, ...], ...]}` in JSON.
        features: the names of a row's numbers.

    Raises:
        BadRequest: it is anything else.
    """
    wanted = f'{{"rows": [[{len(features)} numbers], ...]}}'
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest(f"the request is not JSON: send {wanted}") from None
    rows = request.get("rows") if isinstance(request, dict) else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        raise BadRequest(f"send {wanted}, with 1 to {MOST_ROWS} rows")
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(features):
            found = f"{len(row)} numbers" if isinstance(row, list) else "no list"
            names = ", ".join(features)
            raise BadRequest(f"row {number} has {found}, and {len(features)} are wanted: {names}")
        for name, value in zip(features, row, strict=True):
            if not _is_number(value):
                found = json.dumps(value)[:40]
                raise BadRequest(f"row {number}: {name} is {found}, and no finite number")
    return torch.tensor([[float(value) for value in row] for row in rows], dtype=torch.float32)


def _is_number(value: object) -> bool:
    """Whether it is one, and finite in float32 too; True is none, though Python counts it among them."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= torch.finfo(torch.float32).max  # also false for NaN


class Service:
    """What a model answers, and how far what it is asked has moved from what it was trained on.

    Args:
        model: in evaluation mode.
        features, classes: names.
    """

    def __init__(self, model: Classifier, features: Sequence[str], classes: Sequence[str]):
        self.model, self.features, self.classes = model, tuple(features), tuple(classes)
        self.lock = Lock()  # requests come in threads of their own
        self.rows, self.sum = 0, torch.zeros(len(features), dtype=torch.float64)

    def answer(self, body: bytes) -> dict:
        """Each row's class and the probabilities of all classes; raises BadRequest."""
        rows = read_rows(body, self.features)
        probabilities = predict(self.model, rows)  # (rows, classes)
        with self.lock:
            self.rows += len(rows)
            self.sum += self.model.scaler(rows).double().sum(dim=0)
        classes = [self.classes[place] for place in probabilities.argmax(dim=1)]
        return {"classes": classes, "probabilities": probabilities.tolist()}

    def about(self) -> dict:
        """What it expects, and for each feature the mean of all rows asked, in spreads from the training mean."""
        with self.lock:
            rows, mean = self.rows, self.sum / max(self.rows, 1)
        drift = dict(zip(self.features, mean.tolist(), strict=True))
        return {"features": self.features, "classes": self.classes, "rows": rows, "drift": drift}


class Handler(BaseHTTPRequestHandler):
    """One request: GET / says what the model expects, POST /predict asks it."""

    timeout = PATIENCE
    server: "Server"

    def do_GET(self) -> None:
        """What the service says about itself."""
        self.reply(self.about if self.path == "/" else self.nothing_here)

    def do_POST(self) -> None:
        """The model's answer."""
        self.reply(self.answer if self.path == "/predict" else self.nothing_here)

    def about(self) -> dict:
        """What GET / gets."""
        return self.server.service.about()

    def answer(self) -> dict:
        """What POST /predict gets."""
        length = self.headers.get("Content-Length")
        if length is None or not length.isdecimal():
            raise BadRequest("the header Content-Length says no length", HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MOST_BYTES:
            raise BadRequest(f"at most {MOST_BYTES:,} bytes a request", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.server.service.answer(self.rfile.read(int(length)))

    def nothing_here(self) -> dict:
        """What any other path gets."""
        raise BadRequest("there are GET / and POST /predict", HTTPStatus.NOT_FOUND)

    def reply(self, what) -> None:
        """Send what a method returns, or the sentence that says why not."""
        try:
            status, content = HTTPStatus.OK, what()
        except BadRequest as error:
            status, content = error.status, {"error": str(error)}
        except TimeoutError:
            status, content = HTTPStatus.REQUEST_TIMEOUT, {"error": "the request was cut short"}
        except Exception:  # the client learns that it failed, not how: that is for the log
            status, content = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the model failed; it is not your request"}
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Silent: a page is no place for a log."""


class Server(ThreadingHTTPServer):
    """Serves a model on this machine, at a port that is free, until it is closed. Also a context manager.

    Args:
        model: in evaluation mode.
        features, classes: names.
    """

    request_queue_size = 64  # connections that wait to be taken

    def __init__(self, model: Classifier, features: Sequence[str], classes: Sequence[str]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.service = Service(model, features, classes)
        self.thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it is asked, without a path."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        """Take no more requests, and free the port. Closing twice does nothing."""
        if self.thread.is_alive():
            self.shutdown()
            self.thread.join()
        self.server_close()

    def __exit__(self, *reason) -> None:
        self.close()
