"""The table of hostile requests in the shared data: each row gets its answer, and the server stays alive and quick."""
import json
import os
import socket
import time
import unittest

from harness import NAME, SHARED, Answer, Server, main

KEY = "sk-0123456789abcdef"
TABLE = os.path.join(SHARED, "data", "hostile_http", "requests.jsonl")

# Rows that libmicrohttpd answers itself, before any of our code sees the request: it must refuse (4xx, 5xx, or close without an
# answer). In brackets the reason why the row's very words are not ours to give.
REFUSED_BY_LIBRARY = {
    "header_huge", "headers_many", "uri_huge",  # 431 and 414 with its own page
    "chunk_size_overflow", "cl_neg", "cl_2p64", "cl_hex", "cl_plus",  # 400 or 413 with its own page
    "space_before_colon", "obs_fold", "no_host", "nul_in_header", "tls_on_plain", "h2_preface", "version_9",
}
# ... and those that it tolerates without harm: the header in question is not used by anything here.
HARMLESS_TO_LIBRARY = {"space_before_colon", "obs_fold", "nul_in_header"}
# Rows about what later versions will have: until then a 400 that names the field.
UNTIL_THEN_400 = {"schema_ref_loop", "schema_regex", "schema_redos", "schema_blowup", "schema_counts", "schema_type",
                  "schema_remote"}
# Rows that need a server in a certain state have tests of their own, here or in test_lifecycle.py.
STATE_ROWS = {"key_missing", "key_prefix", "overload", "drain", "slowloris", "slow_reader", "disconnect", "pipeline"}


def rows():
    with open(TABLE) as file:
        return [json.loads(line) for line in file]


def fill(value):
    """Replaces the table's variables in a body."""
    if isinstance(value, dict):
        return {key: fill(item) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], str) and value[0].startswith("$REPEAT"):
            return ["x"] * int(value[0][len("$REPEAT"):])
        return [fill(item) for item in value]
    if isinstance(value, str):
        return value.replace("$MODEL", NAME).replace("$LONG", "word " * 5000)
    return value


def raw_request(row):
    """The bytes of a row in one of the two raw forms."""
    if "raw" in row:
        return row["raw"].encode("latin-1")
    method, target, *parts = row["raw_parts"]
    head = "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    if row["id"] == "json_deep":
        body = "".join(unit * count for unit, count in parts)
        return (head % (method, target) + "Content-Length: %d\r\n\r\n" % len(body) + body).encode()
    unit, count = parts[0]
    if row["id"] == "header_huge":
        return (head % (method, target) + "X: " + unit * count + "\r\n\r\n").encode()
    if row["id"] == "headers_many":
        return (head % (method, target) + unit * count + "\r\n").encode()
    if row["id"] == "uri_huge":
        return (head % (method, target + unit * count) + "\r\n").encode()
    if row["id"] == "chunks_tiny":
        return (head % (method, target) + "Transfer-Encoding: chunked\r\n\r\n" + unit * count + "0\r\n\r\n").encode()
    raise AssertionError("the table has a row that this test does not know: " + row["id"])


def parse_raw(got):
    if not got:
        return Answer(0, {}, b"")
    head, _, body = got.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), head, body)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def send(self, row):
        if "raw" in row or "raw_parts" in row:
            # Half a TLS greeting is no request yet: it would be waited for until the header deadline.
            return parse_raw(self.server.raw(raw_request(row), timeout=1 if row["id"] == "tls_on_plain" else 20))
        body = row["body"]
        if row["id"] == "json_bad_utf8":
            body = b'{"model":"\xff\xfe"}'
        elif isinstance(body, str):
            body = fill(body)
        elif body is not None:
            body = json.dumps(fill(body))
        return self.server.call(row["method"], row["path"], body, row["headers"])

    def check(self, row, answer):
        expected, name = row["expect"], row["id"]
        if name in REFUSED_BY_LIBRARY:
            good = answer.status == 0 or 400 <= answer.status < 600
            self.assertTrue(good or (name in HARMLESS_TO_LIBRARY and answer.status == 200), answer.status)
            return
        if name in UNTIL_THEN_400:
            self.assertEqual(answer.status, 400)
            self.assertEqual(answer.error()["param"], "response_format")
            return
        self.assertIn(str(answer.status), str(expected["status"]).split("|"), answer.body)
        if answer.status == 200:
            return
        error = answer.error()
        self.assertEqual(sorted(error), ["code", "message", "param", "type"])
        self.assertTrue(error["message"])
        for key in ("type", "code", "param"):
            if expected[key] is not None:
                self.assertEqual(error[key], expected[key], answer.body)

    def test_table(self):
        pid = self.server.process.pid
        seen = 0
        for row in rows():
            if row["id"] in STATE_ROWS:
                continue
            with self.subTest(row["id"]):
                self.check(row, self.send(row))
                start = time.time()
                self.assertEqual(self.server.get("/health").status, 200)
                self.assertLess(time.time() - start, 1.0)
                self.assertIsNone(self.server.process.poll())
                self.assertEqual(self.server.process.pid, pid)
            seen += 1
        self.assertEqual(seen + len(STATE_ROWS), 84)

    def test_expect_continue_huge_is_answered_without_100(self):
        row = next(row for row in rows() if row["id"] == "expect_continue_huge")
        got = self.server.raw(raw_request(row))
        self.assertTrue(got.startswith(b"HTTP/1.1 413"), got[:80])

    def test_pipeline_is_answered_in_order(self):
        one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(one * 999 + b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
        self.assertEqual(got.count(b"HTTP/1.1 200 OK"), 1000)
        self.assertEqual(got.count(b'{"status":"ok"}'), 999)
        self.assertTrue(got.endswith(b"}") and b'"version"' in got[-60:], got[-100:])


class Keys(unittest.TestCase):
    def test_key_is_asked_for_everywhere_but_health(self):
        body = {"model": NAME, "prompt": "hi", "max_tokens": 1}
        with Server("--api-key", KEY) as server:
            for path in ("/v1/models", "/v1/models/", "/metrics", "/version", "/nope"):
                answer = server.get(path)
                self.assertEqual(answer.status, 401, path)
                self.assertEqual(answer.error()["code"], "invalid_api_key")
                self.assertEqual(answer.error()["type"], "invalid_request_error")
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
            for header in ("Bearer " + KEY[: len(KEY) // 2], "Bearer " + KEY + "x", "Bearer ", "Basic " + KEY, KEY,
                           "Bearer " + KEY * 2):
                self.assertEqual(server.post("/v1/completions", body, {"Authorization": header}).status, 401, header)
            self.assertEqual(server.get("/health").status, 200)
            self.assertEqual(server.get("/v1/models", {"Authorization": "Bearer " + KEY}).status, 200)
            self.assertEqual(server.post("/v1/completions", body, {"Authorization": "bearer " + KEY}).status, 200)


class Slowloris(unittest.TestCase):
    def test_header_deadline_gives_408_and_others_are_not_delayed(self):
        with Server("--client-timeout", "2") as server:
            slow = []
            for _ in range(500):
                connection = socket.create_connection(("127.0.0.1", server.port), 20)
                connection.sendall(b"GET /health HTTP/1.1\r\n")
                slow.append(connection)
            start = time.time()
            self.assertEqual(server.get("/health").status, 200)
            self.assertLess(time.time() - start, 0.5)
            for _ in range(4):  # a byte now and then does not help
                time.sleep(0.7)
                for connection in slow[:20]:
                    try:
                        connection.sendall(b"X")
                    except OSError:
                        pass
            for connection in slow:
                try:
                    got = connection.recv(1000)
                except ConnectionError:
                    got = b""
                self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 408"), got)
                connection.close()
            # one that never moved gets the whole answer
            with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\n")
                got = b""
                while not got.endswith(b"}}"):
                    piece = connection.recv(1000)
                    if not piece:
                        break
                    got += piece
            answer = parse_raw(got)
            self.assertEqual((answer.status, answer.error()["code"]), (408, "request_timeout"))


if __name__ == "__main__":
    main()
