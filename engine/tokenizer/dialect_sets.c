/* Oniguruma's named sets. Thread: any; no state. Owner: tokenizer.
 * Where the reference's Unicode is newer than PCRE2's, NEWER_... adds what it has besides (unicode_newer.h). */
#include "dialect_sets.h"

#include "unicode_newer.h"

#include <string.h>

/* White_Space; PCRE2's \s has U+180E besides. Word: UTS #18; PCRE2 10.42 lacks marks and connectors. */
#define SPACES "\\t-\\r\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define WORDS  "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}" NEWER_Word
#define LATIN  "\\xb2\\xb3\\xb9\\xbc-\\xbe" /* word characters too, but only outside of brackets */
#define DIGITS "\\p{Nd}" NEWER_Nd
#define HEX    "0-9a-fA-F"

#define NEWER_GENERAL(code)    "\\p{" #code "}" NEWER_##code
#define GENERAL(name, code)    {name, NEWER_GENERAL(code), false}, {#code, NEWER_GENERAL(code), false}
#define SCRIPT(name)           {name, "\\p{sc:" name "}", false}
#define NEWER_SCRIPT(name, id) {name, "\\p{sc:" name "}" NEWER_##id, false}
#define VISIBLE                                                                                                        \
    "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}" NEWER_L NEWER_M NEWER_N NEWER_P NEWER_S NEWER_Cf

static const struct dialect_set posix_sets[] = {
    {"punct", "\\p{P}\\p{S}" NEWER_P NEWER_S, false},
    {"word", WORDS, false},
};

/* Scripts are here by name alone: PCRE2 would add their extensions. */
static const struct dialect_set sets[] = {
    GENERAL("letter", L),
    GENERAL("number", N),
    GENERAL("punctuation", P),
    GENERAL("symbol", S),
    GENERAL("mark", M),
    GENERAL("uppercaseletter", Lu),
    GENERAL("lowercaseletter", Ll),
    GENERAL("modifierletter", Lm),
    GENERAL("otherletter", Lo),
    GENERAL("nonspacingmark", Mn),
    GENERAL("spacingmark", Mc),
    GENERAL("decimalnumber", Nd),
    GENERAL("othernumber", No),
    GENERAL("dashpunctuation", Pd),
    GENERAL("otherpunctuation", Po),
    GENERAL("mathsymbol", Sm),
    GENERAL("othersymbol", So),
    GENERAL("format", Cf),
    {"titlecaseletter", "\\p{Lt}", false},
    {"enclosingmark", "\\p{Me}", false},
    {"letternumber", "\\p{Nl}", false},
    {"connectorpunctuation", "\\p{Pc}", false},
    {"openpunctuation", "\\p{Ps}", false},
    {"closepunctuation", "\\p{Pe}", false},
    {"initialpunctuation", "\\p{Pi}", false},
    {"finalpunctuation", "\\p{Pf}", false},
    {"currencysymbol", "\\p{Sc}", false},
    {"modifiersymbol", "\\p{Sk}", false},
    {"separator", "\\p{Z}", false},
    {"spaceseparator", "\\p{Zs}", false},
    {"lineseparator", "\\p{Zl}", false},
    {"paragraphseparator", "\\p{Zp}", false},
    {"control", "\\p{Cc}", false},
    {"privateuse", "\\p{Co}", false},
    {"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}" NEWER_Lu NEWER_Ll, false},
    {"lc", "\\p{Lu}\\p{Ll}\\p{Lt}" NEWER_Lu NEWER_Ll, false},
    {"assigned", VISIBLE "\\p{Z}\\p{Cc}", false},
    {"unassigned", VISIBLE "\\p{Z}\\p{Cc}", true},
    {"cn", VISIBLE "\\p{Z}\\p{Cc}", true},
    {"other", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Z}" NEWER_L NEWER_M NEWER_N NEWER_P NEWER_S, true},
    {"c", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Z}" NEWER_L NEWER_M NEWER_N NEWER_P NEWER_S, true},
    {"alpha", "\\p{Alphabetic}" NEWER_Alpha, false},
    {"alphabetic", "\\p{Alphabetic}" NEWER_Alpha, false},
    {"alnum", "\\p{Alphabetic}" NEWER_Alpha DIGITS, false},
    {"digit", DIGITS, false},
    {"upper", "\\p{Uppercase}" NEWER_Upper, false},
    {"uppercase", "\\p{Uppercase}" NEWER_Upper, false},
    {"lower", "\\p{Lowercase}" NEWER_Lower, false},
    {"lowercase", "\\p{Lowercase}" NEWER_Lower, false},
    {"punct", "\\p{P}" NEWER_P, false},
    {"graph", VISIBLE, false},
    {"print", VISIBLE "\\p{Zs}", false},
    {"blank", "\\t\\p{Zs}", false},
    {"cntrl", "\\p{Cc}", false},
    {"xdigit", HEX, false},
    {"space", SPACES, false},
    {"whitespace", SPACES, false},
    {"word", WORDS LATIN, false},
    {"ascii", "\\x00-\\x7f", false},
    {"ideographic", "\\p{Ideographic}" NEWER_Ideographic, false},
    {"emoji", "\\p{Emoji}" NEWER_Emoji, false},
    {"idstart", "\\p{ID_Start}" NEWER_L, false},
    NEWER_SCRIPT("han", Han),
    NEWER_SCRIPT("hiragana", Hiragana),
    NEWER_SCRIPT("katakana", Katakana),
    NEWER_SCRIPT("latin", Latin),
    NEWER_SCRIPT("cyrillic", Cyrillic),
    NEWER_SCRIPT("arabic", Arabic),
    NEWER_SCRIPT("lao", Lao),
    NEWER_SCRIPT("myanmar", Myanmar),
    NEWER_SCRIPT("devanagari", Devanagari),
    NEWER_SCRIPT("kannada", Kannada),
    NEWER_SCRIPT("common", Common),
    SCRIPT("hangul"),
    SCRIPT("greek"),
    SCRIPT("hebrew"),
    SCRIPT("thai"),
    SCRIPT("khmer"),
    SCRIPT("tibetan"),
    SCRIPT("bengali"),
    SCRIPT("gurmukhi"),
    SCRIPT("gujarati"),
    SCRIPT("oriya"),
    SCRIPT("tamil"),
    SCRIPT("telugu"),
    SCRIPT("malayalam"),
    SCRIPT("sinhala"),
    SCRIPT("georgian"),
    SCRIPT("armenian"),
    SCRIPT("ethiopic"),
    SCRIPT("cherokee"),
    SCRIPT("mongolian"),
    SCRIPT("inherited"),
    SCRIPT("bopomofo"),
    SCRIPT("syriac"),
    SCRIPT("thaana"),
    SCRIPT("yi"),
    SCRIPT("braille"),
};

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Names count without case, blanks, "_" and "-". */
static bool same_name(const char *name, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '_' || text[i] == '-' || text[i] == ' ')
            continue;
        if (*name == '\0' || small(*name) != small(text[i]))
            return false;
        name++;
    }
    return *name == '\0';
}

const struct dialect_set *dialect_set_find(const char *name, size_t count, bool posix)
{
    for (size_t i = 0; posix && i < sizeof posix_sets / sizeof posix_sets[0]; i++)
        if (same_name(posix_sets[i].name, name, count))
            return &posix_sets[i];
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (same_name(sets[i].name, name, count))
            return &sets[i];
    return NULL;
}

const char *dialect_escape_set(char letter, bool in_class)
{
    switch (letter) {
    case 's':
        return SPACES;
    case 'w':
        return in_class ? WORDS : WORDS LATIN;
    case 'd':
        return DIGITS;
    case 'h':
        return HEX;
    default:
        return NULL;
    }
}
