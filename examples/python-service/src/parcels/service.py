"""The service: `/price?zone=home&grams=1200`, `/healthz` and `/metrics`."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from prometheus_client import Counter, generate_latest

from parcels.tariff import NoPrice, price

ANSWERS = Counter("parcels_answers", "Answers by status", ["code"])


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        match url.path:
            case "/healthz":
                self._answer(200, "text/plain", b"ok\n")
            case "/metrics":
                self._answer(200, "text/plain", generate_latest())
            case "/price":
                self._price(parse_qs(url.query))
            case _:
                self._json(404, {"error": "there is /price, /healthz and /metrics"})

    def _price(self, query: dict[str, list[str]]) -> None:
        try:
            zone = query["zone"][0]
            grams = int(query["grams"][0])
            self._json(200, {"cents": price(zone, grams)})
        except (KeyError, ValueError) as why:
            told = why if isinstance(why, NoPrice) else "give `zone`, and `grams` as a whole number"
            self._json(422, {"error": str(told)})

    def _json(self, code: int, body: dict[str, object]) -> None:
        self._answer(code, "application/json", json.dumps(body).encode() + b"\n")

    def _answer(self, code: int, form: str, body: bytes) -> None:
        ANSWERS.labels(code).inc()
        self.send_response(code)
        self.send_header("content-type", form)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: the metrics tell more than a line for each request."""


def server(port: int) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
