#!/usr/bin/env python3
"""Writes the fixtures of the template tests: what jinja2, set up by transformers itself, makes of many templates.

    make_cases.py small  > small_cases.json     language, filters, tests and methods, one small template each
    make_cases.py matrix > matrix_cases.json    every template of shared/data/chat-templates over conversations.json
    make_cases.py unicode > unicode_cases.json  what str knows of every code point

Needs transformers and jinja2; shared/ is found through QUIRE_SHARED or beside the checkout. A text of null means that
the reference raises. Times are those of NOW, in UTC.
"""
import copy
import datetime
import json
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
SHARED = pathlib.Path(os.environ.get("QUIRE_SHARED", HERE.parent.parent.parent / "shared"))
NOW = datetime.datetime(2026, 3, 7, 14, 5, 9, 123456)  # 1772892309.123456


def compile_template(source):
    from transformers.utils import chat_template_utils
    template = chat_template_utils._compile_jinja_template(source)
    template.environment.globals["strftime_now"] = lambda text: NOW.strftime(text)
    return template


def render(source, variables):
    """The text, or None where the reference raises (whatever it raises: compiling and rendering alike)."""
    try:
        return compile_template(source).render(**copy.deepcopy(variables))  # some filters change what they are given
    except Exception:
        return None


def fnv_words(words):
    value = 0xCBF29CE484222325
    for word in words:
        value = (value ^ word) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def fnv(text):
    return fnv_words(text.encode())


VARIABLES = {
    "s": "Hello, World", "empty": "", "space": "  a b\t\n", "uni": "Straße ǅ ΑΣ ñ 日本語 🙂", "html": "<b>&\"'</b>",
    "lines": "one\n two\n\nthree", "num": "42", "i": 7, "neg": -7, "zero": 0, "big": 9007199254740993, "f": 2.5, "half": 0.5,
    "tiny": 1e-7, "huge": 1.5e22, "t": True, "n": None, "l": [3, 1, 2], "el": [], "ls": ["b", "A", "c", "a"],
    "nested": [[1, 2], [3, 4]], "mixed": [1, "x", None, 2.5, True], "d": {"b": 1, "a": 2, "C": 3}, "ed": {},
    "items_key": {"items": 5, "get": 6, "x": 1},
    "users": [{"name": "Bob", "age": 30, "city": {"n": "Rome"}, "on": True}, {"name": "alice", "age": 25, "city": {"n": "Oslo"}},
              {"name": "Carl", "age": 30, "city": {"n": "rome"}, "on": False}],
    "msgs": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}],
    "esc": "tab\tnl\nquote\"back\\slash\x01\x7f é \u2028 😀", "quote1": "it's", "quote2": "say \"it's\"",
}


def products(inputs, suffixes):
    return ["{{ %s%s }}" % (value, suffix) for suffix in suffixes for value in inputs]


def small_templates():
    from small_templates import TEMPLATES
    every = list(VARIABLES) + ["missing", "5", "'lit'", "(1, 2)", "range(3)", "d.items()", "l|map('string')", "1.0"]
    out = list(TEMPLATES)
    for name in ("defined undefined none boolean true false integer float number string mapping sequence iterable callable "
                 "escaped lower upper odd even").split():
        out += ["{%% for x in [%s] %%}{{ x is %s }},{%% endfor %%}" % (", ".join(every[k:k + 6]), name)
                for k in range(0, len(every), 6)]
    for name in ("length list first last string upper lower title capitalize trim sum min max sort unique|list int float abs round "
                 "tojson reverse|list join join('-') items|list dictsort wordcount e urlencode safe striptags default('D') "
                 "default('D',true) list|length tojson(indent=2) indent center(9) batch(2)|list slice(2)|list").split():
        out += ["{{ %s|%s }}" % (value, name) for value in every if "map" not in value or name != "wordcount"]
    values = ["1", "2.5", "'a'", "[1]", "(1,)", "{}", "none", "true", "missing", "-3", "'%s'", "0"]
    for operator in "+ - * / // % ** ~ == != < <= > >= in".split() + ["not in", "and", "or"]:
        out += ["{{ %s %s %s }}" % (a, operator, b) for a in values for b in values]
    for method in ("upper() lower() title() capitalize() swapcase() casefold() strip() lstrip() rstrip() split() rsplit() "
                   "splitlines() splitlines(true) isdigit() isalpha() isalnum() isspace() isupper() islower() istitle() "
                   "isnumeric() isdecimal() isprintable() isidentifier() isascii() split('l') rsplit('l',1) split(none,1) "
                   "rsplit(none,1) partition('o') rpartition('o') find('o') rfind('o') count('l') replace('l','LL') "
                   "replace('','-') replace('l','_',1) startswith('H') endswith('d') center(20,'*') ljust(20) rjust(20,'.') "
                   "zfill(20) expandtabs(4) removeprefix('He') removesuffix('ld') join(['x','y'])").split():
        out += ["{{ %s.%s }}" % (value, method) for value in ("s", "uni", "space", "empty", "lines", "num", "'Title Case'")]
    return out


RANDOM_CASES = 700


def small():
    from compare_random import Grammar, comparable
    grown = [Grammar(i).template() for i in range(RANDOM_CASES)]
    grown = [t for t in grown if not re.search(r"huge|1e|big|\*\*|\)\[", t)]  # beyond 64 bits; slices of constants
    cases = []
    for source in dict.fromkeys(small_templates() + grown):
        text = render(source, VARIABLES)
        if text is not None and re.search(r" at 0x|\d{20}[^.]|\dj\)", text.lower()):
            continue  # an address, which no template can depend on; beyond 64 bits; a complex number
        if source in grown and not comparable(source, text, {}):
            continue
        cases.append([source, text])
    return {"now": "1772892309.123456", "variables": VARIABLES, "cases": cases}


def matrix():
    conversations = json.loads((HERE / "conversations.json").read_text())
    out = {}
    folder = SHARED / "data" / "chat-templates"
    for path in sorted(folder.glob("*/*.jinja")):
        source = path.read_text()
        row = []
        for variables in expand(conversations):
            text = render(source, variables)
            row.append(None if text is None else fnv(text))
        out[str(path.relative_to(folder))] = row
    return {"cases": out}


def expand(conversations):
    """Each conversation over each set of options; the C test does the same."""
    for conversation in conversations["conversations"]:
        for options in conversations["options"]:
            yield {**conversations["common"], **options, **conversation}


def unicode():
    import unicodedata
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    out = {}
    for name in "isalpha isupper islower isdecimal isdigit isnumeric isspace isprintable".split():
        out[name] = [c for c in points if getattr(chr(c), name)()]
    out["title"] = [c for c in points if unicodedata.category(chr(c)) == "Lt"]
    for name, method in ("upper", "upper"), ("lower", "lower"), ("title_case", "title"), ("folded", "casefold"):
        out[name] = [ord(x) for c in points for x in getattr(chr(c), method)()]
    out["digit_value"] = [x for c in points if chr(c).isdecimal() for x in (c, int(chr(c)))]
    return {"cases": {name: [fnv_words(words)] for name, words in out.items()}}


if __name__ == "__main__":
    made = {"small": small, "matrix": matrix, "unicode": unicode}[sys.argv[1]]()
    if sys.argv[1] == "small":
        json.dump({k: v for k, v in made.items() if k != "cases"}, sys.stdout, ensure_ascii=False)
        print()
        for case in made["cases"]:
            print(json.dumps(case, ensure_ascii=False))
    else:
        for name, row in made["cases"].items():
            print(json.dumps([name] + row))
