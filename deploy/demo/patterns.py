"""The question patterns of the demo model's training text, and how a person's typing differs from them.

questions/*.txt holds sections named after the facts in facts.tsv. A line's first mark says what the line is:
    -  a whole question            ~  a thing to explain           !  an option or a field to explain
    ?  something that one wants    #  a status code
All but the first replace the X of a form, taken from the section of questions/forms.txt that is named after the mark.
Inside, {a|b|} chooses, $name inserts one of MACROS, and a line that begins with blanks continues the one before.
"""
import pathlib
import random
import re

HERE = pathlib.Path(__file__).resolve().parent

MACROS = {
    "opt": "{option|flag|switch|setting|parameter|argument|command line option}",
    "def": "{by default|as default|normally|usually|when I say nothing|without options|without flags|if not given|"
           "unless told otherwise|if I do not choose|out of the box|if I set nothing|when unset|}",
    "pls": "{limit|bound|cap|restrict|reduce|set a limit for|set the maximum of|control|change}",
    "show": "{tells|shows|gives|returns|reports|prints|lists}",
    "end": "{endpoint|url|path|route|address|api}",
    "user": "{client|user|caller|customer|browser}",
    "backward": "{backwards|backward|in reverse|reversed|from the back|from behind|from right to left|from the end|"
        "from back to front|from the end to the start|from the last letter to the first|the other way around|"
        "in mirror writing|back to front|inverted}",
    "order": "{backwards|in reverse order|in reverse|reversed|in the reverse order|from last to first|"
        "from the last to the first|in opposite order|the other way around|in the other order|"
        "in inverse order|from the end|starting from the last|from back to front}",
}

BEFORE = [
    "please tell me, ", "tell me: ", "hello, ", "hi, ", "hey, ", "please, ", "excuse me, ", "quick question: ",
    "so, ", "I wonder, ", "do you know ", "can you tell me ", "could you tell me ", "I would like to know ",
    "question: ", "sorry, ", "ok, ", "and ", "now ", "in quire, ", "with quire, ", "I am curious: ", "well, ",
    "hm, ", "one more: ", "let me ask: ", "say, ", "then ", "also, ", "just ", "may I ask, ", "I have a question: ",
    "next: ", "okay so ",
]
AFTER = [
    " please", ", please", " in quire", " with quire", " exactly", " then", " again", " thanks", ", thanks", " now",
    " actually", " here", " for me", ", do you know", ", can you say", " at all", " in general", " briefly",
    " really", " today",
]
STOPWORDS = set("""a an the is are was were be do does did can could should would will may must i me my we you your it
its this that these to of for in on with by at as and or so please tell what which how when why where who there if one
quire server want need about explain describe have has get gets""".split())


def expand(pattern, rng):
    """Replace every {a|b} and $name of `pattern` by one choice, inner ones first."""
    pattern = re.sub(r"\$([a-z]+)", lambda m: MACROS[m[1]], pattern)
    while True:
        # Choose in the first group that has no other inside.
        group = re.search(r"\{([^{}]*)\}", pattern)
        if group is None:
            return re.sub(r"\s+", " ", pattern).replace(" ,", ",").replace(" 's", "'s").replace(" 'd", "'d").strip()
        pattern = pattern[:group.start()] + rng.choice(group[1].split("|")) + pattern[group.end():]


def load_patterns():
    """Fact id -> list of (mark, pattern)."""
    sections = {}
    for path in sorted((HERE / "questions").glob("*.txt")):
        section = None
        for line in path.read_text().splitlines():
            if line.startswith("["):
                section = sections.setdefault(line.strip("[]"), [])
            elif section is not None and line.startswith("    "):
                section[-1] = (section[-1][0], section[-1][1] + line[4:])
            elif section is not None and line:
                section.append((line[0], line[2:]))
    return sections


def draw_question(sections, name, rng):
    """One clean question from a section: lower-case except for names, no final mark."""
    mark, pattern = rng.choice(sections[name])
    if mark != "-":
        pattern = rng.choice(sections[mark])[1].replace("X", pattern, 1)
    return expand(pattern, rng)


def misspell(word, rng):
    i = rng.randrange(1, len(word) - 1)
    lost, doubled = word[:i] + word[i + 1:], word[:i + 1] + word[i:]
    swapped = word[:i] + word[i + 1] + word[i] + word[i + 2:]
    return rng.choice([lost, swapped, doubled])


def vary(question, rng):
    """The same question as hurried, polite or careless people type it."""
    words = question.split()
    draw = rng.random()
    if draw < 0.06 and len(words) > 3:      # key words only, in any order
        keys = [w for w in words if w.lower().strip(",.:?") not in STOPWORDS]
        if len(keys) >= 2:
            rng.shuffle(keys)
            words = keys
    elif draw < 0.20 and len(words) > 3:    # lost small words
        words = [w for w in words if w.lower() not in STOPWORDS or rng.random() < 0.6] or words
    elif draw < 0.25 and len(words) > 3:    # two neighbours change places
        i = rng.randrange(len(words) - 1)
        words[i], words[i + 1] = words[i + 1], words[i]
    if rng.random() < 0.08:
        long = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha()]
        if long:
            i = rng.choice(long)
            words[i] = misspell(words[i], rng)
    text = " ".join(words)
    if rng.random() < 0.18:
        text = rng.choice(BEFORE) + text
    if rng.random() < 0.10:
        text += rng.choice(AFTER)
    return finish(text, rng)


def finish(text, rng):
    """Capitals and the final mark."""
    if rng.random() < 0.10:
        text = text.lower()
    if rng.random() < 0.55:
        text = text[:1].upper() + text[1:]
    if text[-1] not in "?!.":
        text += rng.choice(["?", "?", "?", "?", "", "", "", "."])
    return text
