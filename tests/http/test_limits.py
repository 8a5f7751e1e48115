"""What one client can ask for is bounded, and others do not notice: long texts, long answers, slow or endless senders."""
import json
import os
import socket
import tempfile
import threading
import time
import unittest

from harness import ABANDONS_THREADS, NAME, Server, main, parse_events

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


class Texts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = os.path.join(cls.folder.name, "template")
        with open(path, "w") as file:
            file.write(TEMPLATE)
        cls.server = Server("--chat-template", path).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.folder.cleanup()

    def test_final_message_is_found_in_linear_time(self):
        body = {"model": NAME, "continue_final_message": True, "add_generation_prompt": False,
                "messages": [{"role": "user", "content": "a" * 800000}, {"role": "assistant", "content": "a" * 400000}]}
        start = time.time()
        answer = self.server.post("/v1/chat/completions", body)
        self.assertEqual((answer.status, answer.error()["code"]), (400, "context_length_exceeded"))
        self.assertLess(time.time() - start, 10)

    def test_far_too_long_prompts_are_refused_unread(self):
        for text in ("a" * 12000000, " " * 12000000, "Once upon a time " * 700000):
            start = time.time()
            answer = self.server.post("/v1/completions", {"model": NAME, "prompt": text})
            self.assertLess(time.time() - start, 5)
            self.assertEqual((answer.status, answer.error()["code"], answer.error()["param"]),
                             (400, "context_length_exceeded", "prompt"))
            self.assertIn("%d bytes" % len(text), answer.error()["message"])
            self.assertIn("context is 512 tokens", answer.error()["message"])
        answer = self.server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "a" * 1000000}]})
        self.assertEqual((answer.status, answer.error()["param"]), (400, "messages"))

    def test_bound_is_below_what_tokens_there_are(self):
        # A text that just fits is taken, however long its tokens are.
        unit = "Once upon a time, there was a little girl named Lily. "
        count = self.server.complete(unit * 20, max_tokens=1)["usage"]["prompt_tokens"]
        fitting = unit * int(20 * 500 / count)
        self.assertGreater(self.server.complete(fitting, max_tokens=1)["usage"]["prompt_tokens"], 450)

    def test_long_salt_is_refused(self):
        body = {"model": NAME, "prompt": "Hi", "max_tokens": 1}
        self.assertEqual(self.server.post("/v1/completions", dict(body, cache_salt="x" * 1024)).status, 200)
        answer = self.server.post("/v1/completions", dict(body, cache_salt="x" * 1025))
        self.assertEqual((answer.status, answer.error()["code"], answer.error()["param"]),
                         (400, "invalid_value", "cache_salt"))


class Answers(unittest.TestCase):
    """A small body asks for a large answer."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--max-num-seqs", "128", "--max-queue", "100").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def prompts(self, count, length):
        return [[(i * 7 + j) % 400 + 10 for j in range(length)] for i in range(count)]

    def test_what_could_become_too_large_is_refused_with_the_numbers(self):
        body = {"model": NAME, "prompt": self.prompts(20, 300), "n": 64, "max_tokens": 1, "echo": True, "logprobs": 20}
        answer = self.server.post("/v1/completions", body)
        self.assertEqual((answer.status, answer.error()["code"], answer.error()["param"]), (400, "invalid_value", "n"))
        for part in ("20 prompts", "n 64", "300 of the prompt", "20 alternatives", "at most 64"):
            self.assertIn(part, answer.error()["message"])
        self.server.complete("Hi", n=4, max_tokens=500, temperature=1, logprobs=20)  # nothing unusual

    def test_long_answers_keep_nobody_waiting(self):
        stop, slowest = threading.Event(), [0.0]

        def ask():
            while not stop.is_set():
                start = time.time()
                assert self.server.get("/health").status == 200
                slowest[0] = max(slowest[0], time.time() - start)
                time.sleep(0.01)

        asker = threading.Thread(target=ask)
        asker.start()
        body = {"model": NAME, "prompt": self.prompts(2, 440), "n": 128, "max_tokens": 1, "echo": True, "logprobs": 20,
                "seed": 1, "temperature": 1}
        try:
            whole = self.server.post("/v1/completions", body)
            streamed = self.server.post("/v1/completions", dict(body, stream=True))
        finally:
            stop.set()
            asker.join()
        self.assertLess(slowest[0], 1.0)
        self.assertEqual((whole.status, streamed.status), (200, 200))
        whole, events = whole.json()["choices"], parse_events(streamed.body)  # only now: parsing holds up the asker
        self.assertEqual(len(whole), 256)
        text, logprobs, biggest = {}, {}, 0
        for event in events:
            for choice in event["choices"]:
                biggest = max(biggest, len(choice["logprobs"]["tokens"]))
                text[choice["index"]] = text.get(choice["index"], "") + choice["text"]
                parts = logprobs.setdefault(choice["index"], {name: [] for name in choice["logprobs"]})
                for name in parts:
                    parts[name] += choice["logprobs"][name]
        self.assertLessEqual(biggest, 300)
        for choice in whole:  # what is streamed in pieces is what is sent at once
            self.assertEqual(text[choice["index"]], choice["text"])
            self.assertEqual(logprobs[choice["index"]], choice["logprobs"])
            self.assertEqual(len(choice["logprobs"]["tokens"]), 441)

    def test_more_prompts_than_the_queue_holds_is_a_400(self):
        answer = self.server.post("/v1/completions", {"model": NAME, "prompt": ["Hi"] * 101, "max_tokens": 1})
        self.assertEqual((answer.status, answer.error()["param"]), (400, "prompt"), answer.body)
        self.assertIn("101", answer.error()["message"])
        self.assertIn("100", answer.error()["message"])
        answer = self.server.post("/v1/completions", {"model": NAME, "prompt": ["Hi"] * 100, "max_tokens": 1})
        self.assertEqual(answer.status, 200)

    def test_more_choices_than_sequences_names_n(self):
        with Server("--max-num-seqs", "4") as server:
            answer = server.post("/v1/completions", {"model": NAME, "prompt": "Hi", "n": 5, "max_tokens": 1})
            self.assertEqual((answer.status, answer.error()["param"]), (400, "n"), answer.body)

    def test_echoed_text_and_offsets_agree(self):
        fields = {"echo": True, "logprobs": 0, "max_tokens": 1, "temperature": 0}
        choice = self.server.complete([1, 2, 3], skip_special_tokens=False, **fields)["choices"][0]
        self.assertTrue(choice["text"].startswith("<s></s>") or choice["text"].startswith("<s>\n</s>"), choice["text"])
        third = choice["text"].index("\0")
        self.assertEqual(choice["logprobs"]["text_offset"], [0, choice["text"].index("</s>"), third, third + 1])
        for text in ("Once upon <s> a time", "Once upon a time", " Once", "<s>Once", "K\u00e4se \U0001f642!", "a  b\n"):
            for skip in (False, True):
                choice = self.server.complete(text, skip_special_tokens=skip, **fields)["choices"][0]
                self.assertTrue(choice["text"].startswith(text), (text, choice["text"]))
                tokens, offsets = choice["logprobs"]["tokens"], choice["logprobs"]["text_offset"]
                self.assertEqual(offsets[-1], len(text), (text, skip, tokens, offsets))
                self.assertEqual(offsets, sorted(offsets))
                for token, offset in zip(tokens[:-1], offsets):
                    word = token.strip()
                    if word.isascii() and word.isalpha():
                        self.assertTrue(text[offset:].lstrip().startswith(word), (text, tokens, offsets))


class Bodies(unittest.TestCase):
    def test_endless_chunks_are_answered(self):
        with Server("--max-body-size", "65536") as server:
            with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
                connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
                connection.settimeout(0.01)
                got, end = b"", time.time() + 10
                while not got.endswith(b"}}") and time.time() < end:
                    try:
                        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                        got += connection.recv(4096)
                    except socket.timeout:
                        pass
                    except OSError:
                        break
                self.assertTrue(got.startswith(b"HTTP/1.1 413 "), got)
                self.assertEqual(json.loads(got.partition(b"\r\n\r\n")[2])["error"]["code"], "request_too_large")
                closed, end = False, time.time() + 10
                while not closed and time.time() < end:  # and the sender is not listened to for long
                    try:
                        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                        time.sleep(0.01)
                    except socket.timeout:
                        pass
                    except OSError:
                        closed = True
                self.assertTrue(closed)

    def test_body_that_stops_is_timed_out(self):
        with Server("--client-timeout", "1") as server:
            with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
                connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + b" " * 90000)
                start, got = time.time(), b""
                while True:
                    piece = connection.recv(4096)
                    if not piece:
                        break
                    got += piece
                self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got)
                self.assertLess(time.time() - start, 15)

    def test_refused_header_leaves_no_deadline(self):
        # The answer to a refused header is the last word, however slowly it is taken.
        with Server("--client-timeout", "1") as server:
            with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
                connection.sendall(HEAD + b"Content-Length: 99999999999\r\n\r\n")
                time.sleep(2)
                got = connection.recv(65536)
                self.assertTrue(got.startswith(b"HTTP/1.1 413 "), got)
                self.assertEqual(got.count(b"HTTP/1.1"), 1)


class Leavers(unittest.TestCase):
    def test_work_for_clients_that_left_is_skipped(self):
        body = b'{"prompt":[%s1]}' % (b"1," * 4000000)
        with Server() as server:
            start = time.time()
            self.assertEqual(server.post("/v1/completions", body).status, 400)
            one = time.time() - start
            for _ in range(12):  # all of them complete, and gone before their turn
                with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
                    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            start = time.time()
            answer = server.post("/v1/completions", {"prompt": "Hi", "user": "x" * 20000, "max_tokens": 1})
            self.assertEqual(answer.status, 200)
            self.assertLess(time.time() - start, 5 * one)


class Drain(unittest.TestCase):
    def test_slow_reader_holds_the_end_up_for_seconds_only(self):
        body = json.dumps({"model": NAME, "prompt": ["Once upon"] * 4, "n": 16, "max_tokens": 400, "logprobs": 5,
                           "ignore_eos": True, "stream": True}).encode()
        with Server() as server, socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.5)
            server.terminate()
            end = time.time() + 60
            while time.time() < end and server.process.poll() is None and "blocks_used" not in server.log_text():
                try:
                    connection.recv(200)
                except OSError:
                    pass
                time.sleep(0.2)
            self.assertEqual(server.wait(10), 0)
            self.assertIn("stopped forced=no blocks_used=0 running=0 waiting=0", server.log_text())

    def test_second_signal_ends_text_work_too(self):
        with Server(env=ABANDONS_THREADS) as server:
            body = b'{"prompt":[%s1]}' % (b"1," * 7000000)
            busy = []
            for _ in range(6):  # seconds of work for the text worker
                connection = socket.create_connection(("127.0.0.1", server.port), 20)
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                busy.append(connection)
            server.terminate()
            time.sleep(0.2)  # before that it would count as the same wish
            self.assertIsNone(server.process.poll())
            start = time.time()
            server.terminate()
            self.assertEqual(server.wait(20), 1)
            self.assertLess(time.time() - start, 3)
            self.assertIn("forced=yes", server.log_text())
            for connection in busy:
                connection.close()


if __name__ == "__main__":
    main()
