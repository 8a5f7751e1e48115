#!/usr/bin/env python3
"""Makes chat_cases.json: what transformers' apply_chat_template makes of conversations, as token ids. By hand, with transformers
installed and the shared data at hand: python make_chat_cases.py

The templates are our own: one in the manner of ChatML with tools and reasoning, one that walks over parts, one that trims.
"""

import json
import os

import transformers

from harness import model_with_tokens

CHAT = """{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}{%- if documents %}{% for document in documents %}[{{ document.title }}] {{ document.text }}
{% endfor %}{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}{% if message.name %} {{ message.name }}{% endif %}

{%- if message.reasoning_content %}
think: {{ message.reasoning_content }}{% endif %}
{{ message.content }}
{%- for call in message.tool_calls or [] %}
<|tool|>{{ call.id }} {{ call.function.name }}
{%- for key, value in call.function.arguments | items %} {{ key }}={{ value | tojson }}{% endfor %}
{%- endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}no thought
{% endif %}{% endif %}"""
PARTS = """{% for message in messages %}<|im_start|>{{ message.role }}:
{%- if message.content is string %} {{ message.content }}
{%- else %}{% for part in message.content %} ({{ part.type }}) {{ part.text }}{% endfor %}{% endif %}<|im_end|>{% endfor %}"""
TRIMS = """{{ bos_token }}{% for message in messages %}<|im_start|>{{ message.content | trim }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>{% endif %}"""

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": 'Says "how" the <weather> is & will be.',
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {
                    "town": {"type": "string", "description": "Zürich, 東京"},
                    "days": {"type": "integer", "minimum": 0, "default": 1.50},
                },
                "required": ["town"],
                "additionalProperties": False,
            },
        },
    },
    {"type": "function", "function": {"name": "now", "parameters": None}},
]
USER, ANSWER = {"role": "user", "content": "Once upon a time"}, {"role": "assistant", "content": "there was a girl."}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "weather", "arguments": {"town": "Köln", "days": 2, "x": [1.0, None]}},
        },
        {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": {}}},
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "name": "weather", "content": '{"sun": true}'}

CASES = [
    (CHAT, {"messages": [USER]}),
    (
        CHAT,
        {"messages": [USER, ANSWER, {"role": "user", "content": "and\n\n then  \t?"}], "add_generation_prompt": False},
    ),
    (
        CHAT,
        {
            "messages": [{"role": "system", "content": "Be  kind.\r\n"}, USER],
            "chat_template_kwargs": {"enable_thinking": False},
        },
    ),
    (CHAT, {"messages": [USER], "tools": TOOLS}),
    (CHAT, {"messages": [USER, CALL, RESULT], "tools": TOOLS}),
    (CHAT, {"messages": [USER], "documents": [{"title": "Eins", "text": "ein Käse"}, {"title": "Two", "text": "🙂"}]}),
    (CHAT, {"messages": [USER, dict(ANSWER, reasoning_content="a girl?"), USER]}),
    (CHAT, {"messages": [USER, dict(ANSWER, reasoning="a boy?"), USER]}),
    (
        CHAT,
        {"messages": [USER, dict(ANSWER, thinking="a dog?", reasoning_content=None, refusal=None, audio=None), USER]},
    ),
    (
        CHAT,
        {"messages": [{"role": "user", "content": "x\u0000y", "name": "Tim"}, ANSWER], "continue_final_message": True},
    ),
    (CHAT, {"messages": [USER, {"role": "assistant", "content": "there was "}], "continue_final_message": True}),
    (CHAT, {"messages": [USER], "add_special_tokens": True}),
    (
        PARTS,
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [{"type": "text", "text": "there"}, {"type": "text", "text": " was"}]},
            ]
        },
    ),
    (
        PARTS,
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Once"}, {"type": "text", "text": " upon "}]}
            ],
            "continue_final_message": True,
        },
    ),
    (TRIMS, {"messages": [USER, {"role": "assistant", "content": " there was \n"}]}),
    (
        TRIMS,
        {"messages": [USER, {"role": "assistant", "content": " there was \n\u2003"}], "continue_final_message": True},
    ),
    (TRIMS, {"messages": [USER, {"role": "assistant", "content": ""}], "continue_final_message": True}),
]


def reference(tokenizer, template, body):
    fields = {key: body[key] for key in ("tools", "documents", "continue_final_message") if key in body}
    fields.update(body.get("chat_template_kwargs", {}))
    text = tokenizer.apply_chat_template(
        body["messages"],
        chat_template=template,
        tokenize=False,
        add_generation_prompt=body.get("add_generation_prompt", not body.get("continue_final_message", False)),
        **fields
    )
    return tokenizer(text, add_special_tokens=body.get("add_special_tokens", False)).input_ids


def main():
    with model_with_tokens() as folder:
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_file=os.path.join(folder, "tokenizer.json"), bos_token="<s>", eos_token="</s>"
        )
        cases = [
            {"template": template, "body": body, "ids": reference(tokenizer, template, body)}
            for template, body in CASES
        ]
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "chat_cases.json"), "w", encoding="utf-8") as file:
        file.write("[\n%s\n]\n" % ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases))


if __name__ == "__main__":
    main()
