#!/usr/bin/env python3
"""Adds up the results of all stages: `meson test` writes one JSON object per test and line, the client test one object per
case. Prints the closing line "N passed, N failed, N skipped"; exit status 1 when one failed or nothing ran."""
import json
import sys

passed, failed, skipped = 0, [], 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as lines:
        for line in filter(str.strip, lines):
            test = json.loads(line)
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                passed += 1
            elif test["result"] == "SKIP":
                skipped += 1
            else:
                failed.append(f'{path.split("/")[0]}: {test["name"]}: {test["result"]}')
for name in failed:
    print("failed:", name)
print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
sys.exit(1 if failed or passed == 0 else 0)
