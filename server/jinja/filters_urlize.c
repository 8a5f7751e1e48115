/* The filter urlize: makes links of what looks like an address. The words and patterns are those of jinja2's utils.py.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

struct part { /* of a text, in bytes */
    const struct jstring *text;
    size_t from, to;
};

struct links {
    struct jrun *run;
    struct jbuilder out;
    const struct jstring *attributes; /* of each link: rel and target */
    struct jvalue trim;               /* characters of an address that are shown; J_NONE: all */
    const struct jlist *schemes;      /* of the caller */
};

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

static bool starts(struct part p, const char *word)
{
    size_t bytes = strlen(word);

    return p.to - p.from >= bytes && memcmp(p.text->bytes + p.from, word, bytes) == 0;
}

static bool starts_any_case(struct part p, const char *word)
{
    size_t bytes = strlen(word);

    return p.to - p.from >= bytes && strncasecmp(p.text->bytes + p.from, word, bytes) == 0;
}

static bool is_any_case(struct part p, const char *word)
{
    return p.to - p.from == strlen(word) && starts_any_case(p, word);
}

static bool ends(struct part p, const char *word)
{
    size_t bytes = strlen(word);

    return p.to - p.from >= bytes && memcmp(p.text->bytes + p.to - bytes, word, bytes) == 0;
}

static size_t find_byte(struct part p, char byte) /* p.to where there is none */
{
    const char *found = memchr(p.text->bytes + p.from, byte, p.to - p.from);

    return found == NULL ? p.to : (size_t)(found - p.text->bytes);
}

/* How many characters the part has if all are letters, digits, underscores or ASCII ones of `others`; else SIZE_MAX. */
static size_t count_word(struct part p, const char *others)
{
    size_t count = 0;

    while (p.from < p.to) {
        uint32_t code = jchar_at(p.text->bytes, p.from, &p.from);
        if (code != '_' && !jchar_is_alnum(code) && (code == 0 || code >= 0x80 || strchr(others, (int)code) == NULL))
            return SIZE_MAX;
        count++;
    }
    return count;
}

static bool is_top_level(struct part p)
{
    size_t count = p.to - p.from;

    if (starts_any_case(p, "xn--")) {
        size_t rest = count_word((struct part){p.text, p.from + 4, p.to}, "%");
        if (rest >= 2 && rest <= 59)
            return true;
    }
    for (size_t i = p.from; i < p.to; i++) {
        if ((p.text->bytes[i] | 32) < 'a' || (p.text->bytes[i] | 32) > 'z')
            return false;
    }
    return count >= 2 && count <= 63;
}

/* Labels with dots between and behind them, `least` to `most` characters long; `*last` is what follows the last dot. */
static bool has_labels(struct part p, size_t least, size_t most, struct part *last)
{
    size_t dot;

    while ((dot = find_byte(p, '.')) < p.to) {
        size_t count = count_word((struct part){p.text, p.from, dot}, "%-");
        if (count < least || count > most)
            return false;
        p.from = dot + 1;
    }
    *last = p;
    return true;
}

static bool is_address_4(struct part p)
{
    size_t groups = 0;

    for (; groups < 4 && p.from <= p.to; groups++) {
        size_t dot = find_byte(p, '.'), digits = 0;
        while (p.from < dot) {
            if (!jchar_has(jchar_at(p.text->bytes, p.from, &p.from), JCHAR_DECIMAL))
                return false;
            digits++;
        }
        if (digits < 1 || digits > 3)
            return false;
        p.from = dot + 1;
    }
    return groups == 4 && p.from == p.to + 1;
}

/* Between brackets: two groups of up to four digits with colons, then one to six whose colons may be missing. */
static bool is_address_6(struct part p)
{
    size_t groups = 0;

    for (; p.from < p.to || groups < 3; groups++) {
        size_t digits = 0;
        while (digits < 4 && p.from < p.to && jdigit_value(p.text->bytes[p.from]) < 16)
            digits++, p.from++;
        if (p.from < p.to && p.text->bytes[p.from] == ':')
            p.from++;
        else if (groups < 2 || (digits == 0 && p.from < p.to))
            return false;
    }
    return groups <= 8;
}

/* A host, then perhaps a port and a path. */
static bool is_url(struct part p)
{
    static const char *const usual[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
    bool scheme = starts_any_case(p, "http://") || starts_any_case(p, "https://"), www = starts_any_case(p, "www.");
    struct part host = p, last;
    size_t end, port;

    if (scheme)
        host.from = find_byte(p, '/') + 2;
    end = host.from;
    if (scheme && end < p.to && p.text->bytes[end] == '[')
        end = find_byte((struct part){p.text, end, p.to}, ']');
    while (end < p.to && strchr(":/?#", p.text->bytes[end]) == NULL)
        end++;
    host.to = end;
    if (end < p.to && p.text->bytes[end] == ':') {
        for (port = ++end; end < p.to && jchar_has((unsigned char)p.text->bytes[end], JCHAR_DECIMAL); end++)
            continue;
        if (end == port || end > port + 5)
            return false;
    }
    if (end < p.to && strchr("/?#", p.text->bytes[end]) == NULL)
        return false;
    if (scheme && has_labels(host, 1, SIZE_MAX - 1, &last) && is_top_level(last))
        return true;
    if (www && has_labels((struct part){p.text, p.from + 4, host.to}, 1, SIZE_MAX - 1, &last) && is_top_level(last))
        return true;
    if (scheme && (is_address_4(host) || (starts(host, "[") && ends(host, "]") &&
                                          is_address_6((struct part){p.text, host.from + 1, host.to - 1}))))
        return true;
    for (size_t i = 0; !scheme && i < sizeof usual / sizeof *usual; i++) {
        if (has_labels(host, 2, 63, &last) && last.from > host.from && is_any_case(last, usual[i]))
            return true;
    }
    return false;
}

static bool is_email(struct part p)
{
    const char *at = memrchr(p.text->bytes + p.from, '@', p.to - p.from), *dot;
    struct part host = p, first;
    size_t next;

    if (at == NULL || at == p.text->bytes + p.from || at + 1 == p.text->bytes + p.to)
        return false;
    host.from = (size_t)(at + 1 - p.text->bytes);
    dot = memrchr(p.text->bytes + host.from, '.', p.to - host.from);
    if (dot == NULL || dot == p.text->bytes + host.from || dot + 1 == p.text->bytes + p.to)
        return false;
    jchar_at(p.text->bytes, host.from, &next);
    first = (struct part){p.text, host.from, next};
    host.to = (size_t)(dot - p.text->bytes);
    return count_word(first, "") == 1 && count_word(host, ".-") != SIZE_MAX &&
           count_word((struct part){p.text, host.to + 1, p.to}, "") != SIZE_MAX;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static size_t count_word_in(struct part p, const char *word)
{
    size_t count = 0, bytes = strlen(word);
    const char *found;

    while ((found = memmem(p.text->bytes + p.from, p.to - p.from, word, bytes)) != NULL) {
        count++;
        p.from = (size_t)(found - p.text->bytes) + bytes;
    }
    return count;
}

/* What belongs to the address in `word`, without the brackets and marks around it. */
static struct part middle_of(struct part word)
{
    static const struct {
        const char *open, *close;
    } pairs[] = {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}};
    struct part middle = word;

    while (starts(middle, "(") || starts(middle, "<") || starts(middle, "&lt;"))
        middle.from += starts(middle, "&lt;") ? 4 : 1;
    while (ends(middle, ")") || ends(middle, ">") || ends(middle, ".") || ends(middle, ",") || ends(middle, "&gt;"))
        middle.to -= ends(middle, "&gt;") ? 4 : 1;
    /* A bracket that is opened within is closed within, as far as there are closing ones behind. */
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t opened = count_word_in(middle, pairs[i].open), bytes = strlen(pairs[i].close);
        struct part tail = {word.text, middle.to, word.to};
        size_t closing = count_word_in(tail, pairs[i].close);
        if (opened <= count_word_in(middle, pairs[i].close))
            continue;
        for (size_t k = 0; k < opened && k < closing; k++, tail.from = middle.to) {
            const char *close = memmem(tail.text->bytes + tail.from, tail.to - tail.from, pairs[i].close, bytes);
            middle.to = (size_t)(close - tail.text->bytes) + bytes;
        }
    }
    return middle;
}

static void add_link(struct links *links, const char *prefix, struct part to, struct part shown, bool full)
{
    struct jvalue text = jstr(jstring_part(links->run, shown.text, shown.from, shown.to));
    struct jvalue chars = jint(jlength(links->run, text));

    jbuilder_add_text(&links->out, "<a href=\"");
    jbuilder_add_text(&links->out, prefix);
    jbuilder_add_part(&links->out, to.text, to.from, to.to);
    jbuilder_add_text(&links->out, "\"");
    if (full)
        jbuilder_add_string(&links->out, links->attributes);
    jbuilder_add_text(&links->out, ">");
    if (full && links->trim.kind != J_NONE && jcompare(links->run, chars, links->trim, ">") == 1) {
        jadd_str(&links->out, jslice(links->run, text, jnone(), links->trim, jnone()));
        jbuilder_add_text(&links->out, "...");
    } else {
        jadd_str(&links->out, text);
    }
    jbuilder_add_text(&links->out, "</a>");
}

static bool add_own_scheme(struct links *links, struct part middle)
{
    for (size_t i = 0; i < links->schemes->count; i++) {
        const struct jstring *scheme = links->schemes->items[i].as.string;
        if (middle.to - middle.from > scheme->count &&
            memcmp(middle.text->bytes + middle.from, scheme->bytes, scheme->count) == 0) {
            struct jvalue trim = links->trim;
            links->trim = jnone();
            add_link(links, "", middle, middle, true);
            links->trim = trim;
            return true;
        }
    }
    return false;
}

static void add_word(struct links *links, struct part word)
{
    struct part middle = middle_of(word), address = {middle.text, middle.from + 7, middle.to};

    jrun_charge_bytes(links->run, (word.to - word.from) * 16);
    jbuilder_add_part(&links->out, word.text, word.from, middle.from);
    if (is_url(middle))
        add_link(links, starts(middle, "https://") || starts(middle, "http://") ? "" : "https://", middle, middle,
                 true);
    else if (starts(middle, "mailto:") && is_email(address))
        add_link(links, "", middle, address, false);
    else if (!starts(middle, "www.") && !starts(middle, "@") && find_byte(middle, ':') == middle.to && is_email(middle))
        add_link(links, "mailto:", middle, middle, false);
    else if (!add_own_scheme(links, middle))
        jbuilder_add_part(&links->out, middle.text, middle.from, middle.to);
    jbuilder_add_part(&links->out, word.text, middle.to, word.to);
}

/* ---- the filter -------------------------------------------------------------------------------------------------- */

static bool word_less(struct jrun *run, struct jvalue a, struct jvalue b)
{
    return jcompare(run, a, b, "<") == -1;
}

/* The words of `rel`, each once and in order, with those that the filter adds. */
static void add_rel(struct jrun *run, struct jbuilder *out, struct jvalue rel, bool nofollow)
{
    struct jdict *words = jdict_new(run, 4);
    size_t *order;

    jbuilder_add_text(out, " rel=\"");
    jdict_set(run, words, jstr(jstring_new(run, "noopener", 8, true)), jnone());
    if (nofollow)
        jdict_set(run, words, jstr(jstring_new(run, "nofollow", 8, true)), jnone());
    if (rel.kind != J_NONE && jtruthy(run, rel)) {
        struct jvalue split = jattribute(run, rel, jstring_new(run, "split", 5, true));
        struct jiterator *parts = jiterate(run, jcall_value(run, split, NULL, 0, NULL));
        struct jvalue part;
        while (jnext(run, parts, &part))
            jdict_set(run, words, part, jnone());
    }
    order = jdict_sorted(run, words, word_less);
    for (size_t i = 0; i < words->count; i++) {
        if (i > 0)
            jbuilder_add_text(out, " ");
        jbuilder_add_string(out, jescape(run, words->entries[order[i]].key));
    }
    jbuilder_add_text(out, "\"");
}

static const struct jlist *own_schemes(struct jrun *run, struct jvalue schemes)
{
    struct jlist *list = schemes.kind == J_NONE ? jlist_new(run, 0) : jlist_from(run, schemes);

    for (size_t i = 0; i < list->count; i++) {
        const struct jstring *scheme = jstring_of(run, list->items[i], "a scheme");
        struct part p = {scheme, 0, scheme->count};
        size_t colon = find_byte(p, ':'), count = count_word((struct part){scheme, 0, colon}, ".+-");
        if (count < 2 || count == SIZE_MAX || colon == p.to || p.to - colon > 3 ||
            memcmp(scheme->bytes + colon + 1, "//", p.to - colon - 1) != 0)
            jraise(run, "a scheme of urlize is not valid");
    }
    return list;
}

static struct jvalue given_or_none(struct jvalue argument)
{
    return jgiven(argument) ? argument : jnone();
}

static struct jvalue filter_urlize(struct jrun *run, const struct jcall *call)
{
    const struct jstring *text = jescape(run, call->args[0]);
    struct jvalue target = given_or_none(call->args[3]);
    struct links links = {.run = run,
                          .trim = given_or_none(call->args[1]),
                          .schemes = own_schemes(run, given_or_none(call->args[5]))};
    struct jbuilder attributes;
    size_t next;

    jbuilder_init(&attributes, run);
    add_rel(run, &attributes, given_or_none(call->args[4]), jflag(run, call->args[2], false));
    if (jtruthy(run, target)) {
        jbuilder_add_text(&attributes, " target=\"");
        jbuilder_add_string(&attributes, jescape(run, target));
        jbuilder_add_text(&attributes, "\"");
    }
    links.attributes = jbuilder_string(&attributes);
    text = jstring_plain(run, text);
    jbuilder_init(&links.out, run);
    for (size_t at = 0, from = 0; from < text->count; from = at) {
        bool space = jchar_has(jchar_at(text->bytes, at, &next), JCHAR_SPACE);
        at = next;
        while (at < text->count && jchar_has(jchar_at(text->bytes, at, &next), JCHAR_SPACE) == space)
            at = next;
        if (space)
            jbuilder_add_part(&links.out, text, from, at);
        else
            add_word(&links, (struct part){text, from, at});
    }
    return jstr(jbuilder_string(&links.out));
}

const struct jbuiltin jfilters_urlize[] = {
    {"urlize", filter_urlize, "value trim_url_limit nofollow target rel extra_schemes", 1, 0},
    {0},
};
