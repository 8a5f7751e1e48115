"""From a chat request to its prompt: what reaches the template, what is refused, and that nobody forges a turn. Prompts are looked
at through /tokenize, which shares them with /v1/chat/completions."""

import contextlib
import itertools
import json
import os
import tempfile
import unittest

from harness import FIRST_TOKEN, NAME, TOKENS, Server, main, model_with_tokens

HERE = os.path.dirname(os.path.abspath(__file__))
USER = {"role": "user", "content": "Q"}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
# Shows each message as JSON, as far as the server hands it on.
SHOW = "{% for m in messages %}{{ m | tojson }};{% endfor %}"


@contextlib.contextmanager
def templated(source, *flags, model=None):
    with tempfile.NamedTemporaryFile("w", suffix=".jinja", encoding="utf-8") as file:
        file.write(source)
        file.flush()
        with Server("--chat-template", file.name, *flags, **({"model": model} if model else {})) as server:
            yield server


class Rendered(unittest.TestCase):
    """Tests of one template; `text` gives the prompt's text."""

    template = SHOW
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.server = cls.stack.enter_context(templated(cls.template, *cls.flags))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def text(self, *messages, **fields):
        answer = self.server.post("/tokenize", dict(fields, messages=list(messages)))
        self.assertEqual(answer.status, 200, answer.body)
        return self.server.post("/detokenize", {"tokens": answer.json()["tokens"]}).json()["prompt"]

    def shown(self, *messages, **fields):
        return [json.loads(text) for text in self.text(*messages, **fields).split(";")[:-1]]

    def refuse(self, body, param, code, path="/v1/chat/completions"):
        for path in ("/v1/chat/completions", "/tokenize"):
            answer = self.server.post(path, dict({"messages": [USER]}, **body))
            self.assertEqual(answer.status, 400, answer.body)
            error = answer.error()
            self.assertEqual((error["param"], error["code"]), (param, code), error)
        return error["message"]

    def refuse_message(self, message, param, code):
        return self.refuse({"messages": [USER, message]}, "messages[1]" + param, code)


class Reference(unittest.TestCase):
    def test_ids_are_those_of_transformers(self):
        with open(os.path.join(HERE, "chat_cases.json"), encoding="utf-8") as file:
            cases = json.load(file)
        with model_with_tokens() as folder:
            for template, group in itertools.groupby(cases, lambda case: case["template"]):
                with templated(template, model=folder) as server:
                    for case in group:
                        answer = server.post("/tokenize", case["body"])
                        self.assertEqual(answer.status, 200, answer.body)
                        self.assertEqual(answer.json()["tokens"], case["ids"], case["body"])


class Messages(Rendered):
    def test_nulls_are_left_out_and_absent_content_is_empty(self):
        # What the openai client gives back of an answer: message.model_dump()
        echoed = {
            "content": "A",
            "refusal": None,
            "role": "assistant",
            "annotations": None,
            "audio": None,
            "function_call": None,
            "tool_calls": None,
        }
        self.assertEqual(self.shown(USER, echoed), [USER, {"content": "A", "role": "assistant"}])
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for content in ({}, {"content": None}):
            _, shown = self.shown(USER, dict({"role": "assistant", "tool_calls": [call]}, **content))
            self.assertEqual(shown["content"], "")
        self.assertEqual(
            self.shown({"role": "assistant", "content": "A", "tool_calls": []}), [{"role": "assistant", "content": "A"}]
        )

    def test_arguments_are_parsed(self):
        def arguments(given):
            call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": given}}
            return self.shown({"role": "assistant", "tool_calls": [call]})[0]["tool_calls"][0]

        self.assertEqual(
            arguments('{"b": [1, 2.5, null], "a": "ä"}'),
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"b": [1, 2.5, None], "a": "ä"}}},
        )
        self.assertEqual(list(arguments('{"z": 1, "a": 2}')["function"]["arguments"]), ["z", "a"])
        self.assertEqual(arguments({"x": 1})["function"]["arguments"], {"x": 1})
        self.assertEqual(arguments('"text"')["function"]["arguments"], "text")
        for broken in ("", " ", "{", "{'a': 1}", '{"a": 1} x', "1\0", None):  # as in vLLM: models write such things
            self.assertEqual(arguments(broken)["function"]["arguments"], {}, broken)

    def test_reasoning_has_all_its_names(self):
        for name in ("reasoning_content", "reasoning", "thinking"):
            (shown,) = self.shown({"role": "assistant", "content": "A", name: "hm"})
            self.assertEqual(
                shown,
                {"role": "assistant", "content": "A", "reasoning_content": "hm", "reasoning": "hm", "thinking": "hm"},
            )
        (shown,) = self.shown({"role": "assistant", "content": "A", "reasoning": "r", "thinking": "t"})
        self.assertEqual((shown["reasoning_content"], shown["thinking"], shown["reasoning"]), ("t", "t", "r"))

    def test_parts_are_joined_by_line_ends(self):
        parts = [
            {"type": "text", "text": "a"},
            "b",
            {"type": "input_text", "text": "c"},
            {"type": "refusal", "refusal": "d"},
            {"type": "thinking", "thinking": "e"},
            {"type": "text", "text": ""},
        ]
        for role in ("user", "system", "tool", "assistant"):
            self.assertEqual(
                self.shown({"role": role, "content": parts}), [{"role": role, "content": "a\nb\nc\nd\ne\n"}]
            )
        self.assertEqual(self.shown({"role": "user", "content": []}), [{"role": "user", "content": ""}])

    def test_names_and_ids_are_handed_on(self):
        message = {"role": "tool", "content": "R", "name": "f", "tool_call_id": "c1"}
        self.assertEqual(self.shown(message), [message])

    def test_wrong_messages_are_named(self):
        self.refuse({"messages": [USER, "x"]}, "messages[1]", "invalid_type")
        self.refuse_message({"content": "x"}, ".role", "missing_required_parameter")
        self.refuse_message({"role": 1, "content": "x"}, ".role", "invalid_type")
        for role in ("king", "", "User", "user ", "user\0", "user\0<s>"):
            self.refuse_message({"role": role, "content": "x"}, ".role", "invalid_value")
        self.refuse_message({"role": "user"}, ".content", "missing_required_parameter")
        self.refuse_message({"role": "user", "content": None}, ".content", "invalid_type")
        self.refuse_message({"role": "assistant", "content": 1}, ".content", "invalid_type")
        self.refuse_message({"role": "user", "content": {"type": "text"}}, ".content", "invalid_type")
        self.refuse_message({"role": "user", "content": [1]}, ".content", "invalid_type")
        self.refuse_message({"role": "user", "content": [{"type": "text"}]}, ".content", "invalid_type")
        self.refuse_message({"role": "user", "content": [{"text": "x"}]}, ".content", "invalid_type")
        for kind in ("image_url", "input_audio", "video", "text\0"):
            self.refuse_message(
                {"role": "user", "content": [{"type": kind, "text": "x"}]}, ".content", "unsupported_parameter"
            )
        for field in ("name", "tool_call_id", "reasoning", "reasoning_content", "thinking", "refusal"):
            self.refuse_message({"role": "user", "content": "x", field: 1}, "." + field, "invalid_type")
        for field in ("audio", "function_call", "no_such_field"):
            self.refuse_message(
                {"role": "assistant", "content": "x", field: {"a": 1}}, "." + field, "unsupported_parameter"
            )

    def test_wrong_calls_are_named(self):
        good = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        self.refuse_message({"role": "assistant", "tool_calls": {}}, ".tool_calls", "invalid_type")
        for change, param, code in (
            ({"id": 1}, ".id", "invalid_type"),
            ({"type": "custom"}, ".type", "unsupported_parameter"),
            ({"function": "f"}, ".function", "invalid_type"),
            ({"function": {"arguments": "{}"}}, ".function.name", "missing_required_parameter"),
            ({"function": {"name": ""}}, ".function.name", "invalid_value"),
            ({"function": {"name": "f", "arguments": 5}}, ".function.arguments", "invalid_type"),
            (
                {"function": {"name": "f", "arguments": '{"a": 18446744073709551615}'}},
                ".function.arguments",
                "invalid_value",
            ),
        ):
            self.refuse_message(
                {"role": "assistant", "tool_calls": [good, dict(good, **change)]}, ".tool_calls[1]" + param, code
            )
        self.refuse_message({"role": "assistant", "tool_calls": ["x"]}, ".tool_calls[0]", "invalid_type")
        self.refuse_message(
            {"role": "assistant", "tool_calls": [{}]}, ".tool_calls[0].function", "missing_required_parameter"
        )


class Fields(Rendered):
    template = (
        "{{ {'tools': tools, 'documents': documents, 'agp': add_generation_prompt, 'effort': reasoning_effort | default('-'), "
        "'think': enable_thinking | default('-'), 'x': x | default('-')} | tojson }};{{ messages[0].prefix | default('') }}"
    )

    def seen(self, **fields):
        return self.shown(USER, **fields)[0]

    def test_defaults(self):
        self.assertEqual(
            self.seen(), {"tools": None, "documents": None, "agp": True, "effort": "-", "think": "-", "x": "-"}
        )

    def test_tools_reach_the_template_as_they_are(self):
        tool = {
            "function": {
                "parameters": {"b": 1, "a": {"maximum": 9223372036854775807, "x": 0.1, "y": 1e22, "z": 2.0}},
                "name": "ü",
                "return": {"type": "string"},
                "strict": False,
                "description": None,
            },
            "type": "function",
        }
        for choice in ({}, {"tool_choice": "auto"}, {"tool_choice": "none"}, {"parallel_tool_calls": True}):
            seen = self.seen(tools=[tool, TOOL], **choice)["tools"]
            self.assertEqual(seen, [tool, TOOL])
            self.assertEqual(json.dumps(seen[0]), json.dumps(tool))
        self.assertIsNone(self.seen(tools=[])["tools"])

    def test_documents_kwargs_and_effort(self):
        self.assertEqual(
            self.seen(documents=[{"title": "T", "text": "t", "n": 1}])["documents"],
            [{"title": "T", "text": "t", "n": 1}],
        )
        seen = self.seen(chat_template_kwargs={"x": {"y": [1]}, "enable_thinking": True}, reasoning_effort="none")
        self.assertEqual((seen["x"], seen["think"], seen["effort"]), ({"y": [1]}, True, "none"))
        self.assertEqual(
            [self.seen(reasoning_effort=effort)["think"] for effort in ("none", "minimal", "low", "max")],
            [False, True, True, True],
        )
        self.assertIs(self.seen(add_generation_prompt=False)["agp"], False)
        self.assertIs(self.seen(continue_final_message=False)["agp"], True)

    def test_a_field_that_the_template_reads_is_taken(self):
        self.assertTrue(self.text(dict(USER, prefix="pre")).endswith(";pre"))
        self.refuse({"messages": [dict(USER, suffix="x")]}, "messages[0].suffix", "unsupported_parameter")

    def test_wrong_tools_are_named(self):
        def function(**change):
            return [TOOL, {"type": "function", "function": dict(TOOL["function"], **change)}]

        for tools, param, code in (
            ({}, "tools", "invalid_type"),
            (["x"], "tools[0]", "invalid_type"),
            ([TOOL, {"function": {}}], "tools[1].type", "missing_required_parameter"),
            ([{"type": "custom"}], "tools[0].type", "unsupported_parameter"),
            ([{"type": 1}], "tools[0].type", "invalid_type"),
            ([{"type": "function"}], "tools[0].function", "missing_required_parameter"),
            ([{"type": "function", "function": []}], "tools[0].function", "invalid_type"),
            ([{"type": "function", "function": {}}], "tools[0].function.name", "missing_required_parameter"),
            (function(name=1), "tools[1].function.name", "invalid_type"),
            (function(name=""), "tools[1].function.name", "invalid_value"),
            (function(description=1), "tools[1].function.description", "invalid_type"),
            (function(strict=1), "tools[1].function.strict", "invalid_type"),
            (function(parameters=[]), "tools[1].function.parameters", "invalid_type"),
            ([TOOL] * 1025, "tools", "invalid_value"),
        ):
            self.refuse({"tools": tools}, param, code)

    def test_broken_patterns_are_refused_and_others_are_not(self):
        def tools(**schema):
            return [
                dict(TOOL, function={"name": "f", "parameters": {"properties": {"pattern": schema}, "items": [schema]}})
            ]

        for pattern in ("(", "a)", "[a", "x\\", "(?:(a)", "[\\]"):
            self.assertIn("pattern", self.refuse({"tools": tools(pattern=pattern)}, "tools", "invalid_schema"))
        for pattern in ("", "^(a|[()\\]]+)$", "\\(", "(?<year>\\d{4})-[^]", "[a-z]]"):
            self.seen(tools=tools(pattern=pattern))
        self.seen(tools=tools(default={"pattern": "("}, examples=[{"pattern": "("}]))

    def test_what_cannot_be_done_is_named(self):
        named = {"type": "function", "function": {"name": "f"}}
        for choice, code in (
            ("required", "unsupported_parameter"),
            (named, "unsupported_parameter"),
            ("maybe", "invalid_value"),
            (1, "invalid_type"),
            ("auto\0", "invalid_value"),
        ):
            self.refuse({"tools": [TOOL], "tool_choice": choice}, "tool_choice", code)
        self.refuse({"parallel_tool_calls": False}, "parallel_tool_calls", "unsupported_parameter")
        self.refuse({"chat_template": "{{ x }}"}, "chat_template", "unsupported_parameter")
        self.refuse({"documents": ["x"]}, "documents[0]", "invalid_type")
        self.refuse({"documents": {}}, "documents", "invalid_type")
        self.refuse({"reasoning_effort": "huge"}, "reasoning_effort", "invalid_value")
        self.refuse({"reasoning_effort": 1}, "reasoning_effort", "invalid_type")
        self.refuse({"modalities": ["text", "audio"]}, "modalities", "unsupported_parameter")
        self.refuse({"chat_template_kwargs": []}, "chat_template_kwargs", "invalid_type")
        for name in ("messages", "tools", "bos_token", "add_generation_prompt", "raise_exception"):
            self.refuse({"chat_template_kwargs": {name: "x"}}, "chat_template_kwargs", "invalid_value")
        self.refuse(
            {"add_generation_prompt": True, "continue_final_message": True}, "continue_final_message", "invalid_value"
        )
        # 64 bits do not hold it, and as a real it would be another text
        self.refuse({"chat_template_kwargs": {"x": 18446744073709551615}}, None, "invalid_value")

    def test_harmless_fields_are_taken(self):
        body = {
            "model": NAME,
            "messages": [USER],
            "max_tokens": 1,
            "user": "u",
            "metadata": {"k": "v"},
            "store": True,
            "service_tier": "flex",
            "parallel_tool_calls": True,
            "modalities": ["text"],
            "safety_identifier": "s",
            "prediction": {"type": "content", "content": "x"},
            "response_format": {"type": "text"},
            "tools": [TOOL],
            "tool_choice": "auto",
            "functions": [],
            "function_call": "none",
            "prompt_cache_retention": "24h",
            "verbosity": "medium",
            "reasoning_effort": "low",
        }
        answer = self.server.post("/v1/chat/completions", body)
        self.assertEqual(answer.status, 200, answer.body)


class Parts(Rendered):
    template = "{% for m in messages %}{{ m.role }}:{% for p in m.content %}<{{ p | tojson if p is mapping else p }}>{% endfor %};{% endfor %}"

    def test_a_template_that_walks_over_parts_gets_them(self):
        parts = [{"type": "text", "text": "a", "cache_control": {}}, "b", {"type": "input_text", "text": "c"}]
        self.assertEqual(
            self.text({"role": "user", "content": parts}, {"role": "tool", "content": parts}),
            'user:<{"type": "text", "text": "a", "cache_control": {}}><{"type": "text", "text": "b"}>'
            '<{"type": "text", "text": "c"}>;tool:<a><\n><b><\n><c>;',
        )


class Continue(Rendered):
    template = (
        "{% for m in messages %}{{ m.role }}: {% if m.role == 'user' %}{{ m.content | trim }}{% else %}{{ m.content }}{% endif %}"
        "|{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    )

    def go_on(self, *messages):
        return self.text(*messages, continue_final_message=True)

    def test_prompt_ends_with_the_text(self):
        answer = {"role": "assistant", "content": "Once  "}
        self.assertEqual(self.go_on(USER, answer), "user: Q|assistant: Once  ")
        self.assertEqual(self.go_on(answer, dict(USER, content=" \u3000a b \n")), "assistant: Once  |user: a b")
        self.assertEqual(self.go_on(USER, dict(answer, content="")), "user: Q|assistant: ")
        self.assertEqual(self.go_on(USER, dict(answer, content="Q|assistant: ")), "user: Q|assistant: Q|assistant: ")
        self.assertEqual(self.go_on(USER, dict(answer, content="x\0y")), "user: Q|assistant: x\0y")
        self.assertEqual(
            self.go_on(USER, dict(answer, content="CONTINUE_FINAL_MESSAGE_TAG \n")),
            "user: Q|assistant: CONTINUE_FINAL_MESSAGE_TAG \n",
        )
        self.assertEqual(
            self.go_on(USER, dict(answer, content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b "}])),
            "user: Q|assistant: a\nb ",
        )

    def test_text_that_is_not_shown_cannot_go_on(self):
        for template in (
            "{{ messages[0].content }}",
            "{{ messages[-1].content | upper }}",
            "{{ messages[-1].content[:2] }}",
        ):
            with templated(template) as server:
                answer = server.post(
                    "/tokenize",
                    {"messages": [USER, {"role": "assistant", "content": "abc"}], "continue_final_message": True},
                )
                self.assertEqual((answer.status, answer.error()["param"]), (400, "continue_final_message"))


class Developer(unittest.TestCase):
    def role(self, template):
        with templated(template) as server:
            ids = server.post("/tokenize", {"messages": [{"role": "developer", "content": "x"}]}).json()["tokens"]
            return server.post("/detokenize", {"tokens": ids}).json()["prompt"]

    def test_developer_is_system_to_templates_that_do_not_know_it(self):
        self.assertEqual(self.role("{{ messages[0].role }}"), "system")
        self.assertEqual(self.role("{% if messages[0].role == 'developer' %}known{% endif %}"), "known")
        self.assertEqual(self.role("{{ messages[0].role }}{# developer #}"), "system")


class Choice(unittest.TestCase):
    """Which template serves a request."""

    def prompt(self, server, **fields):
        ids = server.post("/tokenize", dict(fields, messages=[USER])).json()["tokens"]
        return server.post("/detokenize", {"tokens": ids}).json()["prompt"]

    def test_tools_use_the_template_of_that_name(self):
        named = [
            {"name": "default", "template": "D {{ tools }}"},
            {"name": "tool_use", "template": "T {{ tools[0].function.name }}"},
            {"name": "rag", "template": "R"},
        ]
        with model_with_tokens(chat_template=named) as folder:
            with Server(model=folder) as server:
                self.assertEqual(
                    [self.prompt(server), self.prompt(server, tools=[TOOL]), self.prompt(server, tools=[])],
                    ["D None", "T f", "D None"],
                )
            with templated("F", model=folder) as server:  # one that the operator gives serves all
                self.assertEqual([self.prompt(server), self.prompt(server, tools=[TOOL])], ["F", "F"])

    def refusal(self, **configuration):
        with model_with_tokens(**configuration) as folder, Server(model=folder) as server:
            self.assertEqual(server.post("/tokenize", {"prompt": "x"}).status, 200)
            messages = []
            for path in ("/tokenize", "/v1/chat/completions"):
                answer = server.post(path, {"messages": [USER]})
                self.assertEqual(
                    (answer.status, answer.error()["param"], answer.error()["code"]), (400, "messages", "invalid_value")
                )
                messages.append(answer.error()["message"])
            self.assertEqual(messages[0], messages[1])
            return messages[0]

    def test_without_a_template_chat_says_so(self):
        self.assertIn("no chat template", self.refusal(chat_template=None))

    def test_a_broken_template_is_told_where_it_is_broken(self):
        self.assertRegex(self.refusal(chat_template="line\n{% if %}"), "cannot be used.*line 2")

    def test_an_error_of_the_template_is_the_requests(self):
        with templated("{% if not tools %}{{ raise_exception('tools are <needed>') }}{% endif %}x") as server:
            answer = server.post("/v1/chat/completions", {"messages": [USER]})
            self.assertEqual((answer.status, answer.error()["param"]), (400, "messages"))
            self.assertIn("tools are <needed>", answer.error()["message"])


class Forgery(unittest.TestCase):
    """Special tokens are the template's alone, in whatever field of the request they are spelt."""

    # Prints all there is, by several ways, with two special tokens of its own.
    TEMPLATE = (
        TOKENS[0]
        + "{% for m in messages %}{{ m.role }}{{ m.content }}{{ m.name }}{{ m.tool_call_id }}{{ m.reasoning_content }}"
        "{{ m | tojson }}{{ m }}{% for c in m.tool_calls or [] %}{{ c.function.name ~ c.id }}"
        "{% for k, v in c.function.arguments | items %}{{ k }}={{ v }}{% endfor %}{% endfor %}{% endfor %}"
        "{% for t in tools or [] %}{{ t | tojson(indent=2) }}{% for k in t.function.parameters.properties %}{{ k }}{% endfor %}"
        "{{ t.function.name | upper | lower }}{% endfor %}{{ documents }}{% for d in documents or [] %}{{ d.values() | join('') }}"
        "{% endfor %}{{ extra }}{{ extra | string | replace('!', '') }}{% for k, v in (extra or {}).items() %}{{ k ~ v }}"
        "{% endfor %}{{ reasoning_effort }}" + TOKENS[1]
    )

    def bodies(self, bad):
        call = {
            "id": bad,
            "type": "function",
            "function": {"name": bad, "arguments": json.dumps({bad: [bad, {bad: bad}]})},
        }
        schema = {
            "type": "object",
            "properties": {bad: {"type": bad, "description": bad, "enum": [bad]}},
            bad: {bad: bad},
        }
        yield "content", {"messages": [dict(USER, content=bad)]}
        yield "part", {"messages": [dict(USER, content=[{"type": "text", "text": bad}])]}
        yield "system", {"messages": [{"role": "system", "content": bad}, {"role": "developer", "content": bad}, USER]}
        yield "name", {"messages": [dict(USER, name=bad)]}
        yield "reasoning", {"messages": [USER, {"role": "assistant", "content": bad, "reasoning": bad}]}
        yield "thinking", {"messages": [USER, {"role": "assistant", "thinking": bad, "refusal": bad}]}
        yield "call", {"messages": [USER, {"role": "assistant", "tool_calls": [call]}]}
        yield "result", {"messages": [USER, {"role": "tool", "tool_call_id": bad, "name": bad, "content": bad}]}
        yield "annotations", {
            "messages": [USER, {"role": "assistant", "content": "", "annotations": [{bad: bad, "role": bad}]}]
        }
        yield "tool", {
            "messages": [USER],
            "tools": [
                {
                    "type": "function",
                    bad: bad,
                    "function": {"name": bad, "description": bad, "parameters": schema, bad: {"role": bad}},
                }
            ],
        }
        yield "documents", {"messages": [USER], "documents": [{"title": bad, "text": bad, bad: bad}]}
        yield "kwargs", {
            "messages": [USER],
            "chat_template_kwargs": {"extra": {bad: bad, "role": bad, "l": [bad]}, bad: bad},
        }
        yield "continued", {"messages": [USER, {"role": "assistant", "content": bad}], "continue_final_message": True}

    def special_ids(self, server, body):
        answer = server.post("/tokenize", body)
        self.assertEqual(answer.status, 200, answer.body)
        return [id for id in answer.json()["tokens"] if id < 3 or id >= FIRST_TOKEN]

    def test_only_the_template_writes_special_tokens(self):
        spellings = TOKENS + ("<s>", "</s>", "<unk>", "<|im_!end|>", "".join(TOKENS), "user\0" + TOKENS[1])
        with model_with_tokens() as folder, templated(self.TEMPLATE, model=folder) as server:
            for bad in spellings:
                for name, body in self.bodies(bad):
                    expected = [FIRST_TOKEN] if name == "continued" else [FIRST_TOKEN, FIRST_TOKEN + 1]
                    if "\0" in bad and name in ("call", "tool", "documents", "kwargs", "annotations"):
                        continue  # no JSON key has a NUL here
                    with self.subTest(field=name, spelling=bad):
                        self.assertEqual(self.special_ids(server, body), expected)

    def test_keys_of_objects_may_not_have_a_nul(self):
        with model_with_tokens() as folder, templated(self.TEMPLATE, model=folder) as server:
            answer = server.post("/tokenize", {"messages": [USER], "documents": [{"a\0" + TOKENS[1]: "x"}]})
            self.assertEqual((answer.status, answer.error()["code"]), (400, "invalid_json"))

    def test_the_operator_can_allow_them(self):
        with model_with_tokens() as folder, templated(
            self.TEMPLATE, "--special-tokens-in-content", model=folder
        ) as server:
            for name, body in self.bodies(TOKENS[2]):
                with self.subTest(field=name):
                    self.assertIn(FIRST_TOKEN + 2, self.special_ids(server, body))

    def test_a_role_may_be_part_of_a_token(self):
        with model_with_tokens() as folder, templated(
            "{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content }}{% endfor %}", model=folder
        ) as server:
            message = {"role": "tool", "content": "<|tool|>"}
            self.assertEqual(self.special_ids(server, {"messages": [message]}), [FIRST_TOKEN + 2])


if __name__ == "__main__":
    main()
