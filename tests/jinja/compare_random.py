#!/usr/bin/env python3
"""Compares random templates with the reference: compare_random.py DRIVER [COUNT] [SEED]

DRIVER is the built jinja_driver. The templates are grown from a small grammar over the variables of make_cases.py, so that
filters, methods, operators and statements meet in ways that nobody wrote down. Prints what differs; exit status 1 if anything does.
"""
import json
import random
import re
import subprocess
import sys

from make_cases import VARIABLES, render

FILTERS = ("upper lower title capitalize trim length list first last string int float abs round tojson reverse join join('-') sort "
           "sort(reverse=true) unique sum min max items dictsort wordcount e safe default('D') default('D',true) indent center(7) "
           "batch(2) slice(2) replace('l','L') replace('a','b',1) map('upper') map('string') map('length') map(attribute='name') "
           "map(attribute='role') select reject select('string') select('defined') select('odd') selectattr('name') "
           "selectattr('role','equalto','user') rejectattr('role','equalto','user') groupby('role') truncate(5) striptags "
           "format(1) urlencode tojson(indent=2) count d list|length list|first map('first') map('tojson') selectattr('age','gt',26) "
           "map(attribute='city.n') sum(attribute='age') attr('upper') wordwrap(5) forceescape xmlattr filesizeformat").split()
METHODS = ("upper() lower() title() strip() lstrip() rstrip() split() split('l') split(',',1) rsplit('l',1) splitlines() "
           "startswith('H') endswith('d') find('l') count('l') replace('l','') replace('','.') join(['a','b']) items() keys() values() "
           "get('a') get('zz') get('b',1) isdigit() isalpha() format(1,2) zfill(5) index(1) count(1) copy() capitalize() swapcase() "
           "center(9) ljust(9,'-') partition('l') removeprefix('He') append(1) update({}) a b name role content items 0 x").split()
TESTS = ("defined undefined none string number integer float boolean mapping sequence iterable callable true false odd even upper "
         "lower escaped divisibleby(2) in([1,2]) eq(1) sameas(none) gt(2) ==('a')").split()[:-1]
OPERATORS = "+ - * / // % ** ~ == != < <= > >= in and or".split() + ["not in"]


class Grammar:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def atom(self):
        names = list(VARIABLES) + ["missing", "x", "y", "loop.index", "loop.last", "ns.v", "m"]
        return self.r.choice([self.r.choice(names), self.r.choice(names), self.r.choice(names), str(self.r.randint(-3, 9)), "2.5",
                              "'ab c'", "\"l'x\"", "true", "none", "[1, 2]", "('a', 1)", "{'a': 1, 'b': [2]}", "''", "range(3)", "'%s'",
                              "'{}'"])

    def expression(self, depth):
        if depth <= 0:
            return self.atom()
        e = lambda: self.expression(depth - 1)
        kind = self.r.randint(0, 13)
        if kind <= 3:
            return f"{e()}|{self.r.choice(FILTERS)}"
        if kind <= 5:
            return f"({e()}).{self.r.choice(METHODS)}"
        if kind <= 7:
            return f"({e()} {self.r.choice(OPERATORS)} {e()})"
        if kind == 8:
            return f"{self.atom()} is {self.r.choice(['', 'not '])}{self.r.choice(TESTS)}"
        if kind == 9:
            return f"({e()} if {e()} else {e()})"
        if kind == 10:
            bounds = [self.r.choice(["", "", str(self.r.randint(-3, 4))]) for _ in range(self.r.choice([2, 2, 3]))]
            return f"({e()})[{':'.join(bounds)}]"
        if kind == 11:
            return f"({e()})[{self.r.choice([self.atom(), '0', '-1', repr(self.r.choice(['a', 'name', 'role']))])}]"
        if kind == 12:
            return self.r.choice(["[{}, {}]", "({}, {})", "{{'a': {}, 'k': {}}}", "m({}, y={})", "dict(a={}, b={})"]).format(e(), e())
        return f"({'not ' if self.r.random() < .5 else '-'}{e()})"

    def space(self):
        return self.r.choice(["", "", "", " ", "\n", "  \n ", "\n  "])

    def sign(self):
        return self.r.choice(["", "", "", "-", "-", "+"])

    def tag(self, text):
        return f"{{%{self.sign()} {text} {self.sign()}%}}"

    def body(self, depth):
        return "".join(self.space() + self.statement(depth - 1) + self.space() for _ in range(self.r.randint(1, 3)))

    def statement(self, depth):
        kind = self.r.randint(0, 11) if depth > 0 else self.r.randint(0, 3)
        e = lambda: self.expression(2)
        if kind <= 2:
            return f"{{{{{self.r.choice(['', '-'])} {self.expression(self.r.randint(0, 3))} {self.r.choice(['', '-'])}}}}}"
        if kind == 3:
            return self.tag(f"set {self.r.choice(['x', 'y', 's', 'ns.v', 'x, y'])} = {e()}")
        if kind == 4:
            other = self.tag("else") + self.body(depth) if self.r.random() < .5 else ""
            return self.tag(f"if {e()}") + self.body(depth) + other + self.tag("endif")
        if kind in (5, 6):
            test = f" if {e()}" if self.r.random() < .3 else ""
            other = self.tag("else") + self.body(depth) if self.r.random() < .3 else ""
            inner = self.body(depth)
            if self.r.random() < .2:
                inner += self.tag(f"if {e()}") + self.tag(self.r.choice(["break", "continue"])) + self.tag("endif")
            target = self.r.choice(["x", "x", "x, y"])
            return self.tag(f"for {target} in {e()}{test}") + inner + other + self.tag("endfor")
        if kind == 7:
            return self.tag(f"set {self.r.choice(['x', 'y'])}{self.r.choice(['', '|upper', '|trim'])}") + self.body(depth) + self.tag("endset")
        if kind == 8:
            return self.tag("macro m(x, y=1)") + self.body(depth) + self.tag("endmacro")
        if kind == 9:
            return self.tag(f"filter {self.r.choice(['upper', 'trim', 'indent(2)'])}") + self.body(depth) + self.tag("endfilter")
        if kind == 10:
            return self.tag(f"with x={e()}") + self.body(depth) + self.tag("endwith")
        return self.tag("generation") + self.body(depth) + self.tag("endgeneration")

    def template(self):
        if self.r.random() < .6:
            return f"{{{{ {self.expression(self.r.randint(1, 3))} }}}}"
        return "{% set ns = namespace(v=1) %}" + self.body(3)


def comparable(template, expected, got):
    """Not what no template can depend on (addresses), nor numbers beyond 64 bits and complex ones, nor slices of constants that have
    none: there the reference's constant folding hides the error that it raises for a variable."""
    if got.get("status") in (10, 11) or "cannot be sliced" in got.get("error", "") or "|wordcount" in template:
        return False
    return not re.search(r"0x[0-9a-f]{6}|object sync|<built-in|bound method|\d{19}|\dj\)|reversed? ?object|_iterator",
                         f"{expected} {got.get('text')}", re.I)


def main():
    driver, count, seed = sys.argv[1], int((sys.argv + ["2000"])[2]), int((sys.argv + ["", "1"])[3])
    templates = [Grammar(seed * 1000003 + i).template() for i in range(count)]
    lines = "".join(json.dumps({"template": t, "variables": VARIABLES}) + "\n" for t in templates)
    answers = subprocess.run([driver], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    different = raised = 0
    for template, line in zip(templates, answers):
        expected, got = render(template, VARIABLES), json.loads(line)
        raised += expected is None
        if expected != got.get("text") and comparable(template, expected, got):
            different += 1
            print(f"{template!r}\n  expected {expected!r}\n  got      {got.get('text', got.get('error'))!r}")
    print(f"{count} templates, {raised} raise, {different} differ")
    return different > 0


if __name__ == "__main__":
    sys.exit(main())
