"""Makes unicode_tables.h, unicode_scripts.h and unicode_newer.h: the sets of the references, as they answer for every code
point.

  make_unicode.py ../../engine/tokenizer

Hugging Face's `tokenizers` holds several versions of Unicode at once (Rust's, Oniguruma's, those of two crates), all other
than those of Debian's PCRE2 and utf8proc. Takes some minutes. Needs the package `tokenizers`, and Python 3.11, whose
unicodedata has Unicode 14 like Debian's PCRE2.
"""

import ctypes
import os
import sys
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

CODEPOINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CATEGORIES = "L N P S M Lu Ll Lm Lo Mn Mc Nd No Pd Po Sm So Cf".split()
SCRIPTS = "Han Hiragana Katakana Latin Cyrillic Arabic Lao Myanmar Devanagari Kannada Common".split()


def ranges(numbers):
    found = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def cut_by(splitter, beside="a"):
    """Code points that the pre-tokenizer cuts off their neighbours."""
    return {c for c in CODEPOINTS if len(splitter.pre_tokenize_str(beside + chr(c) + beside)) != 1}


def dropped_by(normalizer):
    return {c for c in CODEPOINTS if normalizer.normalize_str("a" + chr(c) + "a") == "aa"}


def character_sets():
    clean = dict(handle_chinese_chars=False, lowercase=False)
    return [
        ("number", cut_by(pre_tokenizers.Digits(individual_digits=True))),
        ("punctuation", cut_by(pre_tokenizers.Punctuation("isolated"))),
        (
            "word",
            {c for c in CODEPOINTS if len(pre_tokenizers.Whitespace().pre_tokenize_str("a" + chr(c) + "a")) == 1},
        ),
        (
            "control",
            dropped_by(normalizers.BertNormalizer(clean_text=True, strip_accents=False, **clean)) - {0, 0xFFFD},
        ),
        ("mark", dropped_by(normalizers.StripAccents())),
        ("accent", dropped_by(normalizers.BertNormalizer(clean_text=False, strip_accents=True, **clean))),
    ]


def matched_by(expression):
    return cut_by(pre_tokenizers.Split(Regex(expression), "isolated"), "\u0001")


class Pcre2:
    """What Debian's PCRE2 puts into a set."""

    def __init__(self):
        self.library = library = ctypes.CDLL("libpcre2-8.so.0")
        library.pcre2_compile_8.restype = library.pcre2_match_data_create_8.restype = ctypes.c_void_p
        library.pcre2_compile_8.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32] + [ctypes.c_void_p] * 3
        library.pcre2_match_data_create_8.argtypes = [ctypes.c_uint32, ctypes.c_void_p]
        library.pcre2_match_8.argtypes = [ctypes.c_void_p, ctypes.c_char_p] + [ctypes.c_size_t] * 2
        library.pcre2_match_8.argtypes += [ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p]
        library.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(ctypes.c_size_t)
        library.pcre2_get_ovector_pointer_8.argtypes = [ctypes.c_void_p]
        self.text = "".join(map(chr, CODEPOINTS)).encode()
        self.data = library.pcre2_match_data_create_8(4, None)

    def members(self, name):
        code, at, found = ctypes.c_int(), ctypes.c_size_t(), set()
        expression = ("[%s]+" % name).encode()
        compiled = self.library.pcre2_compile_8(
            expression, len(expression), 0x000A0000, ctypes.byref(code), ctypes.byref(at), None  # UTF, UCP
        )
        start = 0
        while self.library.pcre2_match_8(compiled, self.text, len(self.text), start, 0x40000000, self.data, None) > 0:
            bounds = self.library.pcre2_get_ovector_pointer_8(self.data)
            found.update(map(ord, self.text[bounds[0] : bounds[1]].decode()))
            start = bounds[1]
        return found


def matched_by(expression):
    """Code points that Oniguruma puts into a set."""
    splitter, found = pre_tokenizers.Split(Regex(expression + "+"), "removed", invert=True), set()
    for i in range(0, len(CODEPOINTS), 20000):
        for piece, _ in splitter.pre_tokenize_str("".join(map(chr, CODEPOINTS[i : i + 20000]))):
            found.update(map(ord, piece))
    return found


def newer_in_expressions():
    """What Oniguruma puts into a set and PCRE2 does not yet."""
    pcre2 = Pcre2()
    rows = [(name, "\\p{%s}" % name, "\\p{%s}" % name) for name in CATEGORIES]
    rows += [
        ("Alpha", "\\p{Alpha}", "\\p{Alphabetic}"),
        ("Upper", "\\p{Upper}", "\\p{Uppercase}"),
        ("Lower", "\\p{Lower}", "\\p{Lowercase}"),
        ("Word", "[\\w]", "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"),
        ("Ideographic", "\\p{Ideographic}", "\\p{Ideographic}"),
        ("Emoji", "\\p{Emoji}", "\\p{Emoji}"),
    ]
    rows += [(name, "\\p{%s}" % name, "\\p{sc:%s}" % name) for name in SCRIPTS]
    return [(name, matched_by(expression) - pcre2.members(base)) for name, expression, base in rows]


def utf8proc_rows():
    """(lower, compatibility decompositions) where utf8proc differs."""
    library = ctypes.CDLL("libutf8proc.so.2")
    library.utf8proc_NFKD.restype = ctypes.c_char_p
    library.utf8proc_NFKD.argtypes = [ctypes.c_char_p]
    lowercase, decompose, compose = normalizers.Lowercase(), normalizers.NFKD(), normalizers.NFKC()
    lower, compatible = [], []
    for c in CODEPOINTS[1:]:
        want = lowercase.normalize_str(chr(c))
        if want != chr(library.utf8proc_tolower(c)) and len(want) == 1:
            lower.append((c, ord(want)))
        want = decompose.normalize_str(chr(c))
        if want.encode() != library.utf8proc_NFKD(chr(c).encode()) and want == compose.normalize_str(chr(c)):
            compatible.append((c, want))
    return lower, compatible


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]


def newer_marks():
    """What utf8proc reorders or composes and the reference, being older, leaves where it is."""
    library = ctypes.CDLL("libutf8proc.so.2")
    library.utf8proc_get_property.restype = ctypes.POINTER(Property)
    decompose, compose = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str
    highest, lowest = "\u0345", "\u0334"  # of classes 240 and 1
    found = set()
    for c in CODEPOINTS:
        text = chr(c)
        moves = decompose(highest + text) != highest + text or decompose(text + lowest) != text + lowest
        if library.utf8proc_get_property(c).contents.combining_class != 0 and not moves:
            found.add(c)
        parts = unicodedata.normalize("NFD", text)
        if len(parts) > 1 and unicodedata.normalize("NFC", parts) == text and compose(parts) != text:
            found.add(ord(parts[-1]))
    return found


def script_starts():
    """(first code point, number of its script) where the script changes; 0 has none."""
    cut = pre_tokenizers.UnicodeScripts().pre_tokenize_str
    known, starts = [], []  # known: (number, a character of it), the latest first
    for c in range(0x110000):
        number, text = 0, chr(c)
        if not 0xD800 <= c <= 0xDFFF and cut(text):
            at = next((i for i, (_, other) in enumerate(known) if len(cut(other + text)) == 1), None)
            known.insert(0, (len(known) + 1, text) if at is None else known.pop(at))
            number = known[0][0]
        if not starts or starts[-1][1] != number:
            starts.append((c, number))
    return starts


def write_scripts(path):
    with open(path, "w", encoding="ascii") as file:
        print("/* Scripts as the reference has them. Made by tests/tokenizer/make_unicode.py; do not edit. */", file=file)
        print("#ifndef QUIRE_UNICODE_SCRIPTS_H\n#define QUIRE_UNICODE_SCRIPTS_H\n\n#include <stdint.h>\n", file=file)
        print("/* Where the script changes: the first character and, in the low byte, the script. */", file=file)
        print("static const uint32_t script_starts[] = {", file=file)
        print(wrap("0x%X," % (c << 8 | number) for c, number in script_starts()), file=file)
        print("};\n\n#endif", file=file)


def wrap(items, width=118):
    lines, line = [], "   "
    for item in items:
        if len(line) + 1 + len(item) > width:
            lines.append(line)
            line = "   "
        line += " " + item
    return "\n".join(lines + [line])


def write_tables(path):
    sets = character_sets() + [("newer_mark", newer_marks())]
    lower, compatible = utf8proc_rows()
    with open(path, "w", encoding="ascii") as file:
        print(
            "/* Character sets as the references have them. Made by tests/tokenizer/make_unicode.py; do not edit. */",
            file=file,
        )
        print("#ifndef QUIRE_UNICODE_TABLES_H\n#define QUIRE_UNICODE_TABLES_H\n\n#include <stdint.h>\n", file=file)
        print("struct char_range {\n    uint32_t first, last;\n};\n", file=file)
        for name, members in sets:
            rows = wrap("{0x%X, 0x%X}," % tuple(row) for row in ranges(members))
            print("static const struct char_range %s_ranges[] = {\n%s\n};\n" % (name, rows), file=file)
        print("/* Small letters that utf8proc does not know. */", file=file)
        print(
            "static const struct char_range lower_pairs[] = {\n%s\n};\n" % wrap("{0x%X, 0x%X}," % p for p in lower),
            file=file,
        )
        print("/* Compatibility decompositions that utf8proc does not know, up to three characters. */", file=file)
        print("static const uint32_t compatible_rows[][4] = {", file=file)
        print(
            wrap(
                "{%s}," % ", ".join("0x%X" % n for n in [c] + [ord(x) for x in text])
                for c, text in compatible
                if len(text) < 4
            ),
            file=file,
        )
        print("};\n\n#endif", file=file)


def write_newer(path):
    with open(path, "w", encoding="ascii") as file:
        print(
            "/* What Oniguruma's sets have and those of PCRE2 10.42 have not. Made by tests/tokenizer/make_unicode.py. */",
            file=file,
        )
        print("#ifndef QUIRE_UNICODE_NEWER_H\n#define QUIRE_UNICODE_NEWER_H\n", file=file)
        for name, members in newer_in_expressions():
            parts = ["\\\\x{%X}" % a if a == b else "\\\\x{%X}-\\\\x{%X}" % (a, b) for a, b in ranges(members)]
            lines, line = [], ""
            for part in parts:
                if len(line) + len(part) > 106:
                    lines.append(line)
                    line = ""
                line += part
            lines = ['    "%s"' % text for text in lines + [line]]
            print("#define NEWER_%s \\\n%s" % (name, " \\\n".join(lines)), file=file)
        print("\n#endif", file=file)


if __name__ == "__main__":
    write_tables(os.path.join(sys.argv[1], "unicode_tables.h"))
    write_scripts(os.path.join(sys.argv[1], "unicode_scripts.h"))
    write_newer(os.path.join(sys.argv[1], "unicode_newer.h"))
