"""The command line: options and their precedence, help, and the small commands."""
import json
import os
import re
import subprocess
import tempfile
import time
import unittest

from harness import MODEL, MODELS, QUIRE, Server, main

FILE_OF_OPTIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "quire.yaml")


def run(*arguments, text="", env=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
    environment.update(env or {})
    return subprocess.run([QUIRE] + list(arguments), input=text.encode(), capture_output=True, env=environment, timeout=60)


class Config:
    """A YAML file that lives as long as the test."""

    def __init__(self, text):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.file.write(text)
        self.file.flush()
        self.name = self.file.name


class Precedence(unittest.TestCase):
    def name(self, *flags, env=None):
        with Server(*flags, env=env) as server:
            return server.get("/v1/models").json()["data"][0]["id"]

    def test_flag_over_environment_over_file_over_default(self):
        config = Config("served-model-name: from-file\n")
        environment = {"QUIRE_SERVED_MODEL_NAME": "from-environment"}
        self.assertEqual(self.name(), "stories260K-hf")
        self.assertEqual(self.name("--config", config.name), "from-file")
        self.assertEqual(self.name(env={"QUIRE_CONFIG": config.name}), "from-file")
        self.assertEqual(self.name("--config", config.name, env=environment), "from-environment")
        self.assertEqual(self.name("--config", config.name, "--served-model-name", "from-flag", env=environment), "from-flag")
        self.assertEqual(self.name("--served-model-name=from-flag", env=environment), "from-flag")

    def test_every_kind_of_option_in_a_file(self):
        config = Config("model: %s\nmax_num_seqs: 3\nkv-cache-memory: 2MiB\nenable-prefix-caching: no\n"
                        "max-model-len: 100 # tokens\nthreads: 1\nmax-num-batched-tokens: 16\n" % MODEL)
        with Server("--config", config.name, model=None) as server:
            self.assertEqual(server.get("/v1/models").json()["data"][0]["max_model_len"], 100)
            report = server.stdout.decode()
            self.assertIn("3 sequences and 16 tokens a step", report)
            self.assertRegex(report, r"threads +1\n")
            self.assertRegex(report, r"KV cache +[\d.]+ [KM]iB")
            answer = server.post("/v1/completions", {"prompt": "x", "n": 4})
            self.assertEqual((answer.status, answer.error()["param"]), (400, "n"))
            for _ in range(2):
                used = server.complete("Once upon a time " * 10, max_tokens=1)["usage"]
                self.assertEqual(used["prompt_tokens_details"]["cached_tokens"], 0)

    def test_the_sample_file_is_valid_and_names_only_options(self):
        with open(FILE_OF_OPTIONS) as file:
            keys = re.findall(r"^# ([a-z-]+): ", file.read(), re.M)
        shown = run("help", "serve").stdout.decode()
        for key in keys:
            self.assertIn("--" + key + " ", shown)
        for option in re.findall(r"^  --([a-z-]+) ", shown, re.M):
            if option not in ("config", "help"):
                self.assertIn(option, keys)
        with Server("--config", FILE_OF_OPTIONS):
            pass


class Mistakes(unittest.TestCase):
    def refuse(self, expected, *arguments, env=None, status=2):
        result = run(*arguments, env=env)
        self.assertEqual(result.returncode, status, result.stderr)
        text = result.stderr.decode()
        self.assertTrue(text.startswith("quire: ") and text.count("\n") == 1, text)
        for part in expected if isinstance(expected, tuple) else (expected,):
            self.assertIn(part, text)

    def test_flags(self):
        self.refuse("'fly'", "fly")
        self.refuse("--wings", "serve", "--wings")
        self.refuse("-p", "serve", "-p", "1")
        self.refuse(("--port", "0 to 65535", "65536"), "serve", "--port", "65536")
        self.refuse(("--port", "x"), "serve", "--port=x")
        self.refuse("--port needs a value", "serve", "--port")
        self.refuse("--threads", "serve", "--threads", "0")
        self.refuse(("--kv-cache-memory", "1.5GiB"), "serve", "--kv-cache-memory", "1.5GiB")
        self.refuse("--kv-cache-memory", "serve", "--kv-cache-memory", "99999999999GiB")
        self.refuse("--log-level", "serve", "--log-level", "loud")
        self.refuse("one MODEL", "serve", "a", "b")
        self.refuse("MODEL", "bench")
        self.refuse("--port", "tokenize", MODEL, "--port", "1")

    def test_environment_and_file(self):
        self.refuse("QUIRE_PORT", "serve", env={"QUIRE_PORT": "many"})
        self.refuse("QUIRE_LOG_JSON", "serve", env={"QUIRE_LOG_JSON": "perhaps"})
        config = Config("port: 1\nwings: 2\n")
        self.refuse((config.name + ":2", "wings"), "serve", "--config", config.name)
        for text, line in (("port: [1]\n", ":1"), ("- port\n", ":1"), ("port: 1\nport: {\n", ":"), ("just words\n", ":1"),
                           ("port:\n  x: 1\n", ":"), ("host: 1.2.3.4\nport: x\n", ":2")):
            config = Config(text)
            self.refuse(config.name + line, "serve", "--config", config.name)
        self.refuse("/no/such.yaml", "serve", "--config", "/no/such.yaml")

    def test_models(self):
        self.refuse("/no/such/model", "serve", "/no/such/model", "--port", "0", "--log-level", "error", status=1)
        self.refuse("/no/such/model", "tokenize", "/no/such/model", status=1)
        self.refuse("/no/such/model", "inspect", "/no/such/model", status=1)

    def test_port_in_use(self):
        with Server() as server:
            self.refuse(str(server.port), "serve", MODEL, "--port", str(server.port), "--log-level", "error", status=1)


class Commands(unittest.TestCase):
    def test_help_and_version(self):
        for arguments in (("help",), ("--help",), ("serve", "--help"), ("help", "bench")):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
            self.assertIn(b"--kv-cache-memory SIZE", result.stdout)
        self.assertRegex(run("version").stdout.decode(), r"^quire \d+\.\d+\.\d+\n$")
        self.assertEqual(run().returncode, 2)
        shown = run("help", "bench", "tokenize").stdout.decode()
        self.assertIn("--file FILE", shown)
        self.assertNotIn("--kv-cache-memory", shown)
        for words in (("nonsense",), ("help", "nonsense"), ("help", "bench", "nonsense"), ("help", "ben")):
            result = run(*words)
            self.assertEqual((result.returncode, result.stdout), (2, b""), words)
            self.assertIn(b"there is no command", result.stderr)

    def test_help_explains_the_contracts_flags(self):
        shown = run("help").stdout.decode()
        for flag in "host port threads max-model-len max-num-seqs max-num-batched-tokens kv-cache-memory served-model-name " \
                    "api-key config kernels".split():
            self.assertRegex(shown, r"  --%s [A-Z]+ +\S" % flag)
        for command in ("serve [MODEL]", "bench MODEL", "tokenize MODEL", "inspect MODEL"):
            self.assertIn("quire " + command, shown)

    def test_tokenize(self):
        with open(os.path.join(MODELS, "stories260K.golden.json")) as file:
            case = json.load(file)["cases"][0]
        ids = " ".join(map(str, case["prompt_ids"])) + "\n"
        self.assertEqual(run("tokenize", MODEL, text=case["prompt"]).stdout.decode(), ids)
        self.assertEqual(run("tokenize", MODEL, "--no-special", text=case["prompt"]).stdout.decode(), ids.split(" ", 1)[1])
        self.assertEqual(run("tokenize", MODEL, "--no-special").stdout, b"\n")

    def test_bench_tokenize(self):
        """The figures' form, and that they belong together; how large they are is not tested."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as text, tempfile.NamedTemporaryFile("w", suffix=".jinja") as template:
            text.write("Once upon a time, there was a café.\n" * 200)
            text.flush()
            template.write("{% for m in messages %}{{ m.content }}{% endfor %}{{ tools | tojson }}")
            template.flush()
            result = run("bench", "tokenize", MODEL, "--file", text.name, "--chat-template", template.name, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            rows = {row["phase"]: row for row in json.loads(result.stdout)["rows"]}
            ids = run("tokenize", MODEL, "--no-special", text="Once upon a time, there was a café.\n" * 200).stdout.split()
            self.assertEqual(sorted(rows), ["decode", "encode", "render"])
            self.assertEqual((rows["encode"]["bytes"], rows["encode"]["tokens"]), (os.path.getsize(text.name), len(ids)))
            self.assertEqual(rows["decode"]["tokens"], len(ids))
            for row in rows.values():
                self.assertLess(0, row["seconds"]["min"])
                self.assertLessEqual(row["seconds"]["min"], row["seconds"]["median"])
                self.assertLessEqual(row["seconds"]["median"], row["seconds"]["max"])
                self.assertAlmostEqual(row["mb_per_s"] * row["seconds"]["median"] / row["bytes"], 1e-6, delta=1e-9)
            template.write("{{ raise_exception('not today') }}")
            template.flush()
            result = run("bench", "tokenize", MODEL, "--file", text.name, "--chat-template", template.name)
            self.assertIn(b"render  not measured: ", result.stdout)
            self.assertIn(b"not today", result.stdout)
            result = run("bench", "tokenize", MODEL, "--file", text.name + ".absent")
            self.assertEqual((result.returncode, result.stdout), (1, b""))
            self.assertIn(b"cannot read", result.stderr)

    def test_inspect(self):
        result = run("inspect", MODEL)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"model.layers.0.self_attn.q_proj.weight", result.stdout)

    def test_template(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jinja") as file:
            file.write("{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{{ bos_token }}")
            file.flush()
            variables = {"messages": [{"role": "user", "content": "Käse"}], "bos_token": "<s>"}
            result = run("template", file.name, text=json.dumps(variables))
            self.assertEqual((result.returncode, result.stdout.decode()), (0, "<user>Käse\n<s>"), result.stderr)
            self.assertEqual(run("template", file.name, text="[]").returncode, 1)
            self.assertEqual(run("template", file.name, text="{").returncode, 1)
        self.assertEqual(run("template", "/no/such/file", text="{}").returncode, 1)

    def test_logs_as_json(self):
        with Server("--log-json", "--log-level", "debug", wait=True) as server:
            server.get("/health")
            end = time.time() + 20 # a thread of its own writes the log
            while not all(event in server.log_text() for event in ('"ready"', '"request_done"')) and time.time() < end:
                time.sleep(0.02)
            lines = [json.loads(line) for line in server.log_text().splitlines()]
        events = {line["event"]: line for line in lines}
        self.assertEqual(events["ready"]["level"], "info")
        self.assertIn(":%d" % server.port, events["ready"]["url"])
        self.assertRegex(events["listening"]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn("request_done", events)


if __name__ == "__main__":
    main()
