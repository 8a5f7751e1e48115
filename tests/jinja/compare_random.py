#!/usr/bin/env python3
"""Compares random templates with the reference: compare_random.py DRIVER [COUNT] [SEED]

DRIVER is the built jinja_driver. The templates are grown from a grammar that knows types, so that most of them mean
something: filters, tests, methods, operators and statements meet in ways that nobody wrote down, with arguments of
every form. Prints what differs; exit status 1 if anything does.
"""
import json
import random
import re
import subprocess
import sys
import warnings

from make_cases import VARIABLES, render

# What makes a value of each type out of others: {s} is an expression that gives a string, and so on. {k} is a small
# literal number, {a} anything, {v} one of the types at random.
RULES = {
    "s": """
        {s}|upper;{s}|lower;{s}|title;{s}|capitalize;{s}|trim;{s}|trim({s});{s}|trim(chars={s});{a}|string;
        {s}|replace({s}, {s});{s}|replace({s}, {s}, {k});{s}|replace(old={s}, new={s}, count={k});{s}|indent;
        {s}|indent({k});{s}|indent({k}, true);{s}|indent(width={s}, first={b}, blank={b});{s}|center({k});
        {s}|center;{s}|truncate({k});{s}|truncate({k}, {b});{s}|truncate({k}, {b}, {s}, {k});
        {s}|truncate(length={k}, leeway=0);{s}|wordwrap({k});{s}|wordwrap({k}, {b});
        {s}|wordwrap({k}, {b}, {s}, {b});{s}|wordwrap(width={k}, wrapstring='|');{s}|striptags;{s}|e;{s}|escape;
        {s}|safe;{s}|forceescape;{a}|e;{a}|urlencode;{s}|reverse;{l}|join;{l}|join({s});
        {l}|join({s}, attribute='name');{l}|join(d='-');{a}|tojson;{a}|tojson(indent={k});
        {a}|tojson(ensure_ascii=true);{a}|tojson(separators=(',', ':'));{a}|tojson(sort_keys=true, indent=2);
        {a}|tojson(indent={s});{a}|pprint;{n}|filesizeformat;{n}|filesizeformat({b});{m}|xmlattr;{m}|xmlattr({b});
        {s}|format({v});{s}|format({v}, {v});{s}|urlize;{s}|urlize({k});{s}|urlize({k}, true, '_top', 'x');
        {s}|urlize(rel='a b', extra_schemes=['x:']);'%s {{}} %s' % ({v}, {v});'%r' % ({v},);
        '%(a)s %(b)d' % {{'a': {v}, 'b': {i}}};'{fmt}' % {n};'{fmt}' % {s};'{fmt}'|format({n});
        '{brace}'.format({n});'{brace}'.format({s});'{{}} {{1}}'.format({v});'{{0}}-{{1!r}}'.format({v}, {v});
        '{{a}} {{b[0]}}'.format(a={v}, b={l});'{{0.x}}'.format({m});'{{0[a]}}'.format({m});{s} ~ {a};{a} ~ {s};
        {s} + {s};{s} * {k};{k} * {s};{s}[{k}];{s}[{k}:];{s}[:{k}];{s}[{k}:{k}];{s}[::{k}];{s}[{k}:{k}:{k}];
        {s}|first;{s}|last;{s}.upper();{s}.lower();{s}.title();{s}.capitalize();{s}.swapcase();{s}.casefold();
        {s}.strip();{s}.strip({s});{s}.lstrip({s});{s}.rstrip({s});{s}.lstrip();{s}.rstrip();{s}.replace({s}, {s});
        {s}.replace({s}, {s}, {k});{s}.join({l});{s}.join({s});{s}.center({k});{s}.center({k}, '*');
        {s}.ljust({k}, '-');{s}.rjust({k});{s}.zfill({k});{s}.expandtabs({k});{s}.expandtabs();
        {s}.removeprefix({s});{s}.removesuffix({s});{s}.partition({s})[{k}];{s}.translate({{97: 'b', 98: none}});
        {s}.format({v}, a={v});{s}.encode();{l}|map(attribute='name')|join;{s}.split({s})[0];{s}.split()[-1];
        ({s} if {b} else {s});{s} or {s};{s} and {s};{a}|default({s}, true);{m}|dictsort|string;{l}|string;
        '%s' % {t};{a}|attr('name');{x}|attr({s});{s}|wordcount|string;namespace(a={v}).a;dict(a={v}).a;{m}.a;
        {m}['a'];cycler({v}, {v}).next();joiner({s})();range({k})|string""",
    "i": """
        {l}|length;{s}|count;{m}|length;{s}|wordcount;{l}|sum;{l}|sum(start={k});{l}|sum(attribute='age');
        {l}|sum('age', {k});{l}|min;{l}|max;{s}|int;{s}|int({k});{s}|int(default={k}, base=16);{n}|int;{i}|abs;
        {s}|int(base={k});{i} + {i};{i} - {i};{i} * {i};{i} // {i};{i} % {i};{k} ** {k};-{i};+{i};{s}.find({s});
        {s}.find({s}, {k});{s}.rfind({s}, {k}, {k});{s}.count({s});{s}.count({s}, {k});{s}.index({s});
        {s}.rindex({s});{l}.index({v});{l}.count({v});{t}.index({v});{t}.count({v});{l}|first;{l}|last;{b} + {b};
        {i}|round|int;{l}[{k}];{m}.b;{m}.get('b', {k});{m}|length;({i} if {b} else {i});{x}|length;{i}|default({k});
        {i}.bit_length();{i}|round(-1);{n}.real;{i}|attr('imag');{i}.numerator""",
    "f": """
        {n}|float;{s}|float;{s}|float({n});{n}|round;{n}|round({k});{n}|round({k}, 'ceil');{n}|round({k}, 'floor');
        {n}|round(precision={k}, method='common');{n} / {n};{n} * {f};{n} + {f};{n} - {f};{n} // {f};{n} % {f};
        {f} ** {k};{n}|abs;-{f};{f}|default(1.5);({f} if {b} else {f});{l}|sum(start=0.5);{f}.is_integer();
        {n}|float(1)""",
    "b": """
        not {a};{v} == {v};{v} != {v};{n} < {n};{n} <= {n};{s} > {s};{s} >= {s};{n} < {n} <= {n};{s} in {s};
        {v} in {l};{v} not in {l};{s} in {m};{a} is {test};{a} is not {test};{s}.startswith({s});{s}.endswith({s});
        {s}.startswith(({s}, {s}));{s}.startswith({s}, {k});{s}.endswith({s}, {k}, {k});{s}.isdigit();{s}.isalpha();
        {s}.isalnum();{s}.isspace();{s}.isupper();{s}.islower();{s}.istitle();{s}.isnumeric();{s}.isdecimal();
        {s}.isprintable();{s}.isidentifier();{s}.isascii();{a} and {a};{a} or {a};{b} and {b} or {b};{l} < {l};
        {t} >= {t};{l} == {l};{m} == {m};{a} is defined;{i} is divisibleby({k});{i} is odd;{v} is sameas({v});
        {v} is eq({v});{n} is gt({n});{n} is lessthan({n});{v} is in({l});{a} is none;{n} is ge({n});{s} is filter;
        {s} is test""",
    "l": """
        {s}|list;{l}|list;{m}|list;{t}|list;{l}|sort;{l}|sort(true);{l}|sort(reverse={b}, case_sensitive={b});
        {u}|sort(attribute='name');{u}|sort(attribute='age,name');{u}|sort(false, true, 'city.n');{l}|unique|list;
        {l}|unique(true)|list;{u}|unique(attribute='age')|list;{l}|reverse|list;{l}|batch({k})|list;
        {l}|batch({k}, {v})|list;{l}|slice({k})|list;{l}|slice({k}, {v})|list;{l}|map('string')|list;
        {l}|map('upper')|list;{l}|map('int', {k})|list;{u}|map(attribute='name')|list;
        {u}|map(attribute='city.n')|list;{u}|map(attribute='zz', default={v})|list;
        {l}|map('default', {v}, true)|list;{l}|map('replace', 'a', {s})|list;{l}|select|list;
        {l}|select('{test0}')|list;{l}|reject('{test0}')|list;{l}|reject|list;{l}|select('in', {l})|list;
        {l}|select('gt', {n})|list;{u}|selectattr('on')|list;{u}|selectattr('age', 'gt', {n})|list;
        {u}|selectattr('name', 'in', {l})|list;{u}|rejectattr('age', 'eq', 30)|list;
        {u}|rejectattr('on', 'defined')|list;{u}|selectattr('city.n', '==', 'Rome')|list;{u}|groupby('age')|list;
        {u}|groupby(attribute='city.n', case_sensitive={b})|list;{u}|groupby('on', default={b})|list;
        {u}|groupby('age')|map(attribute='grouper')|list;{u}|groupby('age')|map('last')|list;{m}|items|list;
        {m}|dictsort;{m}|dictsort({b});{m}|dictsort(by='value');{m}|dictsort(false, 'key', true);{s}.split();
        {s}.split({s});{s}.split({s}, {k});{s}.rsplit({s}, {k});{s}.rsplit(none, {k});{s}.splitlines();
        {s}.splitlines({b});{s}.splitlines(keepends=true);{s}.split(sep={s}, maxsplit={k});{m}.keys()|list;
        {m}.values()|list;{m}.items()|list;{l} + {l};{l} * {k};{l}[{k}:];{l}[:{k}];{l}[::-1];{l}[{k}:{k}:{k}];
        {l}.copy();[{v}, {v}];[{l}, {v}];range({k})|list;range({k}, {k})|list;range({k}, {k}, {k})|list;
        ({l} if {b} else {l});{m}|list;{t}|list;{s}.partition({s})|list;{l}|map('first')|list;
        {l}|map('tojson')|list;{l}|map('length')|list;{l}|map('abs')|list;{l}|map('round', {k})|list;
        {l}|map('join', '-')|list;{l}|select('equalto', {v})|list;{l}|map('truncate', {k})|list;
        {l}|map('format', {v})|list""",
    "m": """
        {{'a': {v}, 'b': {v}}};{{{s}: {v}}};{{{i}: {v}, none: {v}}};dict(a={v}, b={v});dict({m});dict({m}, c={v});
        dict([('a', {v})]);{m}.copy();dict({m}.items());dict({u}|groupby('age'));({m} if {b} else {m});{u}[{k}];
        {u}|first;dict.fromkeys({l}, {v});{{'n': {m}, 'l': {l}}};dict({l}|map('list'));dict(zip={v})""",
    "t": """
        ({v},);({v}, {v});({l}, {v});{t} + {t};{t} * {k};{t}[{k}:];{s}.partition({s});{s}.rpartition({s});
        {m}.items()|first;({t} if {b} else {t});{m}|dictsort|first;{u}|groupby('age')|first""",
    "u": """
        users;users;msgs;users|list;users[:2];[{m}, {m}];users|sort(attribute='age');users|rejectattr('on')|list;
        [users[0]]""",
}
ATOMS = {
    "s": """
        s;empty;space;uni;html;lines;num;esc;quote1;quote2;s;'';' ';'a';'l';'o';'ab c';"l'x";'\\n';'\\t';'%';'%s';
        '{{}}';'Hello';'x,y,,z';'-';'\\\\';'é';'ß';'日本';'ǆ';'Σ';'1';'-2.5';'0x1F';' 7 ';'1e3';'inf';'1_0';'name';
        'a-b_c d';'<a>&amp;';'aXbXc';'one-two three-four-five';'see http://a.b/c?d=e, www.x.org or me@x.com.';
        'items';'\\u200b';'\\x00';'A\\r\\nb\\rc';'upper';'True';'none';'age'""",
    "i": """
        i;neg;zero;0;1;-1;2;3;7;-4;10;100;12345;big;1000000;t;255""",
    "f": """
        f;half;tiny;huge;0.0;-0.0;1.0;2.5;-1.5;0.1;1e16;123456.789;1e-5;3.14159;1e300;2.675;0.5;1.5;9.999""",
    "b": "t;true;false;True;False",
    "l": """
        l;el;ls;nested;mixed;users;[];[1, 2, 3];['b', 'A', 'a', 'B'];[true, false];[[1, 'x'], [2, 'y']];[1.5, 2];
        ['', 'a', none];[none];['x y', 'z'];[(1, 2), (0, 3)];[1, 1.0, true, '1'];[missing];[-1, 10, 3]""",
    "m": """d;ed;users[0];{};{'a': 1, 'b': 2};items_key;{'b': none, 'a': 'x'};{'B': 2, 'a': 1, 'C': 0};
        {1: 'x', 2: 'y'};{'class': 'a&b', 'id': none}""",
    "t": "();(1,);(1, 'a');('b', 2, none);(0, 3)",
    "u": "users;msgs",
    "x": "missing;n;none;n.x;d.zz;l[99];range(3);d.keys();d.values();d.items();namespace(a=1);namespace;range;dict;joiner();loop;m",
}
TESTS = """defined;undefined;none;boolean;true;false;integer;float;number;string;mapping;sequence;iterable;callable;escaped;lower;upper;
    odd;even""".replace("\n", "")
TESTS_MORE = """
    in({l});eq({v});ne({v});sameas({v});divisibleby({k});gt({n});==({v});<=({n});divisibleby {k};eq {k};in {l};
    sameas none;lt({s})"""
FORMATS = """
    %d;%5d;%-6d|;%05d;%+d;% d;%x;%X;%#x;%o;%#o;%e;%.2e;%E;%f;%.1f;%8.3f;%-9.2f|;%g;%.3g;%G;%#g;%c;%s;%10s;%-10s|;
    %.3s;%r;%a;%5.1r;%i;%u;%%;%5%;%+.0f;%010.3f;%+05d;%#.0f;%.0e;%ld;%*d;%.d"""
BRACES = """
    {};{0};{:d};{:5};{:<7}|;{:>7};{:^7}|;{:*^9};{:05};{:+};{: };{:,};{:_};{:x};{:#x};{:X};{:o};{:#b};{:b};{:e};
    {:.2e};{:f};{:.1f};{:8.3f};{:g};{:.3g};{:%};{:.1%};{:c};{:s};{:.3};{:10.2};{!r};{!s:>5};{!a};{:n};{:=+8};{:010,};
    {:,.2f};{:_x};{:08_b};{:z.1f};{:#g};{:#.3g};{:é>5};{:5c};{:<05};{:+,};{:{}};{:.0f};{:G};{:E};{:F};{:-};{:-d};
    {:010.3f};{:+.1e};{:.10};{:=5};{:s>3}"""


class Grammar:
    def __init__(self, seed):
        self.r = random.Random(seed)
        pick = lambda text: [part.strip() for part in text.replace("\n", "").split(";")]
        self.rules = {kind: pick(text) for kind, text in RULES.items()}
        self.atoms = {kind: pick(text) for kind, text in ATOMS.items()}
        self.tests, self.tests_more = pick(TESTS), pick(TESTS_MORE)
        self.formats, self.braces = pick(FORMATS), pick(BRACES)
        self.names = []

    def expression(self, kind, depth):
        r = self.r
        if kind == "a":
            kind = r.choice("ssiflmtubx")
        if kind == "v":
            kind = r.choice("ssifbltmx")
        if kind == "n":
            kind = r.choice("iif")
        if r.random() < .02:
            kind = r.choice("sifbltmx") # of the wrong type
        if kind == "k":
            return str(r.randint(-3, 9))
        if depth <= 0 or kind not in self.rules or r.random() < .12:
            if self.names and r.random() < .2:
                return r.choice(self.names)
            return r.choice(self.atoms[kind])
        rule = r.choice(self.rules[kind])
        text = self.fill(rule, depth - 1)
        return f"({text})" if r.random() < .9 or not text.isidentifier() else text

    def fill(self, rule, depth):
        r = self.r

        def part(match):
            name = match.group(1)
            if match.group(0) in ("{{", "}}"):
                return match.group(0)[0]
            if name == "fmt":
                return r.choice(self.formats)
            if name == "brace":
                return r.choice(self.braces)
            if name == "test0":
                return r.choice(self.tests)
            if name == "test":
                return r.choice(self.tests) if r.random() < .6 else self.fill(r.choice(self.tests_more), depth)
            return self.operand(self.expression(name, depth))
        return re.sub(r"\{\{|\}\}|\{([a-z0-9]+)\}", part, rule)

    def operand(self, text):
        return text if re.fullmatch(r"[\w.]+|'[^']*'|\(.*\)|\[.*\]|-\d+", text) or self.r.random() < .2 else f"({text})"

    # ---- statements ----

    def space(self):
        return self.r.choice(["", "", "", " ", "\n", "  \n ", "\n  ", "x", "\n\n", "\t"])

    def sign(self):
        return self.r.choice(["", "", "", "-", "-", "+"])

    def tag(self, text):
        return f"{{%{self.sign()} {text} {self.sign()}%}}"

    def show(self, kind="a", depth=2):
        return f"{{{{{self.r.choice(['', '-'])} {self.expression(kind, depth)} {self.r.choice(['', '-'])}}}}}"

    def body(self, depth):
        count = self.r.randint(1, 3)
        return "".join(self.space() + self.statement(depth - 1) + self.space() for _ in range(count))

    def loop_part(self):
        parts = """loop.index;loop.index0;loop.first;loop.last;loop.length;loop.revindex;loop.revindex0;loop.depth;loop.depth0;loop.previtem;
            loop.nextitem;loop.cycle('a', 'b');loop.changed(x);loop.previtem is defined;loop.nextitem.name;loop;loop|length;x;y;x|tojson"""
        return f"{{{{ {self.r.choice([p.strip() for p in parts.split(';')])} }}}}"

    def for_loop(self, depth):
        r = self.r
        source = r.choice(["l", "l", "l", "s", "m", "u", "t", "x"])
        target = "x"
        iterable = self.expression(source, 1)
        if r.random() < .2:
            target, iterable = "x, y", r.choice(["{}.items()", "{}|items", "{}|dictsort"]).format(self.operand(self.expression("m", 1)))
        test = f" if {self.expression('b', 2)}" if r.random() < .25 else ""
        recursive = r.random() < .1
        inner = self.loop_part() + self.body(depth)
        if recursive:
            inner += "{% if loop.depth < 3 and x is iterable and x is not string %}{{ loop(x) }}{% endif %}"
        if r.random() < .25:
            inner += self.tag(f"if {self.expression('b', 2)}") + self.tag(r.choice(["break", "continue"])) + self.tag("endif")
            inner += self.loop_part()
        other = self.tag("else") + self.body(depth) if r.random() < .25 else ""
        return self.tag(f"for {target} in {iterable}{test}{' recursive' if recursive else ''}") + inner + other + self.tag("endfor")

    def macro(self, depth):
        r = self.r
        name = r.choice(["m", "q"])
        parameters = r.choice(["x", "x, y=1", "x, y=x", "", "a='d', b=none", "x, caller=none"])
        special = r.choice(["", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ caller('c') if caller }}", "{{ m.name }}"])
        arguments = r.choice(["1", "x=2", "", "1, 2", "1, z=3", "*[1, 2]", "**{'x': 1}", "1, y=5", "'a'"])
        made = self.tag(f"macro {name}({parameters})") + self.body(depth) + special + self.tag("endmacro")
        if r.random() < .5:
            return made + f"{{{{ {name}({arguments}) }}}}"
        head = r.choice(["call", "call(z)", "call(z='k')"])
        return made + self.tag(f"{head} {name}({arguments})") + self.body(depth) + self.tag("endcall")

    def statement(self, depth):
        r = self.r
        kind = r.randint(0, 17) if depth > 0 else r.randint(0, 4)
        if kind <= 2:
            return self.show()
        if kind <= 4:
            target = r.choice(["x", "y", "s", "ns.v", "x, y", "ns.w"])
            return self.tag(f"set {target} = {self.expression('a', 2) if ',' not in target else self.expression('t', 1)}")
        if kind <= 7:
            text = self.tag(f"if {self.expression('b', 2)}") + self.body(depth)
            for _ in range(r.choice([0, 0, 1, 2])):
                text += self.tag(f"elif {self.expression('b', 2)}") + self.body(depth)
            return text + (self.tag("else") + self.body(depth) if r.random() < .5 else "") + self.tag("endif")
        if kind <= 10:
            return self.for_loop(depth)
        if kind == 11:
            filters = r.choice(["", "|upper", "|trim", "|replace('a', 'b')|length", "|list", "|indent(2)"])
            return self.tag(f"set {r.choice(['x', 'y', 'ns.v'])}{filters}") + self.body(depth) + self.tag("endset")
        if kind <= 13:
            return self.macro(depth)
        if kind == 14:
            return self.tag(f"filter {r.choice(['upper', 'trim', 'indent(2)', 'replace(s, 1)|title', 'e'])}") + self.body(depth) + \
                self.tag("endfilter")
        if kind == 15:
            return self.tag(f"with x={self.expression('a', 1)}, y={self.expression('a', 1)}") + self.body(depth) + self.tag("endwith")
        if kind == 16:
            return r.choice([self.tag("generation") + self.body(depth) + self.tag("endgeneration"),
                             self.tag("raw") + self.space() + "{{ x }}{% if %}" + self.space() + self.tag("endraw"),
                             "{#" + self.sign() + " note " + self.sign() + "#}",
                             self.tag("block " + r.choice("pqr") + str(r.randint(0, 999))) + self.body(depth) + self.tag("endblock"),
                             self.tag("autoescape false") + self.body(depth) + self.tag("endautoescape")])
        return self.tag("print " + self.expression("a", 2) + r.choice(["", ", " + self.expression("a", 1)]))

    def template(self):
        if self.r.random() < .6:
            return f"{{{{ {self.expression(self.r.choice('sssiffbllmta'), self.r.randint(1, 3))} }}}}"
        self.names = ["x", "y", "ns.v", "s", "x"]
        return "{% set ns = namespace(v=1) %}" + self.body(3)


def comparable(template, expected, got):
    """Not what no template can depend on (addresses), nor numbers beyond 64 bits and complex ones, nor slices of constants
    that have none, nor infinite constants: there the reference's constant folding hides an error, or makes one."""
    if got.get("status") in (10, 11) or re.search("cannot be sliced|slice indices", got.get("error", "")):
        return False
    return not re.search(r"0x[0-9a-f]{6}|object sync|<built-in|bound method|\d{19}|\dj\)|reversed? ?object|_iterator|<class|<function|b'",
                         f"{expected} {got.get('text')}", re.I)


def main():
    driver, count, seed = sys.argv[1], int((sys.argv + ["2000"])[2]), int((sys.argv + ["", "1"])[3])
    templates = [Grammar(seed * 1000003 + i).template() for i in range(count)]
    lines = "".join(json.dumps({"template": t, "variables": VARIABLES}) + "\n" for t in templates)
    answers = subprocess.run([driver], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    different = raised = 0
    warnings.simplefilter("ignore") # the reference compiles to Python, which has opinions on constants
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
