#!/usr/bin/env python3
"""Holds the house to its plan: the layout, the direction of includes, third-party headers, sizes of files and functions, and
what must not be in a commit. Run with the project's root as argument."""
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.abspath(sys.argv.pop() if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
TOP = {"server", "engine", "scheduler", "include", "tests", "config", "deploy", "meson.build", "README.md", "LICENSE"}
ROOMS = ("server", "engine", "scheduler", "include")
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 80
LINE_COLUMNS_MAX = 132

# Who may include a third-party header. A room's file that does input or output with io_uring is the only one to see it.
THIRD_PARTY = {
    "microhttpd.h": {"server/http.c", "server/sse.c"},
    "liburing.h": {"engine/container/file_read.c", "scheduler/kv_tier.c"},
    "cblas.h": {"engine/gemm.c", "engine/kernels/gemm_openblas.c", "engine/ceilings.c"},
    "pcre2.h": {"engine/tokenizer/pattern.c"},
    "utf8proc.h": {"engine/tokenizer/unicode.c"},
    "yaml.h": {"server/config_load.c", "server/config_yaml.c"},
}


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [p for p in out.decode().split("\0") if p and os.path.isfile(os.path.join(ROOT, p))]


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


FILES = tracked()
SOURCES = [p for p in FILES if p.split("/")[0] in ROOMS and p.endswith((".c", ".h", ".inc"))]
CODE = [p for p in FILES if p.endswith((".c", ".h", ".inc"))]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', text(path), re.M)


def functions(path):
    """(name, first line, lines) of each function: a definition starts in column 0 and its body is a brace in column 0."""
    lines = text(path).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = next((l for l in reversed(lines[:start - 1]) if re.match(r"\w", l)), "?")
            yield head, start, number - start + 1
            start = None


class Structure(unittest.TestCase):
    def test_top_level_holds_only_the_rooms(self):
        self.assertEqual({p.split("/")[0] for p in FILES if not p.startswith(".")} - TOP, set())

    def test_every_room_is_there(self):
        for room in TOP:
            self.assertTrue(os.path.exists(os.path.join(ROOT, room)), room)

    def test_a_room_includes_only_itself_and_the_contracts(self):
        for path in SOURCES:
            room = path.split("/")[0]
            for header in includes(path):
                target = os.path.normpath(os.path.join(os.path.dirname(path), header))
                if os.path.isfile(os.path.join(ROOT, target)):
                    self.assertEqual(target.split("/")[0], room, f"{path} includes {header}")
                for other in set(ROOMS) - {room, "include"}:
                    self.assertFalse(header.startswith(other + "/"), f"{path} includes {header}")

    def test_contracts_depend_on_contracts_only(self):
        for path in SOURCES:
            if path.startswith("include/"):
                for header in includes(path):
                    local = os.path.isfile(os.path.join(ROOT, "include", header))
                    self.assertTrue(local or re.match(r"(sys/)?\w+\.h$", header) and header not in THIRD_PARTY, f"{path}: {header}")

    def reach(self, path, seen):
        for header in includes(path):
            for base in ("include", os.path.dirname(path)):
                target = os.path.normpath(os.path.join(base, header))
                if target not in seen and os.path.isfile(os.path.join(ROOT, target)):
                    seen.add(target)
                    self.reach(target, seen)
        return seen

    def test_server_never_sees_the_step_and_only_main_sees_the_engine(self):
        for path in SOURCES:
            if path.startswith("server/") and path != "server/main.c":
                seen = self.reach(path, set())
                self.assertNotIn("include/step.h", seen, path)
                self.assertNotIn("include/engine.h", seen, path)

    def test_scheduler_never_sees_the_engine(self):
        for path in SOURCES:
            if path.startswith("scheduler/"):
                self.assertNotIn("include/engine.h", self.reach(path, set()), path)

    def test_third_party_headers_stay_in_few_files(self):
        for path in SOURCES:
            for header in includes(path):
                if header in THIRD_PARTY:
                    self.assertIn(path, THIRD_PARTY[header], f"{path} includes {header}")

    def test_files_stay_short(self):
        long = [(p, n) for p in CODE if (n := text(p).count("\n")) > FILE_LINES_MAX]
        self.assertEqual(long, [], f"more than {FILE_LINES_MAX} lines")

    def test_functions_stay_short(self):
        long = [f"{p}:{start} {name} ({count} lines)" for p in SOURCES for name, start, count in functions(p)
                if count > FUNCTION_LINES_MAX]
        self.assertEqual(long, [], f"more than {FUNCTION_LINES_MAX} lines")

    def test_lines_stay_narrow(self):
        wide = [f"{p}:{i}" for p in CODE for i, line in enumerate(text(p).split("\n"), 1) if len(line) > LINE_COLUMNS_MAX]
        self.assertEqual(wide, [], f"more than {LINE_COLUMNS_MAX} columns")

    def test_names_say_what_a_file_is(self):
        vague = [p for p in SOURCES if re.search(r"(^|/|_)(utils?|helpers?|misc|common|manager)\.[ch]$", p)]
        self.assertEqual(vague, [])

    def test_structs_have_no_typedef(self):
        self.assertEqual([p for p in SOURCES if re.search(r"^typedef\s+(struct|union|enum)\b[^(;]*;|^typedef\s+(struct|union|enum)\b[^(;]*\{", text(p), re.M)], [])

    def test_nothing_says_that_it_is_unfinished(self):
        word = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
        self.assertEqual([p for p in CODE if word.search(text(p))], [])

    def test_only_main_exits(self):
        for path in SOURCES:
            if path.startswith(("engine/", "scheduler/")) or path.startswith("server/") and path not in ("server/main.c",):
                self.assertIsNone(re.search(r"(?<![\w.>])_?exit\s*\(", text(path)), path)

    def test_every_file_says_its_purpose(self):
        self.assertEqual([p for p in SOURCES if not text(p).startswith("/*")], [], "no comment at the head")

    def test_no_path_of_a_machine_is_committed(self):
        root_parent = os.path.dirname(ROOT) + "/"
        for path in FILES:
            if not path.endswith((".safetensors", ".gguf", ".bin", ".gz")):
                with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
                    content = file.read()
                self.assertNotIn("/wo" "rk/", content, path)
                if len(root_parent) > 2 and root_parent not in ("/tmp/", "/home/", "/root/"):
                    self.assertNotIn(root_parent, content, path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
