#!/usr/bin/env python3
"""Writes server/jinja/unicode_tables.inc: what Python's str methods know about characters.

The reference for templates is Python's str, so the tables are read out of Python itself (3.11, Unicode 14: the version that
transformers is tested with here). Run: make_unicode.py > server/jinja/unicode_tables.inc
"""
import sys
import unicodedata

POINTS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(test):
    out, start, previous = [], None, None
    for c in range(0x110000):
        if (not 0xD800 <= c < 0xE000) and test(chr(c)):
            if start is None:
                start = c
            previous = c
        elif start is not None:
            out += [start, previous + 1]
            start = None
    return out + ([start, previous + 1] if start is not None else [])


def wrap(numbers):
    lines, line = [], "   "
    for n in numbers:
        item = f" {n},"
        if len(line) + len(item) > 118:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join(lines + [line])


def property_table(name, test):
    """Ascending borders: a character has the property where an odd number of borders is not after it."""
    print(f"static const uint32_t {name}_borders[] = {{\n{wrap(ranges(test))}\n}};")


def mapping_table(name, convert):
    """Runs (first, last, step, delta) of characters that become one other, and a list of those that become several."""
    runs, several = [], []
    for c in POINTS:
        to = convert(c)
        if len(to) > 1:
            several.append((ord(c), [ord(x) for x in to]))
        elif to != c:
            delta = ord(to) - ord(c)
            if runs and runs[-1][3] == delta and ord(c) - runs[-1][1] in (1, 2) and \
                    (runs[-1][2] == 0 or runs[-1][2] == ord(c) - runs[-1][1]):
                runs[-1][2] = ord(c) - runs[-1][1]
                runs[-1][1] = ord(c)
            else:
                runs.append([ord(c), ord(c), 0, delta])
    def pack(items):
        lines, line = [], "   "
        for text in items:
            if len(line) + len(text) > 118:
                lines.append(line)
                line = "   "
            line += " " + text
        return "\n".join(lines + [line])
    print(f"static const struct case_run {name}_runs[] = {{")
    print(pack("{%d, %d, %d, %d}," % (a, b, s or 1, d) for a, b, s, d in runs) + "\n};")
    print(f"static const struct case_several {name}_several[] = {{")
    print(pack("{%d, {%s}}," % (c, ", ".join(f"{x}" for x in to)) for c, to in several) + "\n};")


print(f"/* Made by tests/jinja/make_unicode.py from Python {sys.version.split()[0]}, "
      f"Unicode {unicodedata.unidata_version}; do not edit. */")
property_table("alpha", str.isalpha)
property_table("upper", str.isupper)
property_table("lower", str.islower)
property_table("title", lambda c: unicodedata.category(c) == "Lt")
property_table("decimal", str.isdecimal)
property_table("digit", str.isdigit)
property_table("numeric", str.isnumeric)
property_table("space", str.isspace)
property_table("printable", str.isprintable)
# Case_Ignorable shows itself in the final sigma: it is skipped when looking for a letter before it.
property_table("ignorable", lambda c: ("A" + c + "\u03a3").lower()[-1] == "\u03c2" != (c + "\u03a3").lower()[-1])
property_table("untitled", lambda c: c.title() == c != c.upper())
mapping_table("to_upper", str.upper)
mapping_table("to_lower", str.lower)
mapping_table("to_title", lambda c: c if c.title() == c.upper() else c.title())  # where it is not to_upper
