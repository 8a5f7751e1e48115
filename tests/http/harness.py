"""Starts a quire server on a free port of 127.0.0.1, talks to it, and always stops it. Standard library only.

Every test script is called as: test_x.py PATH_OF_QUIRE. Files of the shared data are found through QUIRE_SHARED."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

QUIRE = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
SHARED = os.environ.get("QUIRE_SHARED", os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared"))
MODELS = os.path.join(SHARED, "data", "models")
MODEL = os.path.join(MODELS, "stories260K-hf")
NAME = "stories260K-hf"
# For a server that is to end at once: it leaves its threads behind, which ThreadSanitizer would report.
ABANDONS_THREADS = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0"}


def main():
    """Runs the tests of the calling script; skips all, with a message, where the shared data is absent."""
    if not os.path.isdir(MODEL):
        print("skipped: there is no %s (set QUIRE_SHARED)" % MODEL)
        sys.exit(77)
    unittest.main(module="__main__", argv=[sys.argv[0]] + sys.argv[2:], verbosity=2)


# Tokens that the model of `model_with_tokens` has besides its own, from the first free id on.
TOKENS = ("<|im_start|>", "<|im_end|>", "<|tool|>")
FIRST_TOKEN = 512


@contextlib.contextmanager
def model_with_tokens(**configuration):
    """A folder with the test model, whose tokenizer also has TOKENS, and whose tokenizer_config.json is changed."""
    with tempfile.TemporaryDirectory(prefix="quire-model-") as folder:
        for name in os.listdir(MODEL):
            if not name.startswith("tokenizer"):
                os.symlink(os.path.abspath(os.path.join(MODEL, name)), os.path.join(folder, name))
        for name in ("tokenizer.json", "tokenizer_config.json"):
            with open(os.path.join(MODEL, name), encoding="utf-8") as file:
                content = json.load(file)
            if name == "tokenizer.json":
                content["added_tokens"] += [
                    {"id": FIRST_TOKEN + i, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
                     "normalized": False, "special": True} for i, text in enumerate(TOKENS)]
            else:
                content.update(configuration)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump(content, file)
        yield folder


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def error(self):
        return self.json()["error"]


class Server:
    """A running `quire serve`. Use as a context manager; on exit it is drained, and must then have no block in use."""

    def __init__(self, *flags, model=MODEL, env=None, wait=True):
        self.log = tempfile.NamedTemporaryFile("w+", prefix="quire-log-", suffix=".txt")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("QUIRE_") or k == "QUIRE_SHARED"}
        environment.update(env or {})
        command = [QUIRE, "serve"] + ([model] if model else []) + ["--port", "0"] + list(flags)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        self.stdout = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.port = self._wait_for_port()
            if wait:
                self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.stdout += line

    def log_text(self):
        with open(self.log.name) as file:
            return file.read()

    def _wait_for_port(self):
        for _ in range(1500):
            found = re.search(r"listening\W+url\W+http://[^:]*:(\d+)", self.log_text())
            if found:
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("quire did not start:\n" + self.log_text())

    def wait_ready(self, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if self.process.poll() is not None:
                raise RuntimeError("quire ended with %d:\n%s" % (self.process.returncode, self.log_text()))
            try:
                if self.get("/health").status == 200:
                    return
            except OSError:  # it ended between the two looks: the next one tells
                pass
            time.sleep(0.02)
        raise RuntimeError("quire did not become ready:\n" + self.log_text())

    # -- requests

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method, path, body=None, headers=None, timeout=60):
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.call("GET", path, headers=headers)

    def post(self, path, body, headers=None, timeout=120):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        return self.call("POST", path, body, dict({"Content-Type": "application/json"}, **(headers or {})), timeout)

    def complete(self, prompt, **fields):
        """The parsed answer of /v1/completions, which must be a 200."""
        answer = self.post("/v1/completions", dict({"model": NAME, "prompt": prompt}, **fields))
        if answer.status != 200:
            raise AssertionError("%d: %s" % (answer.status, answer.body))
        return answer.json()

    def chat(self, content, **fields):
        answer = self.post("/v1/chat/completions",
                           dict({"model": NAME, "messages": [{"role": "user", "content": content}]}, **fields))
        if answer.status != 200:
            raise AssertionError("%d: %s" % (answer.status, answer.body))
        return answer.json()

    def stream(self, path, body, timeout=120):
        """The parsed events of a streamed answer, which must end with [DONE]."""
        answer = self.post(path, dict(body, stream=True), timeout=timeout)
        if answer.status != 200:
            raise AssertionError("%d: %s" % (answer.status, answer.body))
        assert answer.headers["Content-Type"].startswith("text/event-stream"), answer.headers["Content-Type"]
        return parse_events(answer.body)

    def raw(self, data, timeout=10, half_close=False):
        """Sends bytes; gives what comes back until the server closes or is silent for `timeout`."""
        got = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as connection:
            connection.settimeout(timeout)
            sender = threading.Thread(target=_send, args=(connection, data), daemon=True)
            sender.start()
            try:
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    got += piece
                    if _complete(got):
                        break
            except OSError:
                pass
        return got

    def metrics(self):
        """Values of /metrics by name, with the labels but for model_name: {'vllm:x': 1.0, 'vllm:y{le="1.0"}': 2.0}."""
        values = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith("#") or not line:
                continue
            found = re.fullmatch(r'([a-z0-9_:]+)\{model_name="[^"]*"(?:,([^}]*))?\} (\S+)', line)
            if not found:
                raise AssertionError("not a sample with the label model_name: " + line)
            values[found.group(1) + ("{%s}" % found.group(2) if found.group(2) else "")] = float(found.group(3))
        return values

    # -- the end

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=60):
        return self.process.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is not None:
                sys.stderr.write(self.log_text()[-4000:])
                return
            if self.process.poll() is None:
                self.terminate()
                status = self.wait()
                text = self.log_text()
                if status != 0 or "Sanitizer" in text:
                    raise AssertionError("quire ended with %d:\n%s" % (status, text[-8000:]))
                if "forced=yes" not in text and not re.search(r"stopped\W+forced\W+no\W+blocks_used\W+0\W+running\W+0\W+waiting\W+0\b", text):
                    raise AssertionError("blocks or requests are left after the drain:\n" + text[-2000:])
        finally:
            self.kill()


def _send(connection, data):
    try:
        connection.sendall(data)
    except OSError:
        pass


def _complete(got):
    """Whether `got` is one whole answer with a Content-Length (so that kept connections need no timeout)."""
    head, mark, body = got.partition(b"\r\n\r\n")
    found = re.search(rb"\r\nContent-Length: (\d+)", head, re.I)
    return bool(mark and found and len(body) >= int(found.group(1)))


def parse_events(body):
    """Data of the events of an SSE body; checks the framing and the end mark."""
    text = body.decode()
    assert text.endswith("data: [DONE]\n\n"), text[-200:]
    events = []
    for block in text.split("\n\n")[:-2]:
        if block.startswith(":"):
            continue
        assert block.startswith("data: ") and "\n" not in block, block
        events.append(json.loads(block[6:]))
    return events


def parallel(functions):
    """Runs all functions at once, each in a thread; gives their results in order, raises what one raised."""
    results, errors = [None] * len(functions), []

    def run(index, function):
        try:
            results[index] = function()
        except BaseException as error:  # handed on below
            errors.append(error)

    threads = [threading.Thread(target=run, args=item) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
