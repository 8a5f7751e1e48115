/* Filters that know HTML. Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

static struct jvalue filter_safe(struct jrun *run, const struct jcall *call)
{
    return jstr(jstring_markup(run, jto_string(run, call->args[0])));
}

static struct jvalue filter_escape(struct jrun *run, const struct jcall *call)
{
    return jstr(jescape(run, call->args[0]));
}

static struct jvalue filter_forceescape(struct jrun *run, const struct jcall *call)
{
    return jstr(jescape(run, jstr(jstring_plain(run, jto_string(run, call->args[0])))));
}

/* ---- striptags --------------------------------------------------------------------------------------------------- */

/* The text without <...> and comments. */
static const struct jstring *drop_tags(struct jrun *run, const struct jstring *string)
{
    struct jbuilder out;
    size_t at = 0;

    jbuilder_init(&out, run);
    for (;;) {
        const char *open = memchr(string->bytes + at, '<', string->count - at), *close;
        bool comment;
        if (open == NULL)
            break;
        comment = (size_t)(string->bytes + string->count - open) >= 4 && memcmp(open, "<!--", 4) == 0;
        close = memmem(open + (comment ? 4 : 0), (size_t)(string->bytes + string->count - open) - (comment ? 4 : 0),
                       comment ? "-->" : ">", comment ? 3 : 1);
        if (close == NULL)
            break;
        jbuilder_add_part(&out, string, at, (size_t)(open - string->bytes));
        at = (size_t)(close - string->bytes) + (comment ? 3 : 1);
    }
    jbuilder_add_part(&out, string, at, string->count);
    return jbuilder_string(&out);
}

static const struct jstring *collapse_space(struct jrun *run, const struct jstring *string)
{
    struct jbuilder out;
    bool pending = false;
    size_t next;

    jbuilder_init(&out, run);
    for (size_t at = 0; at < string->count; at = next) {
        if (jchar_has(jchar_at(string->bytes, at, &next), JCHAR_SPACE)) {
            pending = out.count > 0;
            continue;
        }
        if (pending)
            jbuilder_add(&out, " ", 1, true);
        pending = false;
        jbuilder_add_part(&out, string, at, next);
    }
    return jbuilder_string(&out);
}

/* &amp; and its kin, &#39; and &#x27;. Other named entities stay as they are. */
static size_t entity(const struct jstring *string, size_t at, uint32_t *code)
{
    static const struct {
        const char *name;
        uint32_t code;
    } names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", 0xa0}};
    size_t left = string->count - at, digits = 0;
    const char *bytes = string->bytes + at;
    bool hex;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (left >= strlen(names[i].name) && memcmp(bytes, names[i].name, strlen(names[i].name)) == 0) {
            *code = names[i].code;
            return strlen(names[i].name);
        }
    }
    if (left < 4 || bytes[1] != '#')
        return 0;
    hex = (bytes[2] | 32) == 'x';
    *code = 0;
    for (size_t i = hex ? 3 : 2; i < left && digits < 8; i++, digits++) {
        int digit = jdigit_value(bytes[i]);
        if (digit >= (hex ? 16 : 10))
            return digits > 0 && bytes[i] == ';' && *code > 0 && *code < 0x110000 && (*code < 0xd800 || *code >= 0xe000)
                       ? i + 1
                       : 0;
        *code = *code * (hex ? 16 : 10) + (uint32_t)digit;
    }
    return 0;
}

static struct jvalue filter_striptags(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jto_string(run, call->args[0]);
    struct jbuilder out;

    jrun_charge_bytes(run, string->count * 4);
    string = collapse_space(run, drop_tags(run, jstring_plain(run, string)));
    jbuilder_init(&out, run);
    for (size_t at = 0; at < string->count;) {
        uint32_t code;
        size_t count = string->bytes[at] == '&' ? entity(string, at, &code) : 0;
        if (count > 0) {
            jbuilder_add_char(&out, code, jstring_all_trusted(jstring_part(run, string, at, at + count)));
        } else {
            count = 1;
            while (at + count < string->count && string->bytes[at + count] != '&')
                count++;
            jbuilder_add_part(&out, string, at, at + count);
        }
        at += count;
    }
    return jstr(jbuilder_string(&out));
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static struct jvalue filter_xmlattr(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];
    bool space = jflag(run, call->args[1], true);
    struct jbuilder out;

    if (value.kind == J_UNDEFINED)
        jundefined_raise(run, value);
    if (value.kind != J_DICT)
        jraise(run, "'%s' object has no attribute 'items'", jtype_name(value));
    jbuilder_init(&out, run);
    for (size_t i = 0; i < value.as.dict->count; i++) {
        const struct jentry *entry = &value.as.dict->entries[i];
        const struct jstring *key;
        if (entry->value.kind == J_NONE || entry->value.kind == J_UNDEFINED)
            continue;
        key = jstring_of(run, entry->key, "the name of an attribute");
        for (size_t k = 0; k < key->count; k++) {
            if (key->bytes[k] != 0 && strchr(" \t\n\r\f\v/>=", key->bytes[k]) != NULL)
                jraise(run, "invalid character in attribute name");
        }
        if (out.count > 0 || space)
            jbuilder_add_text(&out, " ");
        jbuilder_add_string(&out, jescape(run, entry->key));
        jbuilder_add_text(&out, "=\"");
        jbuilder_add_string(&out, jescape(run, entry->value));
        jbuilder_add_text(&out, "\"");
    }
    return jstr(jbuilder_string(&out));
}

static struct jvalue filter_random(struct jrun *run, const struct jcall *call)
{
    (void)call;
    jfail(run, QUIRE_UNSUPPORTED, "the filter 'random' is not for chat templates: it gives another item each time");
}

const struct jbuiltin jfilters_markup[] = {
    {"safe", filter_safe, "value", 1, 0},
    {"escape", filter_escape, "/s", 1, 0},
    {"e", filter_escape, "/s", 1, 0},
    {"forceescape", filter_forceescape, "value", 1, 0},
    {"striptags", filter_striptags, "value", 1, 0},
    {"xmlattr", filter_xmlattr, "d autospace", 1, 0},
    {"random", filter_random, NULL, 1, 0},
    {0},
};
