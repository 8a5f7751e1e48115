"""Generate the demo model's training text: one conversation per line.

    python make_text.py --count 400000 --seed 1 --out /tmp/demo/text.txt

Questions about quire come from questions/*.txt (see patterns.py), their answers from facts.tsv; sums and word games are
made here. A question that reads like one of heldout.tsv (letters and digits compared, case and signs ignored) is
thrown away, and at the end the whole file is searched for them once more.
"""
import argparse
import random
import re

import patterns
from patterns import HERE, draw_question, finish, load_patterns, vary

# What is drawn how often.
MIX = {"fact": 0.42, "sum": 0.26, "game": 0.26, "unknown": 0.03, "plain": 0.03}
WEIGHTS = {"hello": 1.5, "self": 1.3, "what": 1.5, "ability": 1.3, "families": 1.2, "formats": 1.3}  # of facts; else 1

NUMBER_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty""".split()
WORDS = """cat dog bird fish cow horse mouse sheep lion bear wolf fox frog duck bee apple pear plum lemon cherry bread
milk butter cheese salt sugar water tea coffee rice egg cake red green blue black white brown pink sun moon star sky
cloud rain snow wind river lake sea hill tree leaf stone sand fire ice house door wall roof table chair bed lamp clock
book page paper story song road town city car train ship wheel hand foot eye nose head king child friend one two three
four five big small old new long short hot cold fast slow good happy night day garden school glass plate spoon knife
box hat shoe gold wood""".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"

SIGNS = {"plus": "+", "minus": "-", "times": "*"}
COUNTS = {
    2: ["twice", "two times", "2 times", "2x", "a second time too"],
    3: ["three times", "3 times", "thrice", "3x"],
    4: ["four times", "4 times", "4x"],
    5: ["five times", "5 times", "5x"],
}
JOINERS = ["and", "and", "the", "a", "or", "is", "with", "in"]
THINGS = """paris london berlin rome tokyo america france germany italy japan china india russia spain mars jupiter
shakespeare mozart einstein napoleon picasso beethoven newton caesar football tennis chess basketball cricket olympics
weather temperature-outside pizza pasta chocolate bread-recipe cars planes trains cinema movie film actor singer band
song book novel poem politics president king minister election war history geography biology chemistry physics
philosophy dinosaurs elephants whales sharks cats insects plants volcano ocean mountains rivers desert moon-landing
rocket stars galaxy money stocks bitcoin bank tax insurance doctor medicine headache vitamins sleep exercise yoga
holidays christmas birthday love marriage family school university exam job salary boss email phone television radio
newspaper""".replace("-", " ").split()
SYSTEMS = [
    "You are a helpful assistant.", "You are the demo model of quire.", "Answer briefly.", "Be polite.",
    "You are a friendly bot.", "You are an assistant that knows quire.", "Answer the question.",
    "Be concise and helpful.", "You answer questions of users.",
]


def number(value, rng):
    return NUMBER_WORDS[value] if value <= 20 and rng.random() < 0.12 else str(value)


def draw_sum(sections, rng):
    kind = rng.choice(["plus", "plus", "minus", "minus", "times"])
    high = 12 if kind == "times" else rng.choice([10, 20, 50])
    a, b = rng.randint(0, high), rng.randint(0, high)
    if kind == "minus":
        a, b = max(a, b), min(a, b)
    result = {"plus": a + b, "minus": a - b, "times": a * b}[kind]
    if rng.random() < 0.5:    # half of them bare: the tables first, then the many ways to ask
        blank = rng.choice(["", " "])
        return f"{a}{blank}{SIGNS[kind]}{blank}{b}", str(result)
    values = {"A": number(a, rng), "B": number(b, rng)}
    question = draw_question(sections, kind, rng)
    return re.sub(r"A(?![a-wyz])|B(?![a-z])", lambda m: values[m[0]], question), str(result)


def draw_game(sections, rng):
    kind = rng.choices(["repeat", "say-often", "spell", "reorder"], [3, 3, 4, 4])[0]
    words = [rng.choice(WORDS) for _ in range(rng.choice([2, 2, 3, 3, 4, 5, 6, 8] if kind == "repeat" else [2, 3, 3, 4, 5]))]
    count = rng.choice([2, 2, 3, 3, 4, 5])
    if kind == "repeat":
        if rng.random() < 0.3:
            words.insert(rng.randrange(1, len(words)), rng.choice(JOINERS))
        text = answer = " ".join(words)
    elif kind == "say-often":
        text, answer = words[0], " ".join(words[:1] * count)
    elif kind == "spell":    # some strings that nobody can know by heart
        text = words[0] if rng.random() < 0.9 else "".join(rng.choice(LETTERS) for _ in range(rng.randint(2, 4)))
        answer = text[::-1]
    else:
        text, answer = rng.choice([" ", " ", " ", ", "]).join(words), " ".join(reversed(words))
    if rng.random() < 0.12:
        text = rng.choice(['"{}"', "'{}'"]).format(text)
    question = re.sub(r"\bN\b", lambda m: rng.choice(COUNTS[count]), draw_question(sections, kind, rng))
    return re.sub(r"\bW\b", lambda m: text, question), answer


def draw_unknown(sections, rng):
    return re.sub(r"\bT\b", lambda m: rng.choice(THINGS), draw_question(sections, "unknown", rng))


def polite(text, rng):
    """Sums and word games get manners, but no lost or swapped words."""
    if rng.random() < 0.12:
        text = rng.choice(patterns.BEFORE) + text
    if rng.random() < 0.10:
        text += rng.choice([" please", ", please", " for me", " now", " thanks"])
    return finish(text, rng)


def normalise(question):
    return re.sub(r"[^a-z0-9+*=-]+", "", question.lower())


class Writer:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.facts = dict(line.split("\t") for line in (HERE / "facts.tsv").read_text().splitlines())
        self.sections = load_patterns()
        missing = set(self.facts) - set(self.sections)
        assert not missing, f"facts without questions: {missing}"
        self.ids = sorted(set(self.facts) - {"unknown"})
        self.weights = [WEIGHTS.get(i, 1) for i in self.ids]
        held = (HERE / "heldout.tsv").read_text().splitlines()
        self.heldout = {normalise(line.split("\t")[0]) for line in held}
        self.met = set()

    def draw_pair(self, kind):
        """A question and its answer; never a held-out question."""
        rng = self.rng
        while True:
            if kind == "sum" or kind == "game":
                draw = draw_sum if kind == "sum" else draw_game
                question, answer = draw(self.sections, rng)
                question = polite(question, rng)
            elif kind == "unknown":
                question, answer = vary(draw_unknown(self.sections, rng), rng), self.facts["unknown"]
            else:
                name = rng.choices(self.ids, self.weights)[0]
                question, answer = vary(draw_question(self.sections, name, rng), rng), self.facts[name]
            key = normalise(question)
            if key not in self.heldout:
                return question, answer
            self.met.add(key)

    def draw_line(self):
        rng = self.rng
        kind = rng.choices(list(MIX), list(MIX.values()))[0]
        if kind == "plain":    # for /v1/completions: text without roles
            if rng.random() < 0.5:
                ids = rng.sample(self.ids, 3)
                return " ".join(self.facts[i] for i in ids) + "<|end|>"
            return "Q: {} A: {}<|end|>".format(*self.draw_pair("fact"))
        question, answer = self.draw_pair(kind)
        system = f"<|system|>{rng.choice(SYSTEMS)}<|end|>" if rng.random() < 0.04 else ""
        return f"{system}<|user|>{question}<|end|><|assistant|>{answer}<|end|>"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--count", type=int, default=400000, help="conversations")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", required=True)
    options = arguments.parse_args()
    writer = Writer(options.seed)
    with open(options.out, "w") as out:
        for _ in range(options.count):
            out.write(writer.draw_line() + "\n")
    print(f"{options.count} conversations; the generator came upon {len(writer.met)} of {len(writer.heldout)} held-out"
          " questions by itself and threw them away")
    with open(options.out) as text:
        questions = {normalise(q) for line in text for q in re.findall(r"<\|user\|>(.*?)<\|end\|>|^Q: (.*?) A: ",
        line)
                     for q in q if q}
    found = questions & writer.heldout
    print(f"check: {len(questions)} distinct questions in the text, {len(found)} of them held out")
    assert not found


if __name__ == "__main__":
    main()
