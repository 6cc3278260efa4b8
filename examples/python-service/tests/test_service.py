import json
import threading
from http.client import HTTPConnection

import pytest

from parcels.service import server


@pytest.fixture
def ask():
    running = server(0)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()

    def ask(path):
        connection = HTTPConnection("127.0.0.1", running.server_port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    yield ask
    running.shutdown()
    running.server_close()


def test_a_price_is_answered_in_cents(ask):
    code, body = ask("/price?zone=abroad&grams=1500")
    assert (code, json.loads(body)) == (200, {"cents": 1399})


@pytest.mark.parametrize("query", ["", "?zone=home", "?zone=home&grams=heavy", "?zone=moon&grams=5"])
def test_a_question_that_makes_no_sense_is_refused_with_the_reason(ask, query):
    code, body = ask(f"/price{query}")
    assert code == 422
    assert json.loads(body)["error"]


def test_answers_are_counted(ask):
    assert ask("/healthz") == (200, b"ok\n")
    assert b'parcels_answers_total{code="200"}' in ask("/metrics")[1]


def test_any_other_path_is_answered_with_those_that_there_are(ask):
    assert ask("/")[0] == 404
