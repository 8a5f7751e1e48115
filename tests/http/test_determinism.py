"""Same request, same bytes: whatever runs beside it, however it was chunked, cached, threaded or preempted."""
import json
import random
import unittest

from harness import NAME, Server, main, parallel

WORDS = "Lily Tom Max day park big red ball dog cat was happy sad wanted to play with the and ran saw mom said".split()
LONG = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park with her dog. "


def requests():
    """Greedy and sampled requests of all kinds; each gives log-probabilities and ids."""
    shared = LONG * 3
    yield {"prompt": "Once upon a time", "temperature": 0, "max_tokens": 120, "logprobs": 3}
    yield {"prompt": shared + "One day", "temperature": 0, "max_tokens": 60, "logprobs": 1}
    yield {"prompt": shared + "Then", "temperature": 1, "seed": 1, "max_tokens": 90, "logprobs": 2}
    yield {"prompt": "Tom had a red ball.", "temperature": 1.3, "seed": 2, "top_p": 0.9, "max_tokens": 100, "logprobs": 0,
           "n": 3}
    yield {"prompt": shared + "The dog", "temperature": 0.8, "seed": 3, "top_k": 20, "min_p": 0.02, "max_tokens": 70,
           "logprobs": 5, "n": 4, "ignore_eos": True}
    yield {"prompt": "The cat", "temperature": 1, "seed": -4, "repetition_penalty": 1.2, "presence_penalty": 0.4,
           "frequency_penalty": 0.3, "max_tokens": 80, "logprobs": 2}
    yield {"prompt": "Lily", "temperature": 1, "seed": 5, "logit_bias": {"432": 3, "426": -5}, "min_tokens": 20,
           "max_tokens": 60, "logprobs": 1}
    yield {"prompt": LONG * 2, "temperature": 0, "max_tokens": 8, "echo": True, "logprobs": 2}
    yield {"prompt": [1] + list(range(3, 303)), "temperature": 1, "seed": 6, "max_tokens": 40, "logprobs": 1}


REQUESTS = [dict(body, model=NAME, return_token_ids=True) for body in requests()]


def strangers(count, seed):
    """Requests of random text and length that nobody compares."""
    source = random.Random(seed)
    for _ in range(count):
        yield {"model": NAME, "prompt": " ".join(source.choice(WORDS) for _ in range(source.randrange(1, 80))),
               "temperature": 1, "max_tokens": source.randrange(60, 200), "ignore_eos": True}


def choices_bytes(server, body):
    """The very bytes of an answer's choices: numbers are printed so that equal bytes mean equal bits."""
    answer = server.post("/v1/completions", body)
    if answer.status != 200:
        raise AssertionError("%d: %s" % (answer.status, answer.body))
    start, end = answer.body.index(b'"choices":'), answer.body.rindex(b',"usage":')
    return answer.body[start:end]


class Determinism(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        """The reference: each request alone, one thread, nothing shared."""
        with Server("--threads", "1", "--no-enable-prefix-caching") as server:
            cls.expected = [choices_bytes(server, body) for body in REQUESTS]
        tokens = [len(choice["token_ids"]) for text in cls.expected for choice in json.loads(b"{" + text + b"}")["choices"]]
        assert sum(tokens) > 500, tokens

    def check(self, got, what):
        for body, expected, found in zip(REQUESTS, self.expected, got):
            self.assertEqual(found, expected, "%s: %s" % (what, json.dumps(body)[:200]))

    def check_alone(self, server, what):
        self.check([choices_bytes(server, body) for body in REQUESTS], what)

    def check_among_strangers(self, server, what, seed):
        """All requests at once, and 32 strangers with them."""
        work = [lambda body=body: choices_bytes(server, body) for body in REQUESTS]
        work += [lambda body=body: choices_bytes(server, body) and None for body in strangers(32, seed)]
        order = list(range(len(work)))
        random.Random(seed).shuffle(order)
        results = parallel([work[i] for i in order])
        self.check([results[order.index(i)] for i in range(len(REQUESTS))], what)

    def test_threads_cold_warm_and_strangers(self):
        for threads in ("1", "2", "4"):
            with Server("--threads", threads) as server:
                self.check_alone(server, threads + " threads, cold")
                before = server.metrics()["vllm:prefix_cache_hits_total"]
                self.check_alone(server, threads + " threads, warm")
                self.assertGreater(server.metrics()["vllm:prefix_cache_hits_total"], before + 100)
                for seed in (1, 2):
                    self.check_among_strangers(server, threads + " threads, among strangers", seed)
                metrics = server.metrics()
                self.assertGreaterEqual(metrics["quire:step_sequences_max"], 20)
                self.assertGreater(metrics["quire:forks_total"], 0)

    def test_small_chunks(self):
        for tokens in ("7", "33"):
            with Server("--max-num-batched-tokens", tokens, "--max-num-seqs", "5", "--threads", "2") as server:
                self.check_alone(server, "chunks of %s, cold" % tokens)
                self.check_among_strangers(server, "chunks of %s, among strangers" % tokens, 3)

    def test_preemption(self):
        # Room for little more than one longest sequence: 512 tokens take 32 blocks.
        with Server("--kv-cache-memory", "1MiB", "--threads", "2") as server:
            self.check_alone(server, "small cache, alone")
            for seed in (4, 5):
                self.check_among_strangers(server, "preempted", seed)
            metrics = server.metrics()
            self.assertGreater(metrics["vllm:num_preemptions_total"], 0)
            self.assertGreater(metrics["quire:forks_total"], 0)
            self.assertLess(metrics["quire:kv_blocks"], 100)

    def test_forks_copy_on_write(self):
        # n choices share the last, partly filled block of their prompt until they write to it.
        body = dict(REQUESTS[3], n=16, max_tokens=40)
        with Server("--threads", "1") as server:
            whole = json.loads(b"{" + choices_bytes(server, body) + b"}")["choices"]
            copies = server.metrics()["quire:block_copies_total"]
            first = json.loads(b"{" + choices_bytes(server, dict(body, n=3)) + b"}")["choices"]
        self.assertEqual(whole[:3], first)
        self.assertGreater(copies, 0)
        self.assertGreater(len({choice["text"] for choice in whole}), 8)


if __name__ == "__main__":
    main()
