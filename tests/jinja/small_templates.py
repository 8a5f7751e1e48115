"""Templates of make_cases.py that are not products: one for each corner of the language that a chat template may use."""

TEMPLATES = r"""
plain text
{{ s }}
{{ missing }}|{{ none }}|{{ true }}|{{ False }}|{{ None }}
{{ 'a' 'b' "c" }}
{{ "\n\t\\\'\"\x41\u00e9\U0001F600\101\q" }}
{{ '\é' }}
{{ 1_000 }},{{ 0x1F }},{{ 0b101 }},{{ 0o17 }},{{ 1e3 }},{{ 1.5e-7 }},{{ 1_0.5 }},{{ 00 }}
{{ 9223372036854775807 }}
{{ [1,2,] }}{{ (1,) }}{{ () }}{{ {} }}{{ {'a':1,} }}
{{ 1, 2 }}
{{ -5 // 2 }},{{ -5 % 3 }},{{ 5 // -2 }},{{ 5 % -3 }},{{ -5.5 // 2 }},{{ -5.5 % 2 }},{{ 5.5 % -2 }}
{{ 2 ** 3 ** 2 }},{{ -2 ** 2 }},{{ 2 ** -1 }},{{ 4 ** 0.5 }}
{{ 1 / 3 }},{{ 10 / 2 }},{{ 2.0 * 3 }},{{ 1e16 }},{{ 1e15 }},{{ 123456789.123 }},{{ 0.1 + 0.2 }},{{ 1e-5 }},{{ 0.0001 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 0 ** -1 }}
{{ 1 < 2 < 3 }},{{ 1 < 2 > 3 }},{{ 1 == 1.0 == true }},{{ 'a' < 'b' <= 'b' }},{{ [1,2] < [1,3] }},{{ (1,) < (1, 0) }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ [1] < (1,) }}
{{ {} < {} }}
{{ not true }},{{ not 0 }},{{ not not 's' }},{{ not missing }}
{{ 1 and 0 or 'x' }},{{ '' or none or [] }},{{ 1 and 2 }}
{{ 'a' if t else 'b' }},{{ 'a' if zero else 'b' }},{{ 'a' if zero }}|{{ ('a' if zero) is defined }}
{{ 1 if 0 else 2 if 0 else 3 }}
{{ 'x' in 'xyz' }},{{ 1 in l }},{{ 'b' in d }},{{ 5 not in l }},{{ 'b' in d.keys() }},{{ 1 in d.values() }},{{ 1 in range(3) }}
{{ 1 in 'abc' }}
{{ 1 in 5 }}
{{ missing in [1] }},{{ 1 in missing }}
{{ [1] in [[1]] }},{{ (1,2) in [(1,2)] }}
{{ s[0] }},{{ s[-1] }},{{ s[1:4] }},{{ s[:5] }},{{ s[7:] }},{{ s[::2] }},{{ s[::-1] }},{{ s[-5:-2] }},{{ s[5:2] }},{{ s[10:100] }}
{{ uni[0:7] }}|{{ uni[-2:] }}|{{ uni[::-1] }}|{{ uni[::3] }}|{{ uni[8] }}
{{ s[99] }}|{{ s[99] is defined }}|{{ s['x'] }}|{{ l[99] is defined }}|{{ d['zz'] is defined }}|{{ l['a'] is defined }}
{{ l[1:] }},{{ l[::-1] }},{{ l[:-1] }},{{ (1,2,3)[1:] }},{{ range(10)[2:8:2]|list }},{{ range(10)[::-1]|list }},{{ l[0:2:1] }}
{{ s[::0] }}
{{ d[1:2] }}
{{ s['a':] }}
{{ s[none:none] }},{{ l[true] }},{{ l[1.0] is defined }}
{{ missing[0] }}
{{ missing.x }}
{{ missing.x.y is defined }}
{{ n.x is defined }},{{ n['x'] is defined }},{{ i.x is defined }}
{{ n[0] is defined }}
{{ n[0:1] }}
{{ d.b }},{{ d['a'] }},{{ d.zz }},{{ d.zz is undefined }}
{{ items_key.items is callable }},{{ items_key['items'] }},{{ items_key.x }},{{ items_key.get('x') }}
{{ d.zz.y }}
{{ users[0].city.n }},{{ users.0.name }},{{ users[0]['name'] }}
{{ missing + 1 }}
{{ missing ~ 'x' }}
{{ missing == none }},{{ missing == missing2 }},{{ missing != 1 }},{{ missing is none }}
{{ missing() }}
{{ s() }}
{{ -missing }}
{{ -s }}
{{ +i }},{{ -f }},{{ -t }},{{ +t }}
{{ 'a' ~ 1 ~ none ~ [1] ~ 2.0 ~ true }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ [1] + [2] }},{{ (1,) + (2,) }},{{ 'ab' * 3 }},{{ [0] * 3 }},{{ 3 * 'x' }},{{ 'x' * -1 }}|{{ 'x' * true }}
{{ [1] + (2,) }}
{{ 'a' * 'b' }}
{{ 'a' * 1.5 }}
{{ t + t }},{{ t * 3 }},{{ true == 1 }}
{{ big * 100 }},{{ big + 0.0 }}
{{ 9223372036854775807 == 9223372036854775807.0 }},{{ big == 9007199254740992.0 }},{{ big > 9007199254740992.0 }}
{{ tiny }},{{ huge }},{{ f }},{{ half }},{{ 100000000000000000000.0 }},{{ 1.0 }},{{ -0.0 }},{{ 12345678901234567.0 }},{{ 5e-324 }},{{ 1.7976931348623157e308 }}
{{ 3.14159265358979 }},{{ 2.675 }},{{ 1e22 }},{{ 1e21 }},{{ 123456.789e3 }},{{ 0.00012345 }},{{ 0.000012345 }}
{{ mixed }}|{{ d }}|{{ nested }}|{{ users[0] }}|{{ (1, 'a') }}|{{ {'k': none, 1: 2.0, none: true} }}
{{ [quote1, quote2, esc, uni, html] }}
{{ ['\u200b', '\xa0', '\xad', '\ue000', '\U000e0001', '\x85'] }}
{{ d.items() }}{{ d.keys() }}{{ d.values() }}{{ range(3) }}{{ range(1, 9, 2) }}
{{ missing|default('x') }},{{ n|default('x') }},{{ n|default('x', true) }},{{ ''|d('x', boolean=true) }},{{ missing|default }},{{ n.a|default(3) }}
{{ d.zz.yy|default('x') }}
{{ missing|default(missing2)|default('y') }}
{{ 'a,b,,c'.split(',') }}{{ ' a  b '.split() }}{{ ' a  b '.split(' ') }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'a b c'.split(maxsplit=1) }}{{ ''.split() }}{{ ''.split(',') }}
{{ 'abc'.split('') }}
{{ ' a b c '.split(none, 1) }}{{ ' a b c '.rsplit(none, 1) }}{{ ' a b c '.split(none, 0) }}{{ ' a b c '.rsplit(none, 0) }}
{{ 'xxabcxx'.strip('x') }},{{ 'xyabcyx'.lstrip('xy') }},{{ 'abc  '.rstrip() }}|{{ '\u3000a\u3000'.strip() }}|{{ 'ééaé'.strip('é') }}
{{ 'abc'.strip(5) }}
{{ 'hello world'.replace('o', '0', 1) }},{{ 'aaa'.replace('aa', 'b') }},{{ 'abc'.replace('', '-', 2) }},{{ ''.replace('', 'x') }}
{{ 'abc'.startswith(('x', 'a')) }},{{ 'abc'.endswith('c', 0, 2) }},{{ 'abc'.startswith('b', 1) }},{{ 'abc'.startswith('', 9) }},{{ 'abc'.startswith('') }}
{{ 'abc'.startswith(['a']) }}
{{ 'abcabc'.find('c', 3) }},{{ 'abcabc'.rfind('a') }},{{ 'abc'.find('z') }},{{ 'éaé'.find('é', 1) }},{{ 'abc'.find('', 9) }},{{ 'abc'.find('', 3) }},{{ 'abcabc'.index('b', -3) }}
{{ 'abc'.index('z') }}
{{ 'banana'.count('a') }},{{ 'banana'.count('ana') }},{{ 'abc'.count('') }},{{ 'banana'.count('a', 2) }},{{ 'banana'.count('a', -3, -1) }}
{{ 'a-b_c d'.title() }},{{ "it's ok"|title }},{{ "it's ok".title() }},{{ 'hELLO'|capitalize }},{{ 'a-b (c) [d] {e} <f>'|title }}
{{ 'ß'.upper() }},{{ 'ŉ'.upper() }},{{ 'İ'.lower() }},{{ 'ΑΣ ΑΣΑ Σ'.lower() }},{{ 'ǆ'.title() }},{{ 'ﬁx'.capitalize() }},{{ 'ß'.casefold() }},{{ 'ﬀ'|upper }}
{{ '²'.isdigit() }},{{ '²'.isdecimal() }},{{ '½'.isnumeric() }},{{ '٣'.isdecimal() }},{{ '٣'|int }},{{ 'ª'.islower() }},{{ 'ǅ'.istitle() }},{{ 'Ⅷ'.isupper() }}
{{ '{} {1}'.format(1, 2) }}
{{ '{} {}'.format(1, 2) }},{{ '{1}{0}'.format('a', 'b') }},{{ '{x}'.format(x=5) }},{{ '{0.name}'.format(users[0]) }},{{ '{0[name]}'.format(users[0]) }},{{ '{0[0]}'.format(l) }},{{ '{{}}'.format() }}
{{ '{}'.format() }}
{{ '{'.format(1) }}
{{ '}'.format(1) }}
{{ '{x}'.format(1) }}
{{ '{:>5}|{:<5}|{:^5}|{:*^7}|{:05d}|{:+d}|{: d}|{:,}|{:_}|{:x}|{:X}|{:#x}|{:o}|{:b}|{:e}|{:.2f}|{:g}|{:%}|{:.1%}'.format('a','b','c','d',42,5,5,1234567,1234567,255,255,255,8,5,12345.678,3.14159,0.0001,0.5,0.256) }}
{{ '{:10.3}|{!r}|{!s}|{:{}}|{:>{w}}'.format('abcdef', 'q', 'q', 'z', 4, 'y', w=3) }}
{{ '{:d}'.format('a') }}
{{ '{:s}'.format(5) }}
{{ '{:5}|{:5}|{:5}'.format(5, 2.5, true) }}|{{ '{}'.format(none) }}|{{ '{:,.2f}'.format(1234567.891) }}|{{ '{:010.2f}'.format(-3.14159) }}|{{ '{:=+8d}'.format(42) }}
{{ '{0.__class__}'.format(5) }}
{{ '%s %d %r %5.2f|%-5s|%05d|%x|%%|%+d|%e|%g|%c|%o|%i|%X|%#x' % ('a', 5, 'q', 3.14159, 'ab', 42, 255, 7, 12345.678, 0.0001, 'z', 8, 3.9, 255, 255) }}
{{ '%(a)s-%(b)05d' % {'a': 1, 'b': 2} }},{{ '%s' % [1, 2] }},{{ '%s' % 'x' }},{{ '%s' % none }},{{ '%d%%' % 50 }},{{ '%5s|%-5s|%.2s' % ('a', 'b', 'cde') }}
{{ '%s %s' % 'a' }}
{{ '%s' % (1, 2) }}
{{ '%d' % 'a' }}
{{ 'abc' % 1 }}
{{ 'abc' % [] }}{{ 'abc' % {} }}{{ '%s' % missing }}
{{ '%z' % 1 }}
{{ '%' % 1 }}
{{ '%(a)s' % 1 }}
{{ '%*d|%.*f' % (5, 42, 2, 3.14159) }}
{{ "%s, %s!"|format('a', 'b') }},{{ "%(x)s"|format(x=1) }},{{ 'a'|format }}
{{ "%s"|format(1, x=2) }}
{{ l|join(', ') }},{{ users|join('; ', attribute='name') }},{{ 'abc'|join('-') }},{{ d|join(',') }},{{ [none, true, 1.5]|join }},{{ users|map(attribute='age')|join('+') }},{{ l|join(0) }}
{{ 5|join }}
{{ l|sum }},{{ users|sum(attribute='age') }},{{ []|sum }},{{ [1.5, 2]|sum }},{{ l|sum(start=10) }},{{ [[1],[2]]|sum(start=[]) }}
{{ ls|sum }}
{{ ls|sort }},{{ ls|sort(case_sensitive=true) }},{{ l|sort(reverse=true) }},{{ users|sort(attribute='age')|map(attribute='name')|list }},{{ users|sort(attribute='age,name')|map(attribute='name')|list }},{{ users|sort(true, attribute='city.n')|map(attribute='name')|list }},{{ 'hello'|sort }},{{ d|sort }}
{{ mixed|sort }}
{{ d|dictsort }},{{ d|dictsort(true) }},{{ d|dictsort(by='value') }},{{ d|dictsort(reverse=true) }},{{ d|dictsort(false, 'value', true) }}
{{ d|dictsort(by='x') }}
{{ l|min }},{{ l|max }},{{ ls|min }},{{ ls|max }},{{ users|max(attribute='age') }},{{ []|min is defined }},{{ ls|max(case_sensitive=true) }}
{{ [1, 'a']|max }}
{{ ['a','A','b','B']|unique|list }},{{ ['a','A']|unique(true)|list }},{{ users|unique(attribute='age')|map(attribute='name')|list }},{{ [1,1.0,true,2]|unique|list }}
{{ [[1],[1]]|unique|list }}
{% for g in users|groupby('age') %}{{ g.grouper }}:{{ g.list|map(attribute='name')|join(',') }};{{ g[0] }}{% endfor %}
{% for k, v in users|groupby('city.n') %}{{ k }}={{ v|length }};{% endfor %}{% for k, v in users|groupby('city.n', case_sensitive=true) %}{{ k }}={{ v|length }};{% endfor %}
{% for k, v in users|groupby('on', default=false) %}{{ k }}={{ v|length }};{% endfor %}
{{ users|groupby('age')|list }}
{{ users|selectattr('on')|map(attribute='name')|list }},{{ users|rejectattr('on')|map(attribute='name')|list }},{{ users|selectattr('age', 'gt', 26)|list|length }},{{ users|selectattr('on', 'defined')|list|length }},{{ users|rejectattr('age', 'equalto', 30)|map(attribute='name')|first }}
{{ l|select('odd')|list }},{{ l|reject('odd')|list }},{{ mixed|select|list }},{{ mixed|reject|list }},{{ l|select('>', 1)|list }},{{ l|select('divisibleby', 3)|list }},{{ mixed|select('string')|list }},{{ l|select('in', [1, 2])|list }}
{{ l|select('nosuch')|list }}
{{ ls|map('upper')|list }},{{ ls|map('replace', 'a', 'x')|list }},{{ users|map(attribute='city.n')|list }},{{ users|map(attribute='zz', default='-')|list }},{{ nested|map('first')|list }},{{ nested|map(attribute=0)|list }},{{ nested|map(attribute='1')|list }},{{ ['1','x']|map('int', default=9)|list }}
{{ l|map('nosuch')|list }}
{{ l|map|list }}
{{ users|map(attribute='zz')|list }}
{{ msgs|selectattr('role', 'equalto', 'user')|list }}|{{ msgs|selectattr('role', 'ne', 'user')|map(attribute='content')|join }}|{{ (msgs|selectattr('role','equalto','tool')|list)|length }}
{% if msgs|selectattr('role', 'equalto', 'nobody') %}generator is true{% endif %}
{{ l|map('string')|length }}
{{ (l|map('string'))[0] is defined }}
{{ l|map('string')|last }}
{{ l|map('string')|tojson }}
{% set g = l|map('string') %}{{ g|list }}{{ g|list }}
{% set g = l|select %}{{ g|first }}{{ g|first }}{{ g|list }}
{{ l|first }},{{ []|first is defined }},{{ l|last }},{{ 'abc'|last }},{{ d|first }},{{ d|last }},{{ range(5)|last }}
{{ 5|first }}
{{ l|reverse|list }},{{ 'abc'|reverse }},{{ d|reverse|list }},{{ (1,2)|reverse|list }},{{ range(3)|reverse|list }},{{ l|select|reverse }}
{{ l|batch(2)|list }},{{ l|batch(2, 'x')|list }},{{ range(7)|slice(3)|list }},{{ range(7)|slice(3, 'x')|list }},{{ []|batch(2)|list }},{{ []|slice(2)|list }}
{{ l|slice(0)|list }}
{{ d|items|list }},{{ missing|items|list }},{% for k, v in d|items %}{{ k }}{{ v }}{% endfor %}
{{ l|items|list }}
{{ 5|items }}{{ l|length }},{{ uni|length }},{{ d|count }},{{ missing|length }},{{ range(5)|length }},{{ d.items()|length }}
{{ 5|length }}
{{ n|length }}
{{ '42.7'|int }},{{ 'x'|int }},{{ 'x'|int(9) }},{{ '0x1F'|int(base=16) }},{{ '101'|int(0, 2) }},{{ ' 7 '|int }},{{ '1_000'|int }},{{ '_1'|int(-1) }},{{ '1__0'|int(-1) }},{{ 3.99|int }},{{ -3.99|int }},{{ true|int }},{{ n|int }},{{ l|int }},{{ '-5'|int }},{{ '1e3'|int }},{{ 'nan'|int }},{{ ''|int }}
{{ missing|int }}
{{ missing|float }}
{{ '2.5'|float }},{{ 'x'|float }},{{ 'x'|float(1) }},{{ '1e3'|float }},{{ 'inf'|float }},{{ '-inf'|float }},{{ 'nan'|float }},{{ 7|float }},{{ n|float }},{{ ' 1.5 '|float }},{{ '1_0.5'|float }},{{ '0x10'|float }},{{ '.5'|float }},{{ '5.'|float }}
{{ 'inf'|float|int }}
{{ 2.5|round }},{{ 3.5|round }},{{ -2.5|round }},{{ 2.675|round(2) }},{{ 42.55|round(1) }},{{ 42.55|round(1, 'floor') }},{{ 42.51|round(1, 'ceil') }},{{ 5|round }},{{ 1234|round(-2) }},{{ 1250|round(-2) }},{{ 1350|round(-2) }},{{ 1234.5|round(-2) }},{{ 7|round(0, 'ceil') }},{{ 0.5|round }},{{ 1.5|round|int }},{{ true|round }},{{ -0.4|round }}
{{ 's'|round }}
{{ 1|round(1, 'x') }}
{{ -5|abs }},{{ 2.5|abs }},{{ true|abs }},{{ -0.0|abs }}
{{ 's'|abs }}
{{ 'a b  c'|wordcount }},{{ uni|wordcount }},{{ ''|wordcount }},{{ "it's"|wordcount }}
{{ lines|indent }}|{{ lines|indent(2, true) }}|{{ lines|indent(2, blank=true) }}|{{ lines|indent('> ', true, true) }}|{{ ''|indent(first=true) }}|{{ 'a\n'|indent }}|{{ 'a\r\nb\x0bc\u2028d'|indent(1) }}
{{ 5|indent }}
{{ 'foo bar baz qux'|truncate(9) }},{{ 'foo bar baz qux'|truncate(9, true) }},{{ 'foo bar baz qux'|truncate(11) }},{{ 'foo bar baz qux'|truncate(11, false, '...', 0) }},{{ 'foobarbazqux'|truncate(6, end='!', leeway=0) }}
{{ 'foo'|truncate(2) }}
{{ 'hello world foo'|wordwrap(7) }}|{{ 'abcdefghij'|wordwrap(4) }}|{{ 'abcdefghij kl'|wordwrap(4, false) }}|{{ 'a b\nc d'|wordwrap(2, wrapstring='/') }}|{{ 'aa bb cc dd'|wordwrap(5) }}
{{ html|e }},{{ html|escape|e }},{{ html|forceescape|forceescape }},{{ html|striptags }},{{ '<!-- x > y -->a&amp;b&lt;'|striptags }},{{ 'a < b'|striptags }},{{ 5|e }},{{ [html]|e }}
{{ html|safe }},{{ '<a>' + (html|safe) }},{{ (html|safe) + '<a>' }},{{ (html|safe) ~ '<a>' }},{{ [html|safe] }},{{ (html|safe) * 2 }},{{ (html|safe).replace('b', '<') }},{{ (html|safe)|replace('b', '<') }},{{ (html|safe).join(['<', '>']) }},{{ ('<%s>'|safe) % '<' }},{{ ('<{}>'|safe).format('<') }},{{ (html|safe)|upper }},{{ (html|safe)[0:3] + '<' }},{{ (html|safe)|trim + '<' }},{{ (html|safe).split('b')[0] + '<' }},{{ (html|safe) is escaped }},{{ (html|safe)|string is escaped }},{{ (html|e) + '<' }},{{ (html|safe)|lower is escaped }},{{ (html|safe)|title is escaped }}
{{ ['<', '>'|safe]|join('&') }},{{ (d|tojson|safe) + '"' }},{{ '"' + (d|tojson|safe) }},{{ (1|safe) + '<' }},{{ (html|safe)|tojson }},{{ (html|safe) == html }},{{ {html: 1}[html|safe] }}
{{ (html|safe)|indent is escaped }},{{ (html|safe)|center(40) is escaped }},{{ (html|safe)|format is escaped }},{{ (html|safe)|reverse is escaped }},{{ (html|safe)|first is escaped }}
{{ {'class': 'a', 'x': none, 'y': '<'}|xmlattr }}|{{ {'a': 1}|xmlattr(false) }}
{{ {'a b': 1}|xmlattr }}
{{ 'a b/c?d=é&x'|urlencode }},{{ {'a b': 'c/d', 'e': 1}|urlencode }},{{ [('x', 'y z')]|urlencode }},{{ 5|urlencode }}
{{ 1000|filesizeformat }},{{ 1|filesizeformat }},{{ 999|filesizeformat }},{{ 1500000|filesizeformat }},{{ 1024|filesizeformat(true) }},{{ 1048576|filesizeformat(true) }},{{ '5000'|filesizeformat }},{{ 2.5|filesizeformat }}
{{ d|attr('b') is defined }},{{ d|attr('items') is callable }},{{ s|attr('upper')() }},{{ s|attr('zz') is defined }}
{{ d|tojson }},{{ mixed|tojson }},{{ esc|tojson }},{{ uni|tojson }},{{ users|tojson }},{{ (1, 2)|tojson }},{{ 1.0|tojson }},{{ huge|tojson }},{{ none|tojson }},{{ html|tojson }}
{{ d|tojson(indent=2) }}|{{ nested|tojson(indent=4) }}|{{ []|tojson(indent=2) }}|{{ {}|tojson(indent=2) }}|{{ d|tojson(indent=0) }}|{{ d|tojson(indent='--') }}|{{ {'a': [], 'b': {}}|tojson(indent=1) }}|{{ d|tojson(indent=true) }}
{{ uni|tojson(ensure_ascii=true) }}|{{ d|tojson(separators=(',', ':')) }}|{{ d|tojson(sort_keys=true) }}|{{ d|tojson(indent=2, separators=(', ', ' = ')) }}|{{ d|tojson(true, 1) }}|{{ d|tojson(separators=[';','=']) }}
{{ {1: 2, none: 3, true: 4, 2.5: 5}|tojson }}|{{ {(1,2): 3}|length }}
{{ {(1, 2): 3}|tojson }}
{{ missing|tojson }}
{{ range(3)|tojson }}
{{ d.items()|tojson }}
{{ {1: 1, 'a': 2}|tojson(sort_keys=true) }}
{{ 'nan'|float|tojson }},{{ 'inf'|float|tojson }},{{ [ '-inf'|float ] }}
{{ d|tojson(indent=2.5) }}
{{ d|tojson(nosuch=1) }}
{{ l|join(nosuch=1) }}
{{ l|first(1) }}
{{ s|replace('l') }}
{{ s|replace('l', 'L', 1) }},{{ s|replace('o', 0) }},{{ 5|replace(5, 6) }},{{ none|replace('N', 'n') }}
{{ s|trim }},{{ 'xxaxx'|trim('x') }},{{ 5|trim }},{{ none|trim }},{{ missing|trim }}|{{ [1]|string }},{{ 5|upper }}
{{ l is sameas l }},{{ l is sameas [3,1,2] }},{{ none is sameas none }},{{ true is sameas true }},{{ 1 is sameas true }}
{{ 4 is divisibleby 2 }},{{ 4 is divisibleby(3) }},{{ 5 is not divisibleby 2 }},{{ 'x' is in 'xy' }},{{ 1 is in [1] }},{{ 1 is eq 1 }},{{ 1 is ne 1 }},{{ 2 is gt 1 }},{{ 2 is lessthan 1 }},{{ 1 is le 1 }},{{ 1 is equalto 1.0 }}
{{ 'upper' is filter }},{{ 'nosuch' is filter }},{{ 'odd' is test }},{{ 'nosuch' is test }}
{{ 's' is odd }}
{{ 3 is divisibleby 0 }}
{{ x is nosuch }}
{{ x|nosuch }}
{% if false %}{{ x|nosuch }}{{ x is nosuch }}{% endif %}ok
{% if true %}{{ x|nosuch }}{% endif %}
{{ 1 if true else x|nosuch }}
{{ x|nosuch if false else 2 }}
{% if false %}{% for a in [1] %}{{ a|nosuch }}{% endfor %}{% endif %}
{{ range is callable }},{{ s.upper is callable }},{{ d is callable }},{{ namespace is callable }}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}|{% endfor %}
{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}
{% for x in l %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{{ loop }}{% endfor %}
{% for x in l %}{{ loop.cycle() }}{% endfor %}
{% for x in l if x > 1 %}{{ x }}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% else %}none{% endfor %}
{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}{% for x in missing %}{% else %}undef{% endfor %}
{% for x in l %}{% break %}{% else %}E{% endfor %}|{% for x in l %}{% continue %}{% else %}E{% endfor %}|{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% else %}E{% endfor %}
{% for x in l %}{% if loop.index == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}{% for x in range(5) %}{% if x is odd %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }}{{ ', ' if not loop.last }}{% endfor %}
{% for a, b in nested %}{{ a + b }},{% endfor %}{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [[1]] %}{{ a }}{% endfor %}
{% for a, b in [[1, 2, 3]] %}{{ a }}{% endfor %}
{% for a, b in l %}{{ a }}{% endfor %}
{% for c in 'añb' %}[{{ c }}]{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for x in (1, 2) %}{{ x }}{% endfor %}{% for x in range(3, 0, -1) %}{{ x }}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in l recursive %}{{ x }}{% endfor %}
{% for x in [{'v': 1, 'c': [{'v': 2, 'c': []}, {'v': 3, 'c': []}]}] recursive %}{{ x.v }}@{{ loop.depth }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}
{% for x in l %}{{ loop(x) }}{% endfor %}
{% for x in l %}{% for y in l %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}
{% for x in l %}{% set outer = loop %}{% for y in [1, 2] %}{{ outer.index }}.{{ loop.index }} {% endfor %}{% endfor %}
{% for x in l if loop.index %}{{ x }}{% endfor %}
{% for loop in l %}{% endfor %}
{% for x in l %}{% set loop = 1 %}{% endfor %}
{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }},{% endfor %}{{ x }}
{% set ns = namespace(x=1, y='a') %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.zz is defined }}{{ ns['x'] }}{{ ns }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}
{% set ns.x = 1 %}
{% set d.x = 1 %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{{ namespace(_x=1) }}
{% set ns = namespace(done=false) %}{% for x in l if not ns.done %}{{ x }}{% set ns.done = true %}{% endfor %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, e) = [3, 4] %}{{ c }}{{ e }}{% set a = b, c %}{{ a }}
{% set a, b = 1 %}
{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}{% if false %}{% set q = 2 %}{% endif %}{{ q is defined }}
{% for x in [1] %}{{ s }}{% endfor %}{% set s = 'changed' %}{{ s }}
{{ s }}{% set s = 'changed' %}{{ s }}
{% if false %}{% set s = 1 %}{% endif %}{{ s }}
{% for x in [1, 2] %}{% if x == 2 %}{{ v is defined }}{% endif %}{% set v = x %}{% endfor %}{{ v is defined }}
{% for x in [1] %}{% set s = s ~ '!' %}{{ s }}{% endfor %}{{ s }}
{% set x %}a{{ s }}b{% endset %}{{ x }}|{% set y | upper | replace('A', '_') %}abc{% endset %}{{ y }}{% set z | length %}abc{% endset %}{{ z + 1 }}
{% filter upper %}abc{{ s }}{% endfilter %}{% filter replace('a', 'b') | upper %}banana{% endfilter %}{% filter trim %}  x {% endfilter %}
{% filter length %}abc{% endfilter %}
{% macro m(a, b=2, c='x' ~ a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}{{ m(1, c=none) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body {{ s }}{% endcall %}
{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=3) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}
{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}
{% macro fact(n) %}{% if n <= 1 %}1{% else %}{{ n * fact(n - 1)|int }}{% endif %}{% endmacro %}{{ fact(10) }}
{% macro m() %}{{ s }}{{ later }}{% endmacro %}{% set later = 'L' %}{{ m() }}
{% macro m(s) %}{{ s }}{% set s = 'inner' %}{{ s }}{% endmacro %}{{ m('arg') }}{{ s }}
{% macro m() %}{% set s = 'inner' %}{{ s }}{% endmacro %}{{ m() }}{{ s }}
{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}
{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m }}{{ m.name }}{{ m(m('i')) }}{{ m(1) + 'a' }}{{ m(1) is string }}
{% macro m(a, a) %}{% endmacro %}
{% macro m(a=1, b) %}{% endmacro %}
{% with a=1, b=s %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}
{% with s=s ~ '!' %}{{ s }}{% endwith %}{{ s }}
{% generation %}gen {{ s }}{% set gg = 1 %}{% endgeneration %}{{ gg is defined }}
{%- generation -%} x {%- endgeneration -%} y
{% for x in l %}{% generation %}{{ x }}{{ loop.index }}{% endgeneration %}{% endfor %}
{% generation %}{% break %}{% endgeneration %}
{% break %}
{% block b %}in {{ s }}{% endblock %}{% block c scoped %}{{ i }}{% endblock c %}
{% autoescape false %}{{ html }}{% endautoescape %}
{% if i > 5 %}big{% elif i > 3 %}mid{% else %}small{% endif %}{% if none %}a{% elif l %}b{% endif %}
{% if a b %}{% endif %}
{% print 1, s %}
{% include 'x' %}
{% if false %}{% include 'x' %}{% endif %}ok
{% extends 'x' %}
{% import 'x' as y %}
{% nosuch %}
{% endif %}
{% if true %}
{% for x in l %}{% endif %}
{{ }}
{{ 1 + }}
{{ (1 }}
{{ 1) }}
{{ [1 }}
{{ 'abc }}
{{ a.b.c( }}
{{ f(a=1, 2) }}
{{ f(**d, **d) }}
{{ $ }}
{{ a ! b }}
{# comment
{# comment #}x{#- y -#} z
a {#- c #} b
{% raw %}{{ x }}{% endraw %}|{%- raw -%} {{ y }} {%- endraw -%}|
{% raw %}{{ x }}
{{ dict(a=1, **d) }}{{ dict([('x', 1)]) }}{{ dict(d)['a'] }}
{{ dict(5) }}
{{ range(5)|list }}{{ range(2, 5)|list }}{{ range(0)|list }}{{ range(10, 0, -3)|list }}
{{ range(100001)|length }}
{{ range(100000)|length }}
{{ range(1, 2, 0) }}
{{ range('a') }}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% do %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}
{% set j = joiner('; ') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}{% set k = joiner() %}{{ k() }}|{{ k() }}
{{ raise_exception('boom') }}
{% if false %}{{ raise_exception('boom') }}{% endif %}fine
{{ strftime_now('%Y-%m-%d %H:%M:%S.%f %j %A %B %d %b %y %p %I %% %z|%Z|%e|%-d') }}
{{ ''.__class__ }}|{{ ''.__class__ is defined }}
{{ ''.__class__.__mro__ }}
{{ ''['__class__'] }}
{{ l.append(4) }}
{{ l.append }}|{{ l.append is defined }}|{{ d.update is defined }}
{{ d.pop('a') }}
{{ d.update({'x': 1}) }}
{{ d.get('a') }},{{ d.get('zz') }},{{ d.get('zz', 5) }},{{ d.keys()|list }},{{ d.values()|list }},{{ d.items()|list }},{{ d.copy() }},{{ d.get(1) }}
{{ d.get() }}
{{ d.get([]) }}
{{ {[]: 1} }}
{{ d[[]] is defined }}
{{ [] in d }}
{{ l.count(1) }},{{ l.index(2) }},{{ (1,1).count(1) }},{{ l.copy() }},{{ range(5).count(2) }},{{ range(5).index(3) }}
{{ l.index(9) }}
{{ s.nosuch() }}
{{ s.upper(1) }}
{{ s.split(sep=',') }},{{ s.split(sep=',', maxsplit=0) }}
{{ s.replace(old='l', new='x') }}
{{ ','.join(ls) }},{{ ','.join('abc') }},{{ ','.join(d) }},{{ ','.join(ls|map('upper')) }}
{{ ','.join(l) }}
{{ {'a': 1}.a }},{{ {'a': {'b': 2}}.a.b }},{{ [[1]][0][0] }},{{ 'abc'.upper().lower().title() }},{{ ('a','b')[0] }},{{ (1)|string ~ 'x' }}
{{ 1 == 1 and 2 != 3 or false }},{{ not 1 == 2 }},{{ not (1 in [1]) }},{{ 1 not in [1] }},{{ -1|abs }},{{ (-1)|abs }},{{ 1 + 2|float }},{{ 2 * 3 ~ 4 }},{{ 'a' ~ 1 + 2 }}
{{ s|upper|lower|title is string }},{{ 5 is number and 'x' is string }},{{ 5 is integer or 1/0 }},{{ x is defined and x.y }},{{ l is iterable and l is not string }}
{{ s is string is string }}
{{ {'a': 1} == {'a': 1.0} }},{{ [1, 2] == [1, 2] }},{{ (1,) == [1] }},{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }},{{ range(3) == range(3) }},{{ 'a' == 'a'|safe }},{{ none == false }}
{{ {1: 'a', 1.0: 'b', true: 'c'} }},{{ {'a': 1, 'a': 2} }}
{{ [1, 2, 3][1] }},{{ [1, 2, 3][-1] }},{{ {'a': 5}['a'] }},{{ 'abc'[1] }}
{{ users|map(attribute='name')|map('lower')|sort|join(' ') }}|{{ users|selectattr('city.n', 'equalto', 'Rome')|list|tojson }}
{%- set ns = namespace(found=false) -%}{%- for m in msgs -%}{%- if m.role == 'user' -%}{%- set ns.found = true -%}{%- endif -%}{%- endfor -%}{{ ns.found }}
{{ msgs[::-1]|map(attribute='role')|list }},{{ msgs[1:]|length }},{{ msgs[-1].content }},{{ msgs|length - 1 }},{{ (msgs|last)['role'] }}
{{ loop is defined }},{{ caller is defined }},{{ varargs is defined }}
{{ cycler is defined }},{{ joiner is defined }},{{ namespace is defined }},{{ raise_exception is defined }},{{ strftime_now is defined }}
{{ 'a'.join }}{{ 1 }}
{{ "%s" % ('a'|safe) }},{{ 'x' ~ ('<'|e) }},{{ ('<'|e) ~ '<' }}
{{ [1, [2, [3, {'a': (4, 5)}]]] }}
{{ (1, 2)|list }},{{ (1, 2)|join }},{{ ((1, 2), (3, 4))|map('last')|list }},{{ 'abc'|list }},{{ d|list }},{{ ''|list }}
{{ (((((((((1))))))))) }},{{ [[[[[]]]]] }}
{{ a.b if a is defined else 'no a' }},{{ d.b if d.b is defined and d.b is not none else 'x' }},{{ (d.zz or 'x') ~ 'y' }}
{{ 'a' if 1 else 'b' ~ 'c' }},{{ ('a' if 1 else 'b') ~ 'c' }},{{ 1 if true if false else 2 }}
{{- s -}} x {{- s }} {{ s -}} y
{{+ i }}|{{ i }}
{{ 1}}{{2 }}{{3}}
{{ "}}" }}{{ '%}' }}{{ {'a': {'b': 1}} }}{% set x = {'a': '}}'} %}{{ x.a }}
{{ s|default('a')|upper|replace('H', 'J')|length * 2 + 1 }}
{{ f|int + i }},{{ i / 2 }},{{ i // 2 }},{{ f * 2 }},{{ f // 1 }},{{ f % 1 }},{{ 7.0 // 2 }},{{ -7 // 2.0 }},{{ 1e308 * 10 }},{{ 2 ** 62 }}
{{ 1e308 ** 2 }}
{{ 10 ** 18 }},{{ 10.0 ** 20 }},{{ 2 ** 0.5 }},{{ (-8) ** 3 }}
{{ 'a\
b' }}
""".strip("\n").split("\n")

# One of them continues over a line end.
TEMPLATES[-2:] = ["\n".join(TEMPLATES[-2:])]

# White space: trim_blocks, lstrip_blocks and the signs.
TEMPLATES += [
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n  {% if true %}  \n  b\n  {% endif %}\nc",
    "a\n  {%- if true -%}  \n  b\n  {%- endif -%}\nc",
    "a\n  {%+ if true +%}  \n  b\n  {%+ endif +%}\nc",
    "a {% if true %} b {% endif %} c",
    "  {% if true %}x{% endif %}  \n  {% if true %}y{% endif %}",
    "  {{ s }}\n  {{ s }}\n",
    "{{ s }}\n\n",
    "\n\n{{ s }}",
    "a\n  {# c #}\nb\n  {#- c -#}\nb\n  {#+ c +#}\nb",
    "a {# c #}\nb",
    "a\n\t {% set x = 1 %}\n\t {{ x }}\n",
    "{% for x in l %}\n{{ x }}\n{% endfor %}\n",
    "{% for x in l -%}\n  {{ x }}\n{%- endfor %}\nend",
    "{%- for x in l %}\n  {{ x }}\n  {%- endfor %}\n",
    "a\r\nb\rc\n{% if true %}\r\nd{% endif %}\r\n",
    "{{ 'a\r\nb' }}",
    "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb",
    "a\n  {%- raw -%}\n  {{ x }}\n  {%- endraw -%}\nb",
    "a\u3000\u00a0{%- if true %}b{% endif -%}\u2003 c",
    "a\u3000{% if true %}b{% endif %}",
    "\u3000{% if true %}b{% endif %}",
    "{%- if true %}\n\n\nx{% endif -%}\n\n\ny",
    "{% if true -%}\n a\n{%- else -%}\n b\n{%- endif %}",
    "x{%if true%}y{%endif%}z",
    "{%- set a = 1 -%}\n\n{%- set b = 2 -%}\n\n{{- a + b -}}\n\n",
    "{% macro m() %}\n  x\n{% endmacro %}\n[{{ m() }}]",
    "{% set x %}\n  y\n{% endset %}\n[{{ x }}]",
    "{{ s\n}}\n{%\nif true\n%}y{% endif %}",
    "{{-s-}}", "{{ -1 }}", "{{- -1 }}", "{{--1 }}", "{{ 1 --1 }}", "{%- -%}", "{ { } }", "{{{ 'a': 1 }}}", "{", "{{", "{%", "{#", "}}", "%}",
    "{% if true %}{% else %}{% else %}{% endif %}",
    "{% for x in l %}{{ x }}{% else %}{% elif %}{% endfor %}",
    "<|im_start|>{{ msgs[0].role }}\n{{ msgs[0].content }}<|im_end|>\n",
    "{{ '<|' ~ msgs[0].role ~ '|>' }}",
    "{%- for m in msgs %}\n    {%- if m.role == 'user' %}\n        {{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}\n"
    "    {%- elif m.role == 'system' %}\n        {{- m.content }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\nX\n{%- endif %}",
    "", " ", "\n", "\n\n", "a\n", "a\n\n",
    "\ufeffx", "{{ s }}\x00{{ s }}",
]

TEMPLATES += ["{{ %s|wordwrap(%s) }}" % (text, arguments) for arguments in ("5", "7", "10", "4, false", "6, break_on_hyphens=false", "1")
              for text in ("'well-known mother-in-law x-1 a--b -c d- e-f'", "s", "space", "lines", "'a  b   c'", "'ab\tcd ef'", "'état-major'",
                           "'aaaaaaaaaaaa-bbbbbbbbbbbbbbb-c'", "'   lead'", "'trail   '", "''", "'x' * 12 ~ ' ' * 9 ~ 'y'")]
TEMPLATES += ["{{ l|truncate(5) }},{{ 'x'|truncate(3) }}", "{{ range(300)|list|truncate }}", "{{ range(9)[-2:-3] }}{{ range(9)[7:2:-2] }}{{ range(9)[2:8:3] }}",
              "{% set g = 5|items %}ok", "{% set g = 5|map('upper') %}ok", "{% set g = l|map %}ok", "{% set g = 5|batch(2) %}{% set h = 5|slice(2) %}ok",
              "{{ 5|items|list }}", "{{ 5|map('upper')|list }}", "{{ 5|batch(2)|list }}", "{{ 5|slice(2)|list }}", "{{ l|slice(-1)|list }}",
              "{{ 0|map|list }}", "{{ none|select|list }}", "{{ 0|selectattr|list }}", "{{ l|selectattr|list }}", "{{ 5|unique|list }}"]

# One of each class of difference that compare_random.py found.
TEMPLATES += r"""
{{ dict.fromkeys([1, 'a'], 2) }}{{ dict.fromkeys('ab') }}
{{ dict.fromkeys }}
{{ 5.bit_length() }},{{ (-256).bit_length() }},{{ true.real }},{{ i.numerator }},{{ i.denominator }},{{ 2.5.imag }},{{ i|attr('real') }},{{ 255.bit_count() }}
{{ 2.0.is_integer() }},{{ f.is_integer() }},{{ 0.75.as_integer_ratio() }},{{ 3.as_integer_ratio() }},{{ f.conjugate() }}
{{ 'abc'.translate({97: 'X', 98: none}) }},{{ 'abc'.translate('x'.maketrans('ab', 'cd', 'e')) }},{{ 'x'.maketrans({'a': 'b', 99: 5}) }}
{{ 'abc'.translate({97: 1.5}) }}
{{ range(5)|batch(0)|list }},{{ []|batch(0)|list }},{{ range(5)|batch(-1)|list }},{{ range(5)|batch(2, 'x')|list }}
{{ dict(missing) }}
{{ namespace(missing) }}
{{ '%(a)s|' % {'a': missing} }}
{{ 'a'|wordwrap(5, true, 3) }}
{{ ''|wordwrap(0) }}|
{{ 'a'|wordwrap(0) }}
{{ 'one-two three-four x-y-zed a--b e-1 --long'|wordwrap(6) }}
{{ 'one-two three-four x-y-zed'|wordwrap(7, break_on_hyphens=false) }}
{{ 'abcdefgh-ijklmnop q'|wordwrap(5, wrapstring='|') }},{{ 'abcdefgh-ijklmnop q'|wordwrap(5, false, '|') }}
{{ 'a b\n\nc d'|wordwrap(1, wrapstring='|') }}
{{ [3, 1]|sort(missing) }}
{{ [3, 1]|sort('x') }}
{{ 'a\nb'.splitlines(missing) }}
{{ 'a\nb'.splitlines(1) }}
{{ '{:<05}|{:05}|{:x<05}|{:^05}|{:=5}'.format('o', 'o', 'o', 'o', 3) }}
{{ '{:z.1f}|{:z.0f}|{:+z.1f}'.format(-0.01, -0.4, -0.0) }}
{{ '{:zd}'.format(3) }}
{{ '{:5c}|{:<5c}|{:c}'.format(65, true, 233) }}
{{ '{:+c}'.format(65) }}
{{ '{:,c}'.format(65) }}
{{ '{:,x}'.format(65) }}
{{ '{:_x}|{:_b}|{:,.2f}|{:_.1e}'.format(1048576, 1000, 1234567.891, 12345.0) }}
{{ '%5c|%-5c|%05c' % (65, 'é', true) }}
{{ '%c' % 1.5 }}
{{ '1'|int(base=(1,)) }},{{ 'ff'|int(base='x') }},{{ 7|int(base='x') }}
{{ 2 ** -44 }},{{ 2.0 ** 77 }},{{ 2.0 ** -1022 }},{{ 2.0 ** 1023 }},{{ 9007199254740993.0 }},{{ 5e-324 }},{{ 2.2250738585072014e-308 }}
{{ users|pprint }}
{{ ['a' * 50, 'b' * 50]|pprint }}|{{ {'b': 'x' * 80, 'a': 1, none: 2, 3: (1,)}|pprint }}|{{ (('word ' * 30), 1)|pprint }}|{{ ('word ' * 30)|pprint }}
{{ ('line one is here\n' * 6)|pprint }}|{{ ''|pprint }}|{{ missing|pprint }}|{{ [1, [2, ['x' * 70]]]|pprint }}|{{ ('y' * 90,)|pprint }}
{{ 'see http://example.com/a?b=c, (www.example.org) or me@example.com.'|urlize }}
{{ 'x.com http://1.2.3.4:80/ http://[::1]/ https://a <b> mailto:a@b.cd tel:123 http://foo.bar_baz'|urlize(12, true, '_blank', 'me', ['tel:']) }}
{{ 'tel:1'|urlize(extra_schemes=['x']) }}
{{ lipsum is defined }},{{ lipsum is callable }}
{{ 'abc'|last }},{{ 'é'|last }},{{ range(4)|last }},{{ ''|last }}|{{ d|last }}
{% set ns = namespace(x='é' ~ s * 20, y='') %}{% for i in range(5) %}{% set ns.y = ns.x %}{% set ns.x = ns.x ~ i %}{% endfor %}{{ ns.x }}|{{ ns.y }}|{{ ns.x[3:9] }}
{% set a = s * 20 %}{% set b = a ~ 'one' %}{% set c = a ~ 'two' %}{% set e = b ~ 'x' %}{% set g = b ~ 'y' %}{{ a|length }}{{ b[-5:] }}{{ c[-5:] }}{{ e[-5:] }}{{ g[-5:] }}
{% set a = [1, 2] %}{% set b = a + [3] %}{% set c = b + [4] %}{% set e = b + [5] %}{{ a }}{{ b }}{{ c }}{{ e }}{{ (c + [6])[2:] }}{{ c[1:3] + [7] }}{{ c }}
{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}
{{ {(1, [2]): 1} }}
{{ {(1, (2, 3)): 1}[(1, (2, 3))] }}
{{ 'name'|truncate(5, false, missing, 6) }}
{{ d.values() == d.values() }},{{ d.keys() == d.keys() }},{{ d.items() == d.items() }}
{{ 'a'|tojson(indent=range) }}
{{ 1|tojson(indent=range) }}
""".strip("\n").split("\n")

# Blocks, and `self`.
TEMPLATES += r"""
{% block a %}x{% endblock %}
{% block a %}{{ s }}{% endblock a %}
{% block a %}x{% endblock b %}
{% set s = 1 %}{% block a %}{{ s }}{% endblock %}
{% block a %}{{ s }}{% endblock %}{% set s = 1 %}
{% for i in l %}{% block a %}[{{ i }}]{% endblock %}{% endfor %}
{% for i in l %}{% block a scoped %}[{{ i }}]{% endblock %}{% endfor %}
{% for i in l %}{% set i = 5 %}{% block a %}[{{ i }}{{ loop }}]{% endblock %}{% endfor %}
{% block a %}1{% endblock %}{{ self.a() }}{{ self.a() }}
{{ self.a() }}{% block a %}1{% endblock %}
{{ self }}|{{ self.b }}|{{ self.b is defined }}|{{ self.DEFAULT }}
{{ self.b() }}
{% block a %}{% block b %}x{{ s }}{% endblock %}{% endblock %}{{ self.b() }}
{% block a %}{% endblock %}{% block a %}{% endblock %}
{% block a %}{{ super() }}{% endblock %}
{% block a required %}{% endblock %}
{% block a required %}x{% endblock %}
{% if t %}{% set q = 3 %}{% endif %}{% block a %}{{ q }}{% endblock %}
{% if zero %}{% set i = 3 %}{% endif %}{% block a %}{{ i }}{% endblock %}
{% with q=1 %}{% block a %}{{ q }}{% endblock %}{% endwith %}
{% set q = 1 %}{% block a %}{% set q = 2 %}{{ q }}{% endblock %}{{ q }}
{% macro m(x) %}[{{ x }}{{ s }}]{% endmacro %}{% block a %}{{ m(3) }}{% endblock %}
{% block a %}{% macro m() %}k{% endmacro %}{{ m() }}{% endblock %}{{ m is defined }}
{% set ns = namespace(x=1) %}{% block a %}{% set ns.x = 2 %}{% endblock %}{{ ns.x }}
{% block a %}{% for i in l %}{{ i }}{{ s }}{{ loop.index }}{% endfor %}{% endblock %}
{% set x = self.a() %}{% block a %}b{% endblock %}{{ x|upper }}
{% set self = 3 %}{{ self }}
{% macro m() %}{{ self.a() }}{% endmacro %}{% block a %}z{% endblock %}{{ m() }}
{% for x in [1] %}{% for i in l %}{% block a %}{{ x }}{{ i }}{% endblock %}{% endfor %}{% endfor %}
{% set x = 1 %}{% set y %}{% block a %}{{ x }}{% endblock %}{% endset %}{{ y|upper }}
{{ self.a is callable }}{% block a %}{% endblock %}{{ self is callable }}
{% block 1 %}{% endblock %}
{% block a-b %}{% endblock %}
{% block a %}{{ caller }}{{ varargs }}{% endblock %}
{% block a %}{% break %}{% endblock %}
{% for i in l %}{% block a %}{% break %}{% endblock %}{% endfor %}
{% for i in l %}{% if loop.first %}{% block a %}x{% endblock %}{% endif %}{% endfor %}
{% set _q = 1 %}{% block a %}{{ _q }}{% endblock %}
{% set a, b = 1, 2 %}{% block z %}{{ a }}{{ b }}{% endblock %}
{% filter upper %}{% block a %}x{{ s }}{% endblock %}{% endfilter %}
{% generation %}{% block a %}x{% endblock %}{% endgeneration %}
{% set q %}w{% endset %}{% block a %}{{ q }}{% endblock %}
{% block a %}{{ self.b() }}{% endblock %}{% block b %}B{% endblock %}
{{ self.a(1) }}{% block a %}{% endblock %}
{% for i in l %}{% block a %}{% set i = 7 %}{{ i }}{% endblock %}{{ i }}{% endfor %}
{% block a %}{% with x=1 %}{% block b %}{{ x }}{% endblock %}{% endwith %}{% endblock %}
{% if zero %}{% block a %}x{% endblock %}{% endif %}{{ self.a() }}
{{ self['a']() }}{% block a %}A{% endblock %}
{% block a %}{{ zz|default('d') }}{% endblock %}
{{ '{:010,}'.format(3) }},{{ '{:04,}'.format(3) }},{{ '{:012_}'.format(-33) }},{{ '{:010,.2f}'.format(3.5) }},{{ '{:#012_x}'.format(255) }}
{{ '{:010,}'.format(1e30) }},{{ '{:0=10,}'.format(5) }},{{ '{:0>10,}'.format(5) }},{{ '{:<010,}'.format(5) }},{{ '{:010,}'.format((num ~ 'e400')|float) }}
{{ '%a' % uni }},{{ '{!a:>40}'.format(uni) }},{{ '%a' % [esc] }}
{{ esc|tojson(ensure_ascii=true) }}
{{ 'İıẞßΣς'.casefold() }}
{% macro m(a, b=1) %}{{ caller() }}{{ kwargs }}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{{ m.zz }}
{% macro m(caller=none) %}{{ caller }}{{ varargs }}{% endmacro %}{{ m.caller }}{{ m.catch_varargs }}{{ m.arguments }}
{% macro m() %}{{ caller.name }}{{ caller.arguments }}{{ caller.catch_kwargs }}{% endmacro %}{% call(x) m() %}{{ kwargs }}{% endcall %}
{% macro true() %}{% endmacro %}
{% macro m(a, None=1) %}{% endmacro %}
{% call(none) m() %}{% endcall %}
{% macro TRUE(NONE) %}{{ NONE }}{% endmacro %}{{ TRUE(1) }}
""".strip("\n").split("\n")
