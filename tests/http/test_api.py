"""The shapes of the answers, what requests may ask, and how errors are told."""
import json
import tempfile
import unittest

from harness import MODEL, NAME, Server, main, parse_events

PROMPT = "Once upon a time"
IDS = [1, 403, 407, 261, 378]  # of PROMPT, from stories260K.golden.json


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def refuse(self, path, body, param, code, status=400):
        answer = self.server.post(path, body)
        self.assertEqual(answer.status, status, answer.body)
        error = answer.error()
        self.assertEqual((error["param"], error["code"]), (param, code), error)
        return error["message"]

    # -- about the server

    def test_models(self):
        models = self.server.get("/v1/models").json()
        self.assertEqual(models["object"], "list")
        self.assertEqual([model["id"] for model in models["data"]], [NAME])
        model = self.server.get("/v1/models/" + NAME).json()
        self.assertEqual((model["object"], model["id"], model["max_model_len"]), ("model", NAME, 512))
        self.assertIsInstance(model["created"], int)
        answer = self.server.get("/v1/models/other")
        self.assertEqual((answer.status, answer.error()["code"]), (404, "model_not_found"))

    def test_version_and_head(self):
        self.assertRegex(self.server.get("/version").json()["version"], r"^\d+\.\d+")
        answer = self.server.call("HEAD", "/health")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_wrong_method_names_the_right_one(self):
        for method, path, allow in (("GET", "/v1/completions", "POST"), ("POST", "/v1/models", "GET"),
                                    ("DELETE", "/health", "GET"), ("OPTIONS", "/v1/chat/completions", "POST")):
            answer = self.server.call(method, path)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, allow), (method, path))

    def test_metrics_have_vllms_names(self):
        before = self.server.metrics()
        for name in ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
                     "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total", "vllm:num_preemptions_total",
                     "vllm:prompt_tokens_total", "vllm:generation_tokens_total",
                     'vllm:request_success_total{finished_reason="stop"}',
                     'vllm:request_success_total{finished_reason="length"}',
                     'vllm:request_success_total{finished_reason="abort"}',
                     'vllm:time_to_first_token_seconds_bucket{le="0.001"}', "vllm:time_to_first_token_seconds_sum",
                     'vllm:inter_token_latency_seconds_bucket{le="0.01"}', "vllm:inter_token_latency_seconds_count",
                     'vllm:e2e_request_latency_seconds_bucket{le="7680.0"}',
                     'vllm:e2e_request_latency_seconds_bucket{le="+Inf"}'):
            self.assertIn(name, before)
        self.server.complete(PROMPT, max_tokens=9, ignore_eos=True, cache_salt="metrics")
        after = self.server.metrics()
        grown = {name: after[name] - before[name] for name in after}
        self.assertEqual(grown["vllm:prompt_tokens_total"], 5)
        self.assertEqual(grown["vllm:generation_tokens_total"], 9)
        self.assertEqual(grown['vllm:request_success_total{finished_reason="length"}'], 1)
        self.assertEqual(grown["vllm:time_to_first_token_seconds_count"], 1)
        self.assertEqual(grown["vllm:inter_token_latency_seconds_count"], 8)
        self.assertEqual(grown["vllm:e2e_request_latency_seconds_count"], 1)
        self.assertEqual(after["vllm:num_requests_running"], 0)
        self.assertEqual(after["vllm:kv_cache_usage_perc"], 0)

    def test_metrics_text_is_well_formed(self):
        answer = self.server.get("/metrics")
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        typed, buckets = set(), {}
        for line in answer.body.decode().splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                self.assertNotIn(name, typed)
                typed.add(name)
            elif not line.startswith("#"):
                name = line.split("{")[0]
                base = [name.removesuffix(end) for end in ("_bucket", "_sum", "_count", "")]
                self.assertTrue(typed.intersection(base), line)
                if name.endswith("_bucket"):
                    value = float(line.split()[-1])
                    self.assertGreaterEqual(value, buckets.get(name, 0), "buckets are cumulative")
                    buckets[name] = value

    # -- completions

    def test_completion_shape(self):
        answer = self.server.complete(PROMPT, max_tokens=8)
        self.assertTrue(answer["id"].startswith("cmpl-"))
        self.assertEqual((answer["object"], answer["model"]), ("text_completion", NAME))
        self.assertIsInstance(answer["created"], int)
        self.assertEqual(sorted(answer["usage"]),
                         ["completion_tokens", "prompt_tokens", "prompt_tokens_details", "total_tokens"])
        self.assertEqual((answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"],
                          answer["usage"]["total_tokens"]), (5, 8, 13))
        (choice,) = answer["choices"]
        self.assertEqual((choice["index"], choice["finish_reason"], choice["logprobs"]), (0, "length", None))
        self.assertIsInstance(choice["text"], str)

    def test_completion_defaults_to_16_tokens(self):
        self.assertEqual(self.server.complete(PROMPT, ignore_eos=True)["usage"]["completion_tokens"], 16)

    def test_prompt_forms_mean_the_same(self):
        fields = dict(temperature=0, max_tokens=12, return_token_ids=True)
        (text,) = self.server.complete(PROMPT, **fields)["choices"]
        (ids,) = self.server.complete(IDS, **fields)["choices"]
        self.assertEqual(text["prompt_token_ids"], IDS)
        self.assertEqual(text, ids)
        lists = self.server.complete([IDS, IDS[:3]], **fields)["choices"]
        texts = self.server.complete([PROMPT, "Tom"], **fields)["choices"]
        self.assertEqual([choice["index"] for choice in lists], [0, 1])
        self.assertEqual((lists[0]["text"], texts[0]["text"]), (text["text"], text["text"]))
        self.assertNotEqual(texts[1]["prompt_token_ids"], IDS)

    def test_n_and_prompts_are_numbered_together(self):
        answer = self.server.complete([PROMPT, "Tom", "One day"], n=2, max_tokens=4, seed=7, temperature=1)
        self.assertEqual([choice["index"] for choice in answer["choices"]], list(range(6)))
        self.assertEqual(answer["usage"]["completion_tokens"],
                         sum(4 for _ in answer["choices"]))

    def test_choices_of_n_differ_and_repeat_with_the_seed(self):
        fields = dict(n=4, max_tokens=24, seed=11, temperature=1.5, ignore_eos=True)
        first = [choice["text"] for choice in self.server.complete(PROMPT, **fields)["choices"]]
        self.assertEqual(first, [choice["text"] for choice in self.server.complete(PROMPT, **fields)["choices"]])
        self.assertGreater(len(set(first)), 1)
        other = [choice["text"] for choice in self.server.complete(PROMPT, **dict(fields, seed=12))["choices"]]
        self.assertNotEqual(first, other)

    def test_without_seed_answers_differ(self):
        texts = {self.server.complete(PROMPT, max_tokens=30, temperature=2, ignore_eos=True)["choices"][0]["text"]
                 for _ in range(4)}
        self.assertGreater(len(texts), 1)

    def test_cached_tokens_are_told(self):
        long = " ".join([PROMPT] * 12)
        first = self.server.complete(long, max_tokens=1, cache_salt="told")["usage"]
        second = self.server.complete(long, max_tokens=1, cache_salt="told")["usage"]
        other = self.server.complete(long, max_tokens=1, cache_salt="untold")["usage"]
        self.assertEqual(first["prompt_tokens_details"]["cached_tokens"], 0)
        self.assertGreaterEqual(second["prompt_tokens_details"]["cached_tokens"], 16)
        self.assertEqual(other["prompt_tokens_details"]["cached_tokens"], 0)

    def test_stop_token_ids(self):
        (whole,) = self.server.complete(PROMPT, temperature=0, max_tokens=16, return_token_ids=True)["choices"]
        stop = whole["token_ids"][7]
        first = whole["token_ids"].index(stop)
        (cut,) = self.server.complete(PROMPT, temperature=0, max_tokens=16, return_token_ids=True,
                                      stop_token_ids=[stop])["choices"]
        self.assertEqual((cut["finish_reason"], cut["stop_reason"]), ("stop", stop))
        self.assertEqual(cut["token_ids"], whole["token_ids"][: first + 1])
        (before,) = self.server.complete(PROMPT, temperature=0, max_tokens=first)["choices"] if first else ({"text": ""},)
        self.assertEqual(cut["text"], before["text"])

    def test_logit_bias_forces_and_forbids(self):
        (forced,) = self.server.complete(PROMPT, temperature=0, max_tokens=3, logit_bias={"300": 100},
                                         return_token_ids=True)["choices"]
        self.assertEqual(forced["token_ids"], [300] * 3)
        (plain,) = self.server.complete(PROMPT, temperature=0, max_tokens=1, return_token_ids=True)["choices"]
        (banned,) = self.server.complete(PROMPT, temperature=0, max_tokens=1, return_token_ids=True,
                                         logit_bias={str(plain["token_ids"][0]): -100})["choices"]
        self.assertNotEqual(plain["token_ids"], banned["token_ids"])

    def test_min_tokens_keeps_the_end_away(self):
        fields = dict(temperature=0, max_tokens=20, logit_bias={"2": 100}, return_token_ids=True)
        (at_once,) = self.server.complete(PROMPT, **fields)["choices"]
        self.assertEqual((at_once["token_ids"], at_once["text"], at_once["finish_reason"]), ([2], "", "stop"))
        (later,) = self.server.complete(PROMPT, min_tokens=5, **fields)["choices"]
        self.assertEqual((len(later["token_ids"]), later["token_ids"][-1], later["finish_reason"]), (6, 2, "stop"))
        self.assertNotIn(2, later["token_ids"][:5])

    def test_top_k_1_is_greedy(self):
        greedy = self.server.complete(PROMPT, temperature=0, max_tokens=20)["choices"][0]["text"]
        self.assertEqual(self.server.complete(PROMPT, temperature=1.7, top_k=1, max_tokens=20)["choices"][0]["text"], greedy)
        self.assertEqual(self.server.complete(PROMPT, temperature=1.7, top_p=1e-6, max_tokens=20)["choices"][0]["text"],
                         greedy)
        self.assertEqual(self.server.complete(PROMPT, temperature=1.7, min_p=1, max_tokens=20)["choices"][0]["text"], greedy)

    def test_harmless_fields_are_taken(self):
        self.server.complete(PROMPT, max_tokens=1, user="me", suffix=None, best_of=1, logit_bias=None, stop=None, seed=None,
                             tools=None, use_beam_search=False)
        self.server.chat("hi", max_tokens=1, response_format={"type": "text"}, tools=[], metadata={"a": "b"}, store=False)

    # -- log-probabilities

    def test_completion_logprobs(self):
        (choice,) = self.server.complete(PROMPT, temperature=0, max_tokens=10, logprobs=3)["choices"]
        logprobs = choice["logprobs"]
        self.assertEqual(sorted(logprobs), ["text_offset", "token_logprobs", "tokens", "top_logprobs"])
        self.assertEqual({len(values) for values in logprobs.values()}, {10})
        self.assertEqual("".join(logprobs["tokens"]), choice["text"])
        self.assertEqual(logprobs["text_offset"],
                         [len("".join(logprobs["tokens"][:i])) for i in range(10)])
        for token, logprob, top in zip(logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"]):
            self.assertEqual(max(top.values()), logprob)  # greedy
            self.assertEqual(top[token], logprob)
            self.assertEqual(list(top.values()), sorted(top.values(), reverse=True))
            self.assertEqual(len(top), 3)

    def test_echo_scores_a_prompt(self):
        answer = self.server.complete(PROMPT, echo=True, logprobs=2, max_tokens=0)
        (choice,) = answer["choices"]
        self.assertEqual((choice["text"], answer["usage"]["completion_tokens"], choice["finish_reason"]),
                         (PROMPT, 0, "length"))
        logprobs = choice["logprobs"]
        self.assertEqual({len(values) for values in logprobs.values()}, {5})
        self.assertIsNone(logprobs["token_logprobs"][0])
        self.assertIsNone(logprobs["top_logprobs"][0])
        self.assertTrue(all(-40 < value < 0 for value in logprobs["token_logprobs"][1:]))
        # the same with an answer behind it, whole and streamed, and beside what generation says of those tokens
        (longer,) = self.server.complete(PROMPT, echo=True, logprobs=2, max_tokens=6, temperature=0,
                                         return_token_ids=True)["choices"]
        self.assertTrue(longer["text"].startswith(PROMPT))
        self.assertEqual(longer["logprobs"]["token_logprobs"][:5], logprobs["token_logprobs"])
        (scored,) = self.server.complete(longer["prompt_token_ids"] + longer["token_ids"], echo=True, logprobs=2,
                                         max_tokens=0)["choices"]
        self.assertEqual(scored["logprobs"]["token_logprobs"], longer["logprobs"]["token_logprobs"])
        self.assertEqual(longer["logprobs"]["text_offset"][5], len(PROMPT))
        events = self.server.stream("/v1/completions", {"model": NAME, "prompt": PROMPT, "echo": True, "logprobs": 2,
                                                        "max_tokens": 6, "temperature": 0})
        streamed = [event["choices"][0] for event in events]
        self.assertEqual("".join(choice["text"] for choice in streamed), longer["text"])
        for key in ("token_logprobs", "tokens", "top_logprobs", "text_offset"):
            self.assertEqual([value for choice in streamed for value in choice["logprobs"][key]], longer["logprobs"][key])

    def test_echo_without_logprobs(self):
        (choice,) = self.server.complete(PROMPT, echo=True, max_tokens=0)["choices"]
        self.assertEqual((choice["text"], choice["logprobs"]), (PROMPT, None))
        (ids,) = self.server.complete(IDS, echo=True, max_tokens=3, temperature=0)["choices"]
        (plain,) = self.server.complete(IDS, max_tokens=3, temperature=0)["choices"]
        self.assertEqual(ids["text"], PROMPT + plain["text"])

    def test_chat_logprobs(self):
        (choice,) = self.server.chat(PROMPT, temperature=0, max_tokens=6, logprobs=True, top_logprobs=2)["choices"]
        content = choice["logprobs"]["content"]
        self.assertEqual(len(content), 6)
        for item in content:
            self.assertEqual(sorted(item), ["bytes", "logprob", "token", "top_logprobs"])
            self.assertEqual(bytes(item["bytes"]).decode(), item["token"])
            self.assertEqual(len(item["top_logprobs"]), 2)
            self.assertEqual(item["top_logprobs"][0]["logprob"], item["logprob"])
        self.assertEqual("".join(item["token"] for item in content), choice["message"]["content"])
        (bare,) = self.server.chat(PROMPT, temperature=0, max_tokens=2, logprobs=True)["choices"]
        self.assertEqual(bare["logprobs"]["content"][0]["top_logprobs"], [])

    def test_logprobs_are_exact_floats(self):
        import struct
        (choice,) = self.server.complete(PROMPT, temperature=0, max_tokens=20, logprobs=0)["choices"]
        for value in choice["logprobs"]["token_logprobs"]:
            single = struct.unpack("f", struct.pack("f", value))[0]
            self.assertAlmostEqual(single, value, delta=abs(value) * 1e-8)

    # -- chat

    def test_chat_shape(self):
        answer = self.server.chat(PROMPT, max_tokens=5)
        self.assertTrue(answer["id"].startswith("chatcmpl-"))
        self.assertEqual(answer["object"], "chat.completion")
        (choice,) = answer["choices"]
        self.assertEqual(choice["message"]["role"], "assistant")
        self.assertIsInstance(choice["message"]["content"], str)
        self.assertIsNone(choice["logprobs"])

    def test_chat_goes_to_the_end_of_the_context(self):
        answer = self.server.chat(PROMPT, temperature=0, ignore_eos=True)
        self.assertEqual(answer["usage"]["total_tokens"], 512)
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")

    def test_chat_is_the_rendered_prompt_completed(self):
        # The model's template writes a user's content as it is and adds no BOS.
        chat = self.server.chat(PROMPT, temperature=0, max_tokens=12)
        text = self.server.complete(PROMPT, temperature=0, max_tokens=12, add_special_tokens=False)
        self.assertEqual(chat["choices"][0]["message"]["content"], text["choices"][0]["text"])
        self.assertEqual(chat["usage"]["prompt_tokens"], text["usage"]["prompt_tokens"])

    def test_chat_content_parts_are_joined(self):
        whole = self.server.chat("Once\nupon", temperature=0, max_tokens=5, return_token_ids=True)
        parts = self.server.chat([{"type": "text", "text": "Once"}, {"type": "text", "text": "upon"}], temperature=0,
                                 max_tokens=5, return_token_ids=True)
        self.assertEqual(whole["choices"], parts["choices"])

    def test_special_token_text_in_a_message_stays_text(self):
        message = self.server.chat("<s>", max_tokens=1, return_token_ids=True)["choices"][0]["prompt_token_ids"]
        self.assertNotIn(1, message)
        raw = self.server.complete("<s>", max_tokens=1, return_token_ids=True, add_special_tokens=False)
        self.assertIn(1, raw["choices"][0]["prompt_token_ids"])

    def test_continue_final_message(self):
        body = {"model": NAME, "temperature": 0, "max_tokens": 6, "continue_final_message": True, "return_token_ids": True,
                "messages": [{"role": "user", "content": "Once upon"}, {"role": "assistant", "content": "a time"}]}
        choice = self.server.post("/v1/chat/completions", body).json()["choices"][0]
        self.assertEqual(choice["prompt_token_ids"], IDS[1:])

    # -- errors

    def test_unknown_and_unsupported_fields_are_named(self):
        for path, extra in (("/v1/completions", {"prompt": PROMPT}), ("/v1/chat/completions",
                                                                       {"messages": [{"role": "user", "content": "x"}]})):
            for field, value in (("no_such_field", 1), ("use_beam_search", True),
                                 ("response_format", {"type": "json_object"})):
                self.refuse(path, dict(extra, **{field: value}), field, "unsupported_parameter")
        self.refuse("/v1/completions", {"prompt": PROMPT, "suffix": "x"}, "suffix", "unsupported_parameter")
        self.refuse("/v1/completions", {"prompt": PROMPT, "tools": [{}]}, "tools", "unsupported_parameter")
        self.refuse("/v1/completions", {"prompt": PROMPT, "messages": []}, "messages", "unsupported_parameter")
        self.refuse("/v1/chat/completions", {"prompt": PROMPT}, "prompt", "unsupported_parameter")

    def test_types_and_ranges(self):
        cases = [("max_tokens", "4", "invalid_type"), ("max_tokens", 1.5, "invalid_type"), ("max_tokens", -1, "invalid_value"),
                 ("max_tokens", True, "invalid_type"), ("max_tokens", 0, "invalid_value"), ("temperature", "hot", "invalid_type"),
                 ("temperature", 2.01, "invalid_value"), ("top_p", 0, "invalid_value"), ("top_p", 1.01, "invalid_value"),
                 ("top_k", -2, "invalid_value"), ("top_k", 0.5, "invalid_type"), ("min_p", 1.5, "invalid_value"),
                 ("seed", "x", "invalid_type"), ("presence_penalty", -2.1, "invalid_value"),
                 ("frequency_penalty", 2.1, "invalid_value"), ("repetition_penalty", 0, "invalid_value"),
                 ("n", 0, "invalid_value"), ("n", 129, "invalid_value"), ("stop", 5, "invalid_type"),
                 ("stop", [""], "invalid_value"), ("stop", ["x"] * 65, "invalid_value"), ("stop", ["x", 1], "invalid_type"),
                 ("stop_token_ids", [512], "invalid_value"), ("stop_token_ids", [-1], "invalid_value"),
                 ("stop_token_ids", 1, "invalid_type"), ("logit_bias", {"512": 1}, "invalid_value"),
                 ("logit_bias", {"x": 1}, "invalid_value"), ("logit_bias", {"1": 101}, "invalid_value"),
                 ("logit_bias", {"1": "1"}, "invalid_type"), ("logit_bias", [], "invalid_type"),
                 ("ignore_eos", 1, "invalid_type"), ("stream", "yes", "invalid_type"), ("min_tokens", 17, "invalid_value"),
                 ("cache_salt", "", "invalid_value"), ("cache_salt", 1, "invalid_type"), ("model", 1, "invalid_type"),
                 ("logprobs", 21, "invalid_value"), ("logprobs", True, "invalid_type"), ("best_of", 2, "invalid_value"),
                 ("prompt", None, "missing_required_parameter"), ("prompt", 1, "invalid_type"), ("prompt", [], "invalid_value"),
                 ("prompt", [[]], "invalid_value"), ("prompt", ["x", 1], "invalid_type"), ("prompt", [1, "x"], "invalid_type"),
                 ("prompt", [[1], "x"], "invalid_type"), ("prompt", [{}], "invalid_type"), ("prompt", [512], "invalid_value")]
        for field, value, code in cases:
            with self.subTest(field=field, value=value):
                self.refuse("/v1/completions", {"prompt": PROMPT, field: value}, field, code)

    def test_integral_floats_and_large_seeds_are_taken(self):
        first = self.server.complete(PROMPT, max_tokens=4.0, seed=2**63 - 1, temperature=1)
        second = self.server.complete(PROMPT, max_tokens=4, seed=2**63 - 1, temperature=1)
        self.assertEqual(first["choices"], second["choices"])
        self.server.complete(PROMPT, max_tokens=1, seed=-5)

    def test_messages_are_checked(self):
        def messages(*items):
            return {"messages": list(items)}
        path = "/v1/chat/completions"
        self.refuse(path, messages("x"), "messages[0]", "invalid_type")
        self.refuse(path, messages({"content": "x"}), "messages[0].role", "missing_required_parameter")
        self.refuse(path, messages({"role": "user"}), "messages[0].content", "missing_required_parameter")
        self.refuse(path, messages({"role": "user", "content": "x"}, {"role": "king", "content": "x"}), "messages[1].role",
                    "invalid_value")
        self.refuse(path, messages({"role": "user", "content": [{"type": "image_url"}]}), "messages[0].content",
                    "unsupported_parameter")
        self.refuse(path, messages({"role": "user", "content": [{"type": "text"}]}), "messages[0].content", "invalid_type")

    def test_context_errors_tell_both_numbers(self):
        message = self.refuse("/v1/completions", {"prompt": [5] * 600}, "prompt", "context_length_exceeded")
        self.assertIn("600", message)
        self.assertIn("512", message)
        message = self.refuse("/v1/completions", {"prompt": [5] * 500, "max_tokens": 13}, "max_tokens",
                              "context_length_exceeded")
        for number in ("500", "13", "512"):
            self.assertIn(number, message)
        self.assertEqual(self.server.complete([5] * 500, max_tokens=12, ignore_eos=True)["usage"]["total_tokens"], 512)

    def test_broken_json(self):
        for body in (b"", b"{", b'{"prompt": "\xff"}', b'{"prompt": NaN}', b'{"prompt": "\\ud800"}', b'"x"', b"[]", b"null",
                     b'{"prompt": 1e999}', b"\xef\xbb\xbf{}", b'{"a":' * 5000 + b"1" + b"}" * 5000):
            answer = self.server.post("/v1/completions", body)
            self.assertEqual((answer.status, answer.error()["code"]), (400, "invalid_json"), body[:40])

    def test_unknown_model(self):
        self.refuse("/v1/completions", {"prompt": "x", "model": "gpt"}, "model", "model_not_found", 404)

    def test_connection_is_kept_after_an_error(self):
        connection = self.server.connect()
        for path, status in (("/v1/completions", 400), ("/nope", 404), ("/v1/completions", 400)):
            connection.request("POST", path, "{}", {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, status)
        connection.close()


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def test_completion_stream_is_the_whole_in_pieces(self):
        body = {"model": NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 300, "ignore_eos": True, "logprobs": 2,
                "return_token_ids": True}  # more tokens than one event takes, should all be there at the first look
        whole = self.server.post("/v1/completions", body).json()
        events = self.server.stream("/v1/completions", body)
        self.assertEqual({event["id"] for event in events}, {events[0]["id"]})
        self.assertEqual({event["object"] for event in events}, {"text_completion"})
        self.assertNotIn("usage", events[0])
        choices = [event["choices"][0] for event in events]
        expected = whole["choices"][0]
        self.assertEqual("".join(choice["text"] for choice in choices), expected["text"])
        self.assertEqual([id for choice in choices for id in choice["token_ids"]], expected["token_ids"])
        self.assertEqual(choices[0]["prompt_token_ids"], expected["prompt_token_ids"])
        for key, values in expected["logprobs"].items():
            self.assertEqual([value for choice in choices for value in choice["logprobs"][key]], values)
        self.assertEqual([choice["finish_reason"] for choice in choices[:-1]], [None] * (len(choices) - 1))
        self.assertEqual(choices[-1]["finish_reason"], "length")
        self.assertGreater(len(events), 1)

    def test_chat_stream_names_the_role_first_and_ends_with_the_usage(self):
        body = {"model": NAME, "messages": [{"role": "user", "content": PROMPT}], "temperature": 0, "max_tokens": 30,
                "stream_options": {"include_usage": True}}
        events = self.server.stream("/v1/chat/completions", body)
        self.assertEqual({event["object"] for event in events}, {"chat.completion.chunk"})
        self.assertEqual(events[0]["choices"][0]["delta"], {"role": "assistant", "content": ""})
        self.assertEqual([event["usage"] for event in events[:-1]], [None] * (len(events) - 1))
        self.assertEqual(events[-1]["choices"], [])
        self.assertEqual(events[-1]["usage"]["completion_tokens"], 30)
        text = "".join(event["choices"][0]["delta"]["content"] for event in events[:-1])
        body.pop("stream_options")
        whole = self.server.post("/v1/chat/completions", body).json()
        self.assertEqual(text, whole["choices"][0]["message"]["content"])
        self.assertEqual(events[-2]["choices"][0]["finish_reason"], whole["choices"][0]["finish_reason"])

    def test_choices_are_streamed_side_by_side(self):
        body = {"model": NAME, "prompt": [PROMPT, "Tom"], "n": 3, "seed": 5, "temperature": 1, "max_tokens": 25}
        whole = {choice["index"]: choice for choice in self.server.post("/v1/completions", body).json()["choices"]}
        texts, ends = dict.fromkeys(range(6), ""), {}
        for event in self.server.stream("/v1/completions", body):
            (choice,) = event["choices"]
            self.assertNotIn(choice["index"], ends, "nothing comes after the end of a choice")
            texts[choice["index"]] += choice["text"]
            if choice["finish_reason"]:
                ends[choice["index"]] = choice["finish_reason"]
        self.assertEqual(texts, {index: choice["text"] for index, choice in whole.items()})
        self.assertEqual(ends, {index: choice["finish_reason"] for index, choice in whole.items()})

    def test_stop_strings_never_leak(self):
        plain = self.server.complete(PROMPT, temperature=0, max_tokens=80)["choices"][0]["text"]
        self.assertGreater(len(plain), 100)
        for start, count in ((1, 1), (5, 3), (10, 7), (23, 2), (40, 12), (0, 4), (60, 1)):
            stop = plain[start: start + count]
            expected = plain[: plain.index(stop)]
            for stops in (stop, ["never there", stop], [stop, stop + "x"]):
                body = {"model": NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 80, "stop": stops}
                (choice,) = self.server.post("/v1/completions", body).json()["choices"]
                self.assertEqual((choice["text"], choice["finish_reason"], choice["stop_reason"]), (expected, "stop", stop))
                streamed = ""
                for event in self.server.stream("/v1/completions", body):
                    streamed += event["choices"][0]["text"]
                    self.assertTrue(expected.startswith(streamed), (stop, streamed))
                self.assertEqual(streamed, expected)

    def test_stop_string_that_never_comes_changes_nothing(self):
        body = {"model": NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 60}
        plain = self.server.post("/v1/completions", body).json()["choices"][0]["text"]
        body["stop"] = [plain[-3:] + "no such end", plain[:10] + "#"]
        self.assertEqual(self.server.post("/v1/completions", body).json()["choices"][0]["text"], plain)
        self.assertEqual("".join(event["choices"][0]["text"] for event in self.server.stream("/v1/completions", body)), plain)

    def test_end_of_sequence_is_not_text(self):
        body = {"model": NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 20, "min_tokens": 4, "logit_bias": {"2": 100},
                "return_token_ids": True, "skip_special_tokens": False}
        (whole,) = self.server.post("/v1/completions", body).json()["choices"]
        self.assertNotIn("</s>", whole["text"])
        self.assertEqual((whole["token_ids"][-1], whole["finish_reason"]), (2, "stop"))
        choices = [event["choices"][0] for event in self.server.stream("/v1/completions", body)]
        self.assertEqual("".join(choice["text"] for choice in choices), whole["text"])
        self.assertEqual([id for choice in choices for id in choice["token_ids"]], whole["token_ids"])
        body["ignore_eos"] = True  # then it is a token like others
        (kept,) = self.server.post("/v1/completions", body).json()["choices"]
        self.assertEqual((len(kept["token_ids"]), kept["finish_reason"]), (20, "length"))

    def test_characters_are_never_halved(self):
        # Every byte token in turn: the stream must be valid UTF-8 and equal to the whole.
        text = "Käse ぷ 🙂 e\u0301"
        body = {"model": NAME, "prompt": text, "echo": True, "logprobs": 0, "max_tokens": 30, "temperature": 2, "seed": 3,
                "ignore_eos": True}
        whole = self.server.post("/v1/completions", body).json()["choices"][0]["text"]
        self.assertTrue(whole.startswith(text))
        streamed = "".join(event["choices"][0]["text"] for event in self.server.stream("/v1/completions", body))
        self.assertEqual(streamed, whole)
        bias = {str(id): 100 for id in range(3 + 0x80, 3 + 0xF8)}  # lead and continuation bytes in any order
        body = {"model": NAME, "prompt": PROMPT, "max_tokens": 60, "temperature": 2, "seed": 4, "logit_bias": bias}
        whole = self.server.post("/v1/completions", body).json()["choices"][0]["text"]
        streamed = "".join(event["choices"][0]["text"] for event in self.server.stream("/v1/completions", body))
        self.assertEqual(streamed, whole)
        self.assertIn("\ufffd", whole)

    def test_http_1_0_client_gets_its_stream(self):
        body = json.dumps({"model": NAME, "prompt": PROMPT, "temperature": 0, "max_tokens": 5, "stream": True})
        got = b""
        import socket
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(("POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                % (len(body), body)).encode())
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        self.assertIn(b"200 OK", head)
        self.assertNotIn(b"chunked", head.lower())
        self.assertGreaterEqual(len(parse_events(rest)), 1)


class Names(unittest.TestCase):
    def test_served_model_name(self):
        with Server("--served-model-name", 'org/"name"') as server:
            self.assertEqual(server.get("/v1/models").json()["data"][0]["id"], 'org/"name"')
            answer = server.post("/v1/completions", {"model": 'org/"name"', "prompt": "x", "max_tokens": 1})
            self.assertEqual((answer.status, answer.json()["model"]), (200, 'org/"name"'))
            self.assertEqual(server.get("/v1/models/org/%22name%22").status, 200)
            self.assertIn('model_name="org/\\"name\\""', server.get("/metrics").body.decode())

    def test_gguf_is_named_after_its_file(self):
        with Server(model=MODEL.replace("stories260K-hf", "stories260K-F16.gguf")) as server:
            self.assertEqual(server.get("/v1/models").json()["data"][0]["id"], "stories260K-F16")


class Template(unittest.TestCase):
    def test_tools_and_documents_are_always_defined(self):
        # As transformers renders: both are None where the request has none.
        with tempfile.NamedTemporaryFile("w", suffix=".jinja") as template:
            template.write("{{ 'Once' if tools is none and documents is none else 'upon' }}")
            template.flush()
            with Server("--chat-template", template.name) as server:
                ask = {"max_tokens": 1, "return_token_ids": True}
                chat = server.post("/v1/chat/completions", dict(ask, messages=[{"role": "user", "content": "x"}])).json()
                once = server.post("/v1/completions", dict(ask, prompt="Once", add_special_tokens=False)).json()
                self.assertEqual(chat["choices"][0].get("prompt_token_ids", chat.get("prompt_token_ids")),
                                 once["choices"][0]["prompt_token_ids"])


if __name__ == "__main__":
    main()
