"""stories260K gives exactly the ids that three other engines agree on, in all its forms, alone and among 32 requests."""
import json
import os
import unittest

from harness import MODEL, MODELS, Server, main, parallel

with open(os.path.join(MODELS, "stories260K.golden.json")) as file:
    CASES = json.load(file)["cases"]


class Golden(unittest.TestCase):
    def run_form(self, model):
        with Server(model=model) as server:
            name = server.get("/v1/models").json()["data"][0]["id"]

            def ids(prompt, case):
                answer = server.post("/v1/completions", {
                    "model": name, "prompt": prompt, "max_tokens": len(case["greedy_ids"]), "temperature": 0,
                    "return_token_ids": True})
                self.assertEqual(answer.status, 200, answer.body)
                (choice,) = answer.json()["choices"]
                self.assertEqual(choice["prompt_token_ids"], case["prompt_ids"], case["prompt"])
                return choice

            def check(choice, case):
                self.assertEqual(choice["token_ids"], case["greedy_ids"], case["prompt"])
                # The reference decodes a text of its own; an answer keeps the space that begins it.
                self.assertEqual(choice["text"].lstrip(" "), case["greedy_text"].lstrip(" "), case["prompt"])

            for case in CASES:
                check(ids(case["prompt"], case), case)
                check(ids(case["prompt_ids"], case), case)
            for _ in range(2):  # cold and warm prefix cache, 32 at once
                chosen = [CASES[i % len(CASES)] for i in range(32)]
                for case, choice in zip(chosen, parallel([lambda case=case: ids(case["prompt"], case) for case in chosen])):
                    check(choice, case)

    def test_hugging_face_directory(self):
        self.run_form(MODEL)

    def test_gguf_f32(self):
        self.run_form(os.path.join(MODELS, "stories260K-F32.gguf"))

    def test_gguf_f16(self):
        self.run_form(os.path.join(MODELS, "stories260K-F16.gguf"))


class Scores(unittest.TestCase):
    def test_logprobs_are_those_of_the_reference(self):
        with Server() as server:
            for case in CASES:
                (choice,) = server.complete(case["prompt"], max_tokens=64, temperature=0, logprobs=5, ignore_eos=True,
                                            return_token_ids=True)["choices"]
                self.assertEqual(len(choice["logprobs"]["top_logprobs"]), len(case["top5_logprobs"]))
                for at, (ours, theirs) in enumerate(zip(choice["logprobs"]["top_logprobs"], case["top5_logprobs"])):
                    got = sorted(ours.values(), reverse=True)[:5]
                    self.assertGreaterEqual(len(got), 4) # two tokens may read the same
                    for mine, (_, reference) in zip(got, theirs):
                        self.assertAlmostEqual(mine, reference, delta=1e-4, msg="%s, token %d" % (case["prompt"], at))


if __name__ == "__main__":
    main()
