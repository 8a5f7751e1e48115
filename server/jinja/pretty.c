/* The filter pprint: Python's pprint.pformat() with its defaults. Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

#define WIDTH 80

struct printer {
    struct jrun *run;
    struct jbuilder out;
};

static void format(struct printer *p, struct jvalue value, int64_t indent, int64_t allowance, unsigned level);

/* ---- on one line ------------------------------------------------------------------------------------------------- */

static bool comparable(struct jvalue a, struct jvalue b)
{
    return (jvalue_is_number(a) && jvalue_is_number(b)) || (a.kind == J_STRING && b.kind == J_STRING);
}

/* Keys of different types go by the names of these. */
static bool key_less(struct jrun *run, struct jvalue a, struct jvalue b)
{
    if (jvalue_is_tuple(a) && jvalue_is_tuple(b)) {
        for (size_t i = 0; i < a.as.list->count && i < b.as.list->count; i++) {
            struct jvalue x = a.as.list->items[i], y = b.as.list->items[i];
            if (!jequal(run, x, y))
                return comparable(x, y) && jcompare(run, x, y, "<") == -1;
        }
        return a.as.list->count < b.as.list->count;
    }
    return comparable(a, b) ? jcompare(run, a, b, "<") == -1 : strcmp(jtype_name(a), jtype_name(b)) < 0;
}

/* repr(), but with dictionaries in the order of their keys. */
static void add_plain(struct jbuilder *out, struct jvalue value)
{
    const char *brackets = value.kind == J_DICT ? "{}" : value.kind == J_LIST ? "[]" : "()";
    size_t *order, count;

    if (value.kind != J_DICT && value.kind != J_LIST && value.kind != J_TUPLE) {
        jadd_repr(out, value);
        return;
    }
    jrun_enter(out->run);
    order = value.kind == J_DICT ? jdict_sorted(out->run, value.as.dict, key_less) : NULL;
    count = value.kind == J_DICT ? value.as.dict->count : value.as.list->count;
    jbuilder_add(out, &brackets[0], 1, true);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            jbuilder_add_text(out, ", ");
        if (order != NULL) {
            add_plain(out, value.as.dict->entries[order[i]].key);
            jbuilder_add_text(out, ": ");
            add_plain(out, value.as.dict->entries[order[i]].value);
        } else {
            add_plain(out, value.as.list->items[i]);
        }
    }
    if (value.kind == J_TUPLE && count == 1)
        jbuilder_add_text(out, ",");
    jbuilder_add(out, &brackets[1], 1, true);
    jrun_leave(out->run);
}

static const struct jstring *plain(struct jrun *run, struct jvalue value)
{
    struct jbuilder out;

    jbuilder_init(&out, run);
    add_plain(&out, value);
    return jbuilder_string(&out);
}

/* ---- on several -------------------------------------------------------------------------------------------------- */

static void new_line(struct printer *p, const char *before, int64_t indent)
{
    jbuilder_add_text(&p->out, before);
    jbuilder_add_text(&p->out, "\n");
    jbuilder_add_fill(&p->out, " ", 1, indent > 0 ? (size_t)indent : 0, true);
}

static void format_list(struct printer *p, const struct jlist *list, const char *open, const char *close,
                        int64_t indent, int64_t allowance, unsigned level)
{
    jbuilder_add_text(&p->out, open);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            new_line(p, ",", indent + 1);
        format(p, list->items[i], indent + 1, i + 1 == list->count ? allowance + (int64_t)strlen(close) : 1, level);
    }
    jbuilder_add_text(&p->out, close);
}

static void format_dict(struct printer *p, const struct jdict *dict, int64_t indent, int64_t allowance, unsigned level)
{
    size_t *order = jdict_sorted(p->run, dict, key_less);

    jbuilder_add_text(&p->out, "{");
    for (size_t i = 0; i < dict->count; i++) {
        const struct jentry *entry = &dict->entries[order[i]];
        const struct jstring *key = plain(p->run, entry->key);
        if (i > 0)
            new_line(p, ",", indent + 1);
        jbuilder_add_string(&p->out, key);
        jbuilder_add_text(&p->out, ": ");
        format(p, entry->value, indent + 1 + (int64_t)key->chars + 2, i + 1 == dict->count ? allowance + 1 : 1, level);
    }
    jbuilder_add_text(&p->out, "}");
}

/* A word of a line with the space behind it. */
static size_t word_end(const struct jstring *line, size_t at)
{
    size_t next = at;

    while (at < line->count && !jchar_has(jchar_at(line->bytes, at, &next), JCHAR_SPACE))
        at = next;
    while (at < line->count && jchar_has(jchar_at(line->bytes, at, &next), JCHAR_SPACE))
        at = next;
    return at;
}

/* Cuts a line that is too wide between words; `last_width` is what its last piece may take. */
static void cut_line(struct printer *p, struct jlist *pieces, const struct jstring *line, int64_t width,
                     int64_t last_width)
{
    size_t from = 0, to, end;

    jrun_charge_bytes(p->run, line->count * 4);
    for (to = 0; to < line->count; to = end) {
        const struct jstring *candidate;
        end = word_end(line, to);
        candidate = plain(p->run, jstr(jstring_part(p->run, line, from, end)));
        if ((int64_t)candidate->chars > (end == line->count ? last_width : width)) {
            if (to > from)
                jlist_append(p->run, pieces, jstr(plain(p->run, jstr(jstring_part(p->run, line, from, to)))));
            from = to;
        }
    }
    if (from < line->count)
        jlist_append(p->run, pieces, jstr(plain(p->run, jstr(jstring_part(p->run, line, from, line->count)))));
}

/* A text that is too wide: its lines, and pieces of these, as literals one below the other. */
static void format_text(struct printer *p, const struct jstring *text, int64_t indent, int64_t allowance,
                        unsigned level)
{
    struct jlist *lines = jsplit_lines(p->run, text, true), *pieces = jlist_new(p->run, 0);

    if (level == 1) { /* in parentheses, where no container is around it */
        indent++;
        allowance++;
    }
    for (size_t i = 0; i < lines->count; i++) {
        int64_t width = WIDTH - indent, last_width = i + 1 == lines->count ? width - allowance : width;
        const struct jstring *line = plain(p->run, lines->items[i]);
        if ((int64_t)line->chars <= last_width)
            jlist_append(p->run, pieces, jstr(line));
        else
            cut_line(p, pieces, lines->items[i].as.string, width, last_width);
    }
    if (level == 1 && pieces->count > 1)
        jbuilder_add_text(&p->out, "(");
    for (size_t i = 0; i < pieces->count; i++) {
        if (i > 0)
            new_line(p, "", indent);
        jbuilder_add_string(&p->out, pieces->items[i].as.string);
    }
    if (level == 1 && pieces->count > 1)
        jbuilder_add_text(&p->out, ")");
}

static void format(struct printer *p, struct jvalue value, int64_t indent, int64_t allowance, unsigned level)
{
    const struct jstring *text = plain(p->run, value);

    jrun_enter(p->run);
    if ((int64_t)text->chars <= WIDTH - indent - allowance)
        jbuilder_add_string(&p->out, text);
    else if (value.kind == J_DICT)
        format_dict(p, value.as.dict, indent, allowance, level + 1);
    else if (value.kind == J_LIST)
        format_list(p, value.as.list, "[", "]", indent, allowance, level + 1);
    else if (value.kind == J_TUPLE)
        format_list(p, value.as.list, "(", value.as.list->count == 1 ? ",)" : ")", indent, allowance, level + 1);
    else if (value.kind == J_STRING && value.as.string->count > 0 && !value.as.string->markup)
        format_text(p, value.as.string, indent, allowance, level + 1);
    else
        jbuilder_add_string(&p->out, text);
    jrun_leave(p->run);
}

static struct jvalue filter_pprint(struct jrun *run, const struct jcall *call)
{
    struct printer p = {.run = run};

    jbuilder_init(&p.out, run);
    format(&p, call->args[0], 0, 0, 0);
    return jstr(jbuilder_string(&p.out));
}

const struct jbuiltin jfilters_pretty[] = {
    {"pprint", filter_pprint, "value", 1, 0},
    {0},
};
