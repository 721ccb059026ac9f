"""A model on the network: right answers, sentences for wrong questions, many at once, and an end."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from course_lib.foundations.pipeline import Classifier, predict
from course_lib.foundations.serving import MOST_BYTES, MOST_ROWS, BadRequest, Server, read_rows

FEATURES, CLASSES = ("alcohol", "hue", "proline"), ("A", "B")


@pytest.fixture
def model():
    model = Classifier(3, 2, dropout=0.5, seed=2)
    model.scaler.fit(torch.tensor([[12.0, 1.0, 300.0], [14.0, 0.5, 1100.0]]))
    return model.eval()


@pytest.fixture
def server(model):
    with Server(model, FEATURES, CLASSES) as server:
        yield server


def ask(server, method, path, body=None, headers=None):
    """Status and JSON; what is sent need not be well formed."""
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        assert reply.headers["Content-Type"] == "application/json"
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def predicted(server, rows):
    return ask(server, "POST", "/predict", json.dumps({"rows": rows}).encode())


def rows_of(n, seed=0):
    return torch.rand(n, 3, generator=torch.Generator().manual_seed(seed)) * torch.tensor([14.0, 1.0, 1000.0])


def test_it_says_what_the_model_says_to_the_last_bit(server, model):
    rows = rows_of(40)
    status, said = predicted(server, rows.tolist())
    wanted = predict(model, rows)
    assert status == 200 and torch.equal(torch.tensor(said["probabilities"]), wanted)
    assert said["classes"] == [CLASSES[place] for place in wanted.argmax(dim=1)]


def test_it_predicts_in_evaluation_mode_whoever_left_the_model_in_training(server, model):
    model.train()
    rows = rows_of(5).tolist()
    assert predicted(server, rows) == predicted(server, rows)


ROW = [13.0, 1.0, 700.0]


@pytest.mark.parametrize(
    "body, says",
    [
        (b"", "not JSON"),
        (b"{rows", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"7", '"rows"'),
        ({}, '"rows"'),
        ({"rows": ROW}, "row 0 has no list"),
        ({"rows": []}, f"1 to {MOST_ROWS} rows"),
        ({"rows": [ROW] * (MOST_ROWS + 1)}, f"1 to {MOST_ROWS} rows"),
        ({"rows": [ROW, ROW[:2]]}, "row 1 has 2 numbers, and 3 are wanted: alcohol, hue, proline"),
        ({"rows": [[13.0, "1.0", 700.0]]}, 'row 0: hue is "1.0", and no finite number'),
        ({"rows": [[13.0, None, 700.0]]}, "row 0: hue is null"),
        ({"rows": [[13.0, True, 700.0]]}, "row 0: hue is true"),
        ({"rows": [[13.0, 1.0, float("nan")]]}, "row 0: proline is NaN"),
        (b'{"rows": [[13, 1, 1e999]]}', "row 0: proline is Infinity"),
        ({"rows": [[13.0, 1.0, 1e39]]}, "row 0: proline is 1e+39"),  # infinite in float32
        ({"rows": [[10**400, 1.0, 1.0]]}, "row 0: alcohol is 1000"),
    ],
)
def test_what_cannot_be_answered_gets_a_sentence(server, body, says):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, said = ask(server, "POST", "/predict", body)
    assert status == 400 and says in said["error"] and len(said["error"]) < 200
    with pytest.raises(BadRequest):
        read_rows(body, FEATURES)
    assert predicted(server, [ROW])[0] == 200  # and it goes on


def test_other_paths_and_lengths(server):
    assert ask(server, "GET", "/predict")[0] == ask(server, "POST", "/")[0] == 404
    status, said = ask(server, "POST", "/predict", None, {"Content-Length": str(MOST_BYTES + 1)})  # nothing is read
    assert status == 413 and "1,000,000 bytes" in said["error"]
    for length in ("-1", "many"):
        assert ask(server, "POST", "/predict", None, {"Content-Length": length})[0] == 411


def test_whole_numbers_are_numbers(server):
    assert predicted(server, [[13, 1, 700]]) == predicted(server, [ROW])
    assert predicted(server, [[13, 1, 10**30]]) == predicted(server, [[13.0, 1.0, 1e30]])


def test_a_model_that_fails_is_not_the_clients_fault(model):
    broken = Classifier(7, 2).eval()
    with Server(broken, FEATURES, CLASSES) as server:
        status, said = predicted(server, [ROW])
    assert status == 500 and said == {"error": "the model failed; it is not your request"}


def test_many_at_once_and_nobody_gets_another_ones_answer(server, model):
    asked = [rows_of(3, seed) for seed in range(40)]
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda rows: predicted(server, rows.tolist()), asked))
    for rows, (status, said) in zip(asked, told, strict=True):
        assert status == 200 and torch.equal(torch.tensor(said["probabilities"]), predict(model, rows))
    assert ask(server, "GET", "/")[1]["rows"] == 120


def test_it_notices_what_has_moved(server, model):
    about = ask(server, "GET", "/")[1]
    assert about["rows"] == 0 and about["features"] == list(FEATURES) and set(about["drift"].values()) == {0}
    middle = model.scaler.mean
    predicted(server, (middle + torch.tensor([[0.0, 0.0, 800.0]])).tolist())  # two spreads of 400
    predicted(server, [middle.tolist()])
    drift = ask(server, "GET", "/")[1]["drift"]
    assert drift["proline"] == pytest.approx(1) and drift["alcohol"] == pytest.approx(0)


def test_it_ends_and_leaves_nothing_behind(model):
    before = threading.active_count()
    server = Server(model, FEATURES, CLASSES)
    assert server.server_address[0] == "127.0.0.1" and predicted(server, [ROW])[0] == 200
    server.close()
    server.close()
    assert not server.thread.is_alive() and threading.active_count() <= before + 1  # its last request may still end
    with pytest.raises(OSError):
        predicted(server, [ROW])


def test_two_servers_take_two_ports(model):
    with Server(model, FEATURES, CLASSES) as one, Server(model, FEATURES, CLASSES) as other:
        assert one.url != other.url and predicted(one, [ROW]) == predicted(other, [ROW])
