"""JSON conformance through the real endpoint: the texts of JSONTestSuite as the value of a field that takes anything."""
import os
import sys
import unittest

from harness import NAME, SHARED, Server, main

SUITE = os.path.join(SHARED, "data", "jsontestsuite")
# jansson keeps keys as C strings.
NOT_READ = {"y_object_escaped_null_in_key.json"}


def texts():
    for folder, _, names in sorted(os.walk(SUITE)):
        for name in sorted(names):
            if name.endswith(".json") and name[:2] in ("y_", "n_", "i_"):
                with open(os.path.join(folder, name), "rb") as file:
                    yield name, file.read()


class Json(unittest.TestCase):
    def test_suite(self):
        kinds = {"y": 0, "n": 0, "i": 0}
        with Server() as server:
            for name, text in texts():
                with self.subTest(name):
                    body = b'{"model":"%s","prompt":"x","max_tokens":1,"metadata":%s}' % (NAME.encode(), text)
                    answer = server.post("/v1/completions", body)
                    kinds[name[0]] += 1
                    if name[0] == "y" and name not in NOT_READ:
                        self.assertEqual(answer.status, 200, answer.body)
                    elif name[0] == "n" or answer.status != 200:
                        self.assertEqual((answer.status, answer.error()["code"]), (400, "invalid_json"))
                    if name[0] == "n":  # and as the whole body
                        self.assertEqual(server.post("/v1/completions", text).status, 400)
            self.assertEqual(server.get("/health").status, 200)
        self.assertGreater(kinds["y"], 90)
        self.assertGreater(kinds["n"], 180)


if __name__ == "__main__":
    main()
