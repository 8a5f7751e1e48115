"""/tokenize and /detokenize: ids and text as the reference has them, and what is refused."""

import json
import os
import time
import unittest

from harness import FIRST_TOKEN, MODELS, NAME, TOKENS, Server, main, model_with_tokens, parallel


class Refuser(unittest.TestCase):
    def refuse(self, path, body, param, code, status=400):
        answer = self.server.post(path, body)
        self.assertEqual(answer.status, status, answer.body)
        error = answer.error()
        self.assertEqual((error["param"], error["code"]), (param, code), error)
        self.assertEqual(error["type"], "invalid_request_error")
        return error["message"]


class Tokenize(Refuser):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def tokenize(self, **body):
        answer = self.server.post("/tokenize", body)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def test_prompts_of_the_golden_file(self):
        with open(os.path.join(MODELS, "stories260K.golden.json")) as file:
            cases = json.load(file)["cases"]
        for case in cases:
            answer = self.tokenize(prompt=case["prompt"])
            self.assertEqual(
                answer,
                {
                    "count": len(case["prompt_ids"]),
                    "max_model_len": 512,
                    "tokens": case["prompt_ids"],
                    "token_strs": None,
                },
            )
            self.assertEqual(
                self.tokenize(prompt=case["prompt"], add_special_tokens=False)["tokens"], case["prompt_ids"][1:]
            )
            back = self.server.post("/detokenize", {"model": NAME, "tokens": case["prompt_ids"][1:]}).json()
            self.assertEqual(back, {"prompt": case["prompt"]})

    def test_token_strs_are_the_vocabularys(self):
        # tokenizers: Tokenizer.from_file(tokenizer.json).encode("Once upon é\n").tokens
        answer = self.tokenize(model=NAME, prompt="Once upon é\n", return_token_strs=True)
        self.assertEqual(answer["token_strs"], ["<s>", "▁Once", "▁upon", "▁", "é", "<0x0A>"])
        self.assertEqual(len(answer["tokens"]), answer["count"])
        self.assertIsNone(self.tokenize(prompt="x", return_token_strs=False)["token_strs"])

    def test_special_spellings_in_a_prompt_are_tokens_as_in_completions(self):
        (choice,) = self.server.complete("a<s>b", max_tokens=1, return_token_ids=True)["choices"]
        answer = self.tokenize(prompt="a<s>b")
        self.assertEqual(answer["tokens"], choice["prompt_token_ids"])
        self.assertEqual(answer["tokens"].count(1), 2)

    def test_messages_are_the_prompt_of_chat(self):
        body = {"messages": [{"role": "user", "content": "Once upon"}, {"role": "assistant", "content": "a time"}]}
        for extra in (
            {},
            {"add_special_tokens": True},
            {"add_generation_prompt": False},
            {"continue_final_message": True},
        ):
            chat = self.server.post(
                "/v1/chat/completions", dict(body, max_tokens=1, return_token_ids=True, **extra)
            ).json()
            self.assertEqual(self.tokenize(**body, **extra)["tokens"], chat["choices"][0]["prompt_token_ids"])

    def test_empty_texts(self):
        self.assertEqual(self.tokenize(prompt="")["tokens"], [1])
        self.assertEqual(
            self.tokenize(prompt="", add_special_tokens=False, return_token_strs=True),
            {"count": 0, "max_model_len": 512, "tokens": [], "token_strs": []},
        )
        self.assertEqual(self.server.post("/detokenize", {"tokens": []}).json(), {"prompt": ""})

    def test_nul_and_every_kind_of_character_come_back(self):
        for text in (
            "a\0b\0",
            "\0",
            "\x1b[0m \x7f",
            "Käse 日本 🙂 e\u0301 \u200d \ufeff \ufffd \U0010ffff",
            " two  spaces ",
            "\r\n\t",
        ):
            ids = self.tokenize(prompt=text, add_special_tokens=False)["tokens"]
            self.assertEqual(self.server.post("/detokenize", {"tokens": ids}).json()["prompt"], text)

    def test_detokenize_keeps_special_tokens_and_replaces_broken_characters(self):
        self.assertEqual(self.server.post("/detokenize", {"tokens": [1, 403, 2]}).json()["prompt"], "<s> Once</s>")
        broken = self.server.post("/detokenize", {"tokens": [403, 3 + 0xE6, 3 + 0x97]}).json()["prompt"]
        self.assertIn("\ufffd", broken)

    def test_wrong_bodies(self):
        chat = {"messages": [{"role": "user", "content": "x"}]}
        self.refuse("/tokenize", {}, "prompt", "missing_required_parameter")
        self.refuse("/tokenize", {"prompt": None}, "prompt", "missing_required_parameter")
        self.refuse("/tokenize", dict(chat, prompt="x"), "messages", "invalid_value")
        for wrong in (1, ["x"], [1], {}, True):
            self.refuse("/tokenize", {"prompt": wrong}, "prompt", "invalid_type")
        self.refuse("/tokenize", {"prompt": "x", "add_special_tokens": 1}, "add_special_tokens", "invalid_type")
        self.refuse("/tokenize", {"prompt": "x", "return_token_strs": "yes"}, "return_token_strs", "invalid_type")
        self.refuse("/tokenize", {"prompt": "x", "tools": [{}]}, "tools", "invalid_value")
        self.refuse("/tokenize", {"prompt": "x", "temperature": 1}, "temperature", "unsupported_parameter")
        self.refuse("/tokenize", {"prompt": "x", "text": "x"}, "text", "unsupported_parameter")
        self.refuse("/tokenize", {"prompt": "x", "model": "gpt"}, "model", "model_not_found", 404)
        self.refuse("/tokenize", {"prompt": "x", "model": NAME + "\0x"}, "model", "model_not_found", 404)
        self.refuse("/tokenize", {"messages": {}}, "messages", "invalid_type")
        self.refuse("/tokenize", {"messages": []}, "messages", "invalid_value")
        self.refuse("/detokenize", {}, "tokens", "missing_required_parameter")
        self.refuse("/detokenize", {"tokens": "1"}, "tokens", "invalid_type")
        for wrong, code in (
            ("1", "invalid_type"),
            (1.5, "invalid_type"),
            (True, "invalid_type"),
            (None, "invalid_type"),
            ([1], "invalid_type"),
            (-1, "invalid_value"),
            (512, "invalid_value"),
            (2**40, "invalid_value"),
            (10**30, "invalid_value"),
        ):
            self.assertIn("tokens[1]", self.refuse("/detokenize", {"tokens": [1, wrong]}, "tokens", code))
        self.refuse("/detokenize", {"tokens": [1], "prompt": "x"}, "prompt", "unsupported_parameter")
        for path in ("/tokenize", "/detokenize"):
            self.assertEqual(self.server.get(path).status, 405)

    def test_broken_text_is_a_400_on_every_endpoint(self):
        for path, body in (
            ("/tokenize", b'{"prompt":"%s"}'),
            ("/v1/completions", b'{"prompt":"%s"}'),
            ("/tokenize", b'{"messages":[{"role":"user","content":"%s"}]}'),
            ("/v1/chat/completions", b'{"messages":[{"role":"user","content":"%s"}]}'),
            ("/v1/chat/completions", b'{"messages":[{"role":"user","content":[{"type":"text","text":"%s"}]}]}'),
            ("/detokenize", b'{"tokens":["%s"]}'),
        ):
            for text in (
                b"\xff",
                b"a\xc3",
                b"\xed\xa0\x80",
                b"\xc0\x80",
                b"\xf4\x90\x80\x80",
                b"\xe4\xb8",
                b"\\ud800",
                b"\\udc00x",
                b"\\ud800\\ud800",
                b"\\ud83dx",
                b"\\u12",
            ):
                self.refuse(path, body % text, None, "invalid_json")
        self.assertIn("UD800", self.refuse("/tokenize", b'{"prompt":"\\ud800"}', None, "invalid_json").upper())
        ids = self.server.post("/tokenize", b'{"prompt":"\\ud83d\\ude42"}').json()["tokens"]  # a pair is one character
        self.assertEqual(ids, self.tokenize(prompt="🙂")["tokens"])

    def test_prompts_beyond_the_context_are_counted(self):
        self.assertEqual(self.tokenize(prompt=" time" * 20000)["count"], 20002)
        content = "time " * 20000
        self.assertGreater(self.tokenize(messages=[{"role": "user", "content": content}])["count"], 20000)
        self.refuse(
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": content}]},
            "messages",
            "context_length_exceeded",
        )

    def test_long_texts_keep_nobody_waiting(self):
        ids = "[" + "378," * 300000 + "378]"
        slow = [
            lambda: self.server.post("/tokenize", {"prompt": "x" * 1000000, "return_token_strs": True}),
            lambda: self.server.post("/detokenize", '{"tokens":%s}' % ids),
        ]

        def look():
            longest, end = 0, time.time() + 1
            while time.time() < end:
                start = time.time()
                self.assertEqual(self.server.post("/tokenize", {"prompt": "Once"}).status, 200)
                longest = max(longest, time.time() - start)
            return longest

        tokens, text, longest = parallel(slow + [look])
        self.assertEqual(tokens.status, 200)
        self.assertEqual(len(tokens.json()["token_strs"]), tokens.json()["count"])
        self.assertEqual(text.json()["prompt"], " ".join(["time"] * 300001))
        self.assertLess(longest, 0.5)

    def test_key_is_asked_for(self):
        with Server("--api-key", "k") as server:
            for path, body in (("/tokenize", {"prompt": "x"}), ("/detokenize", {"tokens": [1]})):
                self.assertEqual(server.post(path, body).status, 401)
                self.assertEqual(server.post(path, body, {"Authorization": "Bearer k"}).status, 200)


class Extended(unittest.TestCase):
    def test_ids_beyond_the_models_own_are_named(self):
        # Such a token is in the vocabulary, though the model has no embedding for it: it is told, and refused where it would run.
        with model_with_tokens() as folder, Server(model=folder) as server:
            ids = server.post("/tokenize", {"prompt": "".join(TOKENS), "return_token_strs": True}).json()
            self.assertEqual(ids["token_strs"][1:], list(TOKENS))
            self.assertEqual(ids["tokens"][1:], list(range(FIRST_TOKEN, FIRST_TOKEN + len(TOKENS))))
            back = server.post("/detokenize", {"tokens": ids["tokens"][1:]}).json()["prompt"]
            self.assertEqual(back, "".join(TOKENS))
            answer = server.post("/v1/completions", {"prompt": TOKENS[0], "max_tokens": 1})
            self.assertEqual((answer.status, answer.error()["param"]), (400, "prompt"))


if __name__ == "__main__":
    main()
