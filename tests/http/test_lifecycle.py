"""Loading, overload, clients that leave or dawdle, draining."""
import json
import os
import socket
import tempfile
import threading
import time
import unittest
from random import Random

from harness import ABANDONS_THREADS, MODEL, NAME, Server, main, parallel, parse_events

# Many choices of some 500 tokens: a second or more of work, where one request of this small model takes milliseconds.
HEAVY = {"model": NAME, "prompt": "Once upon a time", "temperature": 1, "seed": 1, "n": 32, "max_tokens": 500,
         "ignore_eos": True}
LIGHT = {"model": NAME, "prompt": "Once upon a time", "max_tokens": 2}


def open_request(server, body):
    """Sends a completion and leaves the answer unread."""
    text = json.dumps(body)
    connection = socket.create_connection(("127.0.0.1", server.port), 60)
    connection.sendall(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n%s" % (len(text), text)).encode())
    return connection


def wait_for(condition, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Loading(unittest.TestCase):
    # A chat template that is a pipe: loading waits until somebody writes it.

    def test_health_is_503_until_the_model_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "template")
            os.mkfifo(pipe)
            with Server("--chat-template", pipe, wait=False) as server:
                for _ in range(3):
                    answer = server.get("/health")
                    self.assertEqual((answer.status, answer.error()["code"]), (503, "model_loading"))
                    self.assertTrue(answer.headers["Retry-After"])
                answer = server.post("/v1/completions", LIGHT)
                self.assertEqual((answer.status, answer.error()["code"]), (503, "model_loading"))
                self.assertEqual(server.get("/v1/models").json()["data"][0]["id"], NAME)
                self.assertEqual(server.get("/metrics").status, 200)
                with open(pipe, "w") as file:
                    file.write("{% for m in messages %}{{ m['content'] }}{% endfor %}")
                server.wait_ready()
                self.assertEqual(server.post("/v1/completions", LIGHT).status, 200)
                self.assertEqual(server.chat("Once upon a time", max_tokens=1, temperature=0)["usage"]["prompt_tokens"], 4)

    def test_signal_while_loading_ends_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "template")
            os.mkfifo(pipe)
            server = Server("--chat-template", pipe, wait=False)
            try:
                server.terminate()
                self.assertEqual(server.wait(10), 0)
            finally:
                server.kill()

    def test_a_model_that_does_not_load_ends_with_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "config.json"), "w") as file:
                file.write("{")
            with self.assertRaises(RuntimeError) as caught:
                Server(model=folder)
            self.assertIn("ended with 1", str(caught.exception))
            self.assertIn("quire: ", str(caught.exception))


class Load(unittest.TestCase):
    def test_full_queue_is_a_429(self):
        with Server("--max-num-seqs", "32", "--max-queue", "2") as server:
            held = [open_request(server, HEAVY)]
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_running"] >= 1))
            for _ in range(6):
                held.append(open_request(server, HEAVY))
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_waiting"] >= 2))
            answer = server.post("/v1/completions", LIGHT)
            self.assertEqual(answer.status, 429, answer.body)
            self.assertEqual((answer.error()["type"], answer.error()["code"], answer.error()["param"]),
                             ("rate_limit_error", "rate_limit_exceeded", None))
            self.assertTrue(answer.headers["Retry-After"])
            # several prompts are taken all or none
            answer = server.post("/v1/completions", dict(LIGHT, prompt=["a", "b"]))
            self.assertEqual(answer.status, 429, answer.body)
            self.assertEqual(server.get("/health").status, 200)
            for connection in held:
                connection.close()
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_running"] == 0))
            self.assertTrue(wait_for(lambda: server.post("/v1/completions", LIGHT).status == 200))

    def test_leaving_client_frees_its_blocks(self):
        for body in (HEAVY, dict(HEAVY, stream=True)):
            with Server() as server:
                aborted = server.metrics()['vllm:request_success_total{finished_reason="abort"}']
                connection = open_request(server, body)
                self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] >= 64))
                if "stream" in body:
                    self.assertIn(b"200 OK", connection.recv(1000))
                connection.close()
                start = time.time()
                self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] == 0, 10))
                self.assertLess(time.time() - start, 5.0)
                metrics = server.metrics()
                self.assertEqual(metrics["vllm:num_requests_running"], 0)
                self.assertGreater(metrics['vllm:request_success_total{finished_reason="abort"}'], aborted)
                time.sleep(0.1)
                self.assertEqual(server.metrics()["vllm:generation_tokens_total"], metrics["vllm:generation_tokens_total"])
                self.assertLess(metrics["vllm:generation_tokens_total"], 32 * 500)

    def test_client_that_leaves_the_queue(self):
        with Server("--max-num-seqs", "32") as server:
            first = open_request(server, HEAVY)
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_running"] >= 1))
            waiting = server.metrics()["vllm:num_requests_waiting"]
            second = open_request(server, HEAVY)
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_waiting"] > waiting))
            second.close()
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_waiting"] <= waiting))
            first.close()
            self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] == 0))

    def test_idle_stream_shows_life_every_ten_seconds(self):
        with Server("--max-num-seqs", "128") as server:
            held = [open_request(server, dict(HEAVY, n=128)) for _ in range(8)]  # a minute of work before the next one
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_waiting"] >= 2))
            start = time.time()
            waiting = open_request(server, dict(HEAVY, n=128, stream=True))
            waiting.settimeout(30)
            got = b""
            while b": still working\n\n" not in got:
                piece = waiting.recv(4096)
                self.assertTrue(piece)
                got += piece
            self.assertNotIn(b"data:", got)
            self.assertGreater(time.time() - start, 9)
            self.assertLess(time.time() - start, 20)
            for connection in held + [waiting]:
                connection.close()
            self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] == 0))

    def test_long_bodies_have_a_common_bound(self):
        # Eight times the longest body may be held at once; what comes beyond is a 429, and all is given back.
        with Server("--max-body-size", "1MiB", "--client-timeout", "60") as server:
            head = (b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 1048576\r\n\r\n")
            held = []
            for _ in range(9):
                connection = socket.create_connection(("127.0.0.1", server.port), 60)
                connection.sendall(head + b" " * 1000000)
                held.append(connection)
            time.sleep(1)  # all that was sent has arrived
            answers = []
            for connection in held:
                connection.sendall(b" " * 48576)
                answers.append(connection.recv(12))
            self.assertEqual(sorted(answers), [b"HTTP/1.1 400"] * 8 + [b"HTTP/1.1 429"])
            for connection in held:
                connection.close()
            self.assertTrue(wait_for(lambda: server.post("/v1/completions", dict(LIGHT, user="x" * 900000)).status == 200))

    def test_long_bodies_whose_clients_leave_at_any_moment(self):
        # Bodies for the text worker, closed before, during and after its work; ThreadSanitizer sees who touches what.
        with Server() as server:
            end = time.time() + 4

            def leave_early(seed):
                draw = Random(seed)
                while time.time() < end:
                    body = dict(LIGHT, user="x" * 20000, n=draw.choice([1, 5]), max_tokens=draw.choice([1, 40]),
                                stream=draw.random() < 0.5, ignore_eos=True)
                    connection = open_request(server, body)
                    connection.settimeout(0.5)
                    time.sleep(draw.choice([0, 0, 0.002, 0.02]))
                    try:
                        if draw.random() < 0.5:
                            connection.recv(draw.choice([1, 100, 100000]))
                    except OSError:
                        pass
                    connection.close()

            parallel([lambda seed=seed: leave_early(seed) for seed in range(16)])
            self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] == 0))
            self.assertEqual(server.post("/v1/completions", LIGHT).status, 200)

    def test_slow_reader_holds_nobody_up(self):
        with Server() as server:
            connection = open_request(server, dict(HEAVY, n=1, stream=True))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            for _ in range(3):
                self.assertTrue(connection.recv(1))
                time.sleep(0.1)
            self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] == 0))
            self.assertEqual(server.post("/v1/completions", LIGHT).status, 200)
            got = b""
            while b"[DONE]" not in got:
                piece = connection.recv(65536)
                self.assertTrue(piece)
                got += piece
            connection.close()

    def test_health_is_never_behind_work(self):
        with Server() as server:
            stop, slowest = threading.Event(), [0.0]

            def ask():
                while not stop.is_set():
                    start = time.time()
                    assert server.get("/health").status == 200
                    slowest[0] = max(slowest[0], time.time() - start)

            asker = threading.Thread(target=ask)
            asker.start()
            # four megabytes of prompt that end as a 400, beside a heavy request
            connection = open_request(server, dict(HEAVY, max_tokens=100))
            start = time.time()
            answer = server.post("/v1/completions", {"model": NAME, "prompt": "word " * 800000}, timeout=500)
            took = time.time() - start
            self.assertEqual((answer.status, answer.error()["code"]), (400, "context_length_exceeded"))
            connection.close()
            stop.set()
            asker.join()
            self.assertLess(slowest[0], took / 2 + 0.2, "who waits for the text worker waits as long as it works")

    def test_many_connections_at_once(self):
        with Server() as server:
            connections = [open_request(server, dict(LIGHT, stream=True, max_tokens=20, ignore_eos=True)) for _ in range(300)]
            for connection in connections:
                got = b""
                while b"[DONE]\n\n\r\n0\r\n\r\n" not in got and b"\r\n0\r\n\r\n" not in got:
                    piece = connection.recv(65536)
                    self.assertTrue(piece, got)
                    got += piece
                self.assertIn(b"data: [DONE]", got)
                connection.close()


class Drain(unittest.TestCase):
    def test_running_requests_finish_and_new_ones_are_refused(self):
        with Server() as server:
            result = {}

            def run():
                answer = server.post("/v1/completions", dict(HEAVY, stream=True, max_tokens=400))
                result["events"] = parse_events(answer.body)

            runner = threading.Thread(target=run)
            runner.start()
            self.assertTrue(wait_for(lambda: server.metrics()["quire:kv_blocks_used"] >= 64))
            server.terminate()
            self.assertTrue(wait_for(lambda: server.get("/health").status == 503))
            answer = server.post("/v1/completions", LIGHT)
            self.assertEqual((answer.status, answer.error()["type"], answer.error()["code"]),
                             (503, "server_error", "server_shutting_down"))
            self.assertTrue(answer.headers["Retry-After"])
            self.assertEqual(answer.headers["Connection"].lower(), "close")
            runner.join()
            ends = [event["choices"][0]["index"] for event in result["events"] if event["choices"][0]["finish_reason"]]
            self.assertEqual(sorted(ends), list(range(32)))
            self.assertEqual(server.wait(20), 0)
            self.assertIn("stopped forced=no blocks_used=0 running=0 waiting=0", server.log_text())

    def test_second_signal_stops_at_once(self):
        with Server("--max-num-seqs", "32", env=ABANDONS_THREADS) as server:
            connections = [open_request(server, HEAVY), open_request(server, dict(HEAVY, stream=True))]
            self.assertTrue(wait_for(lambda: server.metrics()["vllm:num_requests_running"] >= 1))
            server.terminate()
            self.assertTrue(wait_for(lambda: server.get("/health").status == 503))
            server.terminate()  # a wrapper may signal the process and its group: that is one wish
            time.sleep(0.2)
            self.assertIsNone(server.process.poll(), "the first signal waits for what runs")
            start = time.time()
            server.terminate()
            self.assertEqual(server.wait(10), 1, "work was cut off")
            self.assertLess(time.time() - start, 3)
            self.assertIn("stopped forced=yes", server.log_text())
            for connection in connections:
                connection.close()


if __name__ == "__main__":
    main()
