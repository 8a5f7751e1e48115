"""Answers of byte tokens: characters that no token of the vocabulary spells come as runs of <0x..> tokens. A run that is no
valid UTF-8 is one U+FFFD for each of its bytes (the ByteFallback decoder of Hugging Face's tokenizers), and only its end tells;
what is streamed is nevertheless the very text of all tokens at once, and stop strings in a run are found at once."""

import re
import unittest

from harness import NAME, Server, main

BYTES = {id: id - 3 for id in range(3, 259)}  # <0x00> is token 3
LETTER = 260  # "he": what it spells is asked of the server


class ByteTokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()
        cls.letter = cls.server.post("/detokenize", {"tokens": [LETTER]}).json()["prompt"]
        assert re.fullmatch("[a-z]+", cls.letter), cls.letter

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def body(self, bytes_wanted, letter=False, **fields):
        bias = {str(byte + 3): 60 for byte in bytes_wanted}
        if letter:
            bias[str(LETTER)] = 60
        return dict({"model": NAME, "prompt": "Once", "logit_bias": bias, "max_tokens": 40, "return_token_ids": True,
                     "ignore_eos": True}, **fields)

    def expected(self, ids):
        text, run = "", b""
        for id in ids + [LETTER]:
            if id in BYTES:
                run += bytes([BYTES[id]])
                continue
            self.assertEqual(id, LETTER)
            try:
                text += run.decode()
            except UnicodeDecodeError:
                text += "\ufffd" * len(run)
            text, run = text + self.letter, b""
        return text[: -len(self.letter)]

    def test_streams_are_the_text_of_all_tokens_at_once(self):
        broken = whole = 0
        for seed in range(12):
            body = self.body("你\n".encode() if seed % 2 else b"\n", letter=True, temperature=2, frequency_penalty=2, seed=seed)
            (choice,) = self.server.post("/v1/completions", body).json()["choices"]
            text = self.expected(choice["token_ids"])
            self.assertEqual(choice["text"], text)
            self.assertEqual(self.server.post("/detokenize", {"tokens": choice["token_ids"]}).json()["prompt"], text)
            streamed = [event["choices"][0]["text"] for event in self.server.stream("/v1/completions", body)]
            self.assertEqual("".join(streamed), text)
            broken += "\ufffd" in text
            whole += "\n" in text
        self.assertGreater(min(broken, whole), 3, "the seeds show both kinds")

    def test_stop_string_in_a_run_ends_the_answer_at_its_token(self):
        for wanted, stop, tokens in (("\n", "\n", 1), ("\n", "\n\n\n", 3)):
            body = self.body(wanted.encode(), temperature=0, stop=stop)
            (choice,) = self.server.post("/v1/completions", body).json()["choices"]
            self.assertEqual((choice["text"], choice["stop_reason"], len(choice["token_ids"])), ("", stop, tokens))
            streamed = [event["choices"][0]["text"] for event in self.server.stream("/v1/completions", body)]
            self.assertEqual("".join(streamed), "")

    def test_stop_string_of_the_first_tokens_does_not_count(self):
        body = self.body(b"\n", temperature=0, stop="\n", min_tokens=3)
        (choice,) = self.server.post("/v1/completions", body).json()["choices"]
        self.assertEqual((choice["text"], choice["finish_reason"], len(choice["token_ids"])), ("\n\n\n", "stop", 4))


if __name__ == "__main__":
    main()
