#!/usr/bin/env python3
"""The official `openai` client against a quire server that serves the demo model: lists, completes, chats, streams, and sees
errors as its own exception types. Arguments: the quire binary, and a file for the results (one JSON object per case)."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

import openai

BINARY, RESULTS = sys.argv[1:3]
KEY = "sk-test-key"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        port = free_port()
        cls.server = subprocess.Popen([BINARY, "serve", "--port", str(port), "--api-key", KEY, "--kv-cache-memory", "64MiB"],
                                      stdout=subprocess.DEVNULL)
        cls.url = f"http://127.0.0.1:{port}"
        cls.client = openai.OpenAI(base_url=cls.url + "/v1", api_key=KEY, max_retries=0, timeout=60)
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(cls.url + "/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or cls.server.poll() is not None:
                    raise
                time.sleep(0.05)
        cls.model = cls.client.models.list().data[0].id

    @classmethod
    def tearDownClass(cls):
        cls.server.send_signal(signal.SIGTERM)
        assert cls.server.wait(30) == 0, "the server did not drain"

    def test_models_are_listed(self):
        models = self.client.models.list().data
        self.assertEqual(len(models), 1)
        self.assertEqual(models[0].object, "model")
        self.assertEqual(self.client.models.retrieve(self.model).id, self.model)

    def test_completion_has_text_and_usage(self):
        answer = self.client.completions.create(model=self.model, prompt="The server", max_tokens=8, temperature=0,
                                                extra_body={"ignore_eos": True})
        self.assertEqual(answer.object, "text_completion")
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 8)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + 8)
        self.assertTrue(answer.choices[0].text)

    def test_completion_streams_the_same_text(self):
        ask = dict(model=self.model, prompt="The server", max_tokens=24, temperature=0.9, seed=7)
        whole = self.client.completions.create(**ask).choices[0].text
        parts = [c.choices[0].text for c in self.client.completions.create(stream=True, **ask) if c.choices]
        self.assertEqual("".join(parts), whole)

    def test_chat_answers_a_question_about_quire(self):
        answer = self.client.chat.completions.create(
            model=self.model, temperature=0, messages=[{"role": "user", "content": "Which port does quire use by default?"}])
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertRegex(answer.choices[0].message.content, r"\b8000\b")

    def test_chat_streams_with_usage(self):
        ask = dict(model=self.model, temperature=0, messages=[{"role": "user", "content": "What is quire?"}])
        whole = self.client.chat.completions.create(**ask)
        text, roles, usage, reasons = "", [], None, []
        for chunk in self.client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask):
            if chunk.usage:
                usage = chunk.usage
                self.assertEqual(chunk.choices, [])
            for choice in chunk.choices:
                text += choice.delta.content or ""
                roles += [choice.delta.role] if choice.delta.role else []
                reasons += [choice.finish_reason] if choice.finish_reason else []
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(roles, ["assistant"])
        self.assertEqual(reasons, ["stop"])
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)
        self.assertTrue(re.search(r"\w{3}", text))

    def test_chat_reports_logprobs(self):
        answer = self.client.chat.completions.create(model=self.model, temperature=0, logprobs=True, top_logprobs=3, max_tokens=4,
                                                     messages=[{"role": "user", "content": "What is quire?"}])
        content = answer.choices[0].logprobs.content
        self.assertEqual(len(content), answer.usage.completion_tokens)
        for entry in content:
            self.assertEqual(len(entry.top_logprobs), 3)
            self.assertLessEqual(entry.logprob, 0)
            self.assertEqual(entry.logprob, max(t.logprob for t in entry.top_logprobs))

    def test_conversation_with_tools_goes_on(self):
        tools = [{"type": "function", "function": {"name": "port_of", "description": "The port of a server.", "strict": True,
                                                   "parameters": {"type": "object", "properties": {"name": {"type": "string"}},
                                                                  "required": ["name"], "additionalProperties": False}}}]
        messages = [{"role": "developer", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "What is quire?"}]}]
        ask = dict(model=self.model, temperature=0, max_tokens=8, tools=tools, tool_choice="auto", parallel_tool_calls=True,
                   reasoning_effort="low", store=False, user="tester")
        answer = self.client.chat.completions.create(messages=messages, **ask)
        messages.append(answer.choices[0].message.model_dump())  # as the client gives it, with all its nulls
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "port_of", "arguments": "{\"name\": \"quire\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "8000"},
            {"role": "user", "content": "And now?"}]
        again = self.client.chat.completions.create(messages=messages, **ask)
        self.assertGreater(again.usage.prompt_tokens, answer.usage.prompt_tokens)
        with self.assertRaises(openai.BadRequestError) as error:
            self.client.chat.completions.create(messages=messages, **{**ask, "tool_choice": "required"})
        self.assertEqual(error.exception.param, "tool_choice")

    def test_tokenize_counts_what_chat_reads(self):
        root = self.client.with_options(base_url=self.url)
        messages = [{"role": "user", "content": "What is quire?"}]
        counted = root.post("/tokenize", cast_to=object, body={"model": self.model, "messages": messages, "return_token_strs": True})
        answer = self.client.chat.completions.create(model=self.model, messages=messages, max_tokens=1)
        self.assertEqual(counted["count"], answer.usage.prompt_tokens)
        self.assertEqual(len(counted["token_strs"]), counted["count"])
        text = "Which port? 8000 \U0001f642"
        ids = root.post("/tokenize", cast_to=object, body={"prompt": text, "add_special_tokens": False})["tokens"]
        self.assertEqual(root.post("/detokenize", cast_to=object, body={"tokens": ids})["prompt"], text)

    def test_several_choices_come_back_in_order(self):
        answer = self.client.completions.create(model=self.model, prompt="quire", n=3, max_tokens=5, seed=1, temperature=1)
        self.assertEqual([c.index for c in answer.choices], [0, 1, 2])

    def test_errors_are_the_clients_own_types(self):
        ask = dict(model=self.model, prompt="x", max_tokens=1)
        with self.assertRaises(openai.NotFoundError) as error:
            self.client.completions.create(**{**ask, "model": "nope"})
        self.assertEqual(error.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError) as error:
            self.client.completions.create(**{**ask, "temperature": -1})
        self.assertEqual(error.exception.param, "temperature")
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(base_url=self.url + "/v1", api_key="wrong", max_retries=0).models.list()


class Results(unittest.TextTestResult):
    """One line of JSON per case, in the form of Meson's test log."""

    def record(self, test, result):
        with open(RESULTS, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": str(test), "result": result}) + "\n")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.record(test, "OK")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.record(test, "FAIL")

    def addError(self, test, err):
        super().addError(test, err)
        self.record(test, "ERROR")


if __name__ == "__main__":
    if os.path.exists(RESULTS):
        os.remove(RESULTS)
    unittest.main(argv=sys.argv[:1], testRunner=unittest.TextTestRunner(resultclass=Results, verbosity=2))
