"""What one client can ask for is bounded, and the others do not notice: long texts, long answers, slow or endless senders."""
import http.client
import json
import os
import signal
import socket
import tempfile
import threading
import time
import unittest

from harness import NAME, Server, main

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


def loop_template(folder, rounds):
    """A chat template that takes its time."""
    path = os.path.join(folder, "template")
    with open(path, "w") as file:
        file.write("{%% for i in range(%d) %%}{%% endfor %%}%s" % (rounds, TEMPLATE))
    return path


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

    def test_long_salt_is_refused(self):
        body = {"model": NAME, "prompt": "Hi", "max_tokens": 1}
        self.assertEqual(self.server.post("/v1/completions", dict(body, cache_salt="x" * 1024)).status, 200)
        answer = self.server.post("/v1/completions", dict(body, cache_salt="x" * 1025))
        self.assertEqual((answer.status, answer.error()["code"], answer.error()["param"]),
                         (400, "invalid_value", "cache_salt"))


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
        with tempfile.TemporaryDirectory() as folder, Server("--chat-template", loop_template(folder, 10**5)) as server:
            body = json.dumps({"messages": [{"role": "user", "content": "x" * 1000}] * 3000}).encode()
            connection = socket.create_connection(("127.0.0.1", server.port), 20)
            connection.sendall(HEAD.replace(b"completions", b"chat/completions") + b"Content-Length: %d\r\n\r\n" % len(body) +
                               body)
            time.sleep(0.1)
            server.terminate()
            time.sleep(0.2)
            start = time.time()
            server.terminate()
            status = server.wait(20)
            self.assertIn(status, (0, -signal.SIGTERM))
            self.assertLess(time.time() - start, 2)
            connection.close()


if __name__ == "__main__":
    main()
