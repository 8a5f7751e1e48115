/* "{}".format(arguments), with the sandbox's rules for the attributes that a field may name.
 * Thread: the run's. Owner: the run. */
#include "format.h"

struct braces {
    struct jrun *run;
    const struct jvalue *args;
    size_t count;
    struct jdict *keywords;
    int64_t automatic; /* number of the next {}; -1 once fields are numbered by hand */
};

static bool all_digits(const struct jstring *text)
{
    for (size_t i = 0; i < text->count; i++) {
        if (text->bytes[i] < '0' || text->bytes[i] > '9')
            return false;
    }
    return text->count > 0;
}

static struct jvalue braces_first(struct braces *b, const struct jstring *name)
{
    const struct jvalue *value = NULL;
    int64_t index;

    if (name->count == 0) {
        if (b->automatic < 0)
            jraise(b->run, "cannot switch from manual field specification to automatic field numbering");
        index = b->automatic++;
    } else if (all_digits(name) && jparse_int(b->run, name, 10, &index)) {
        if (b->automatic > 0)
            jraise(b->run, "cannot switch from automatic field numbering to manual field specification");
        b->automatic = -1;
    } else {
        value = b->keywords != NULL ? jdict_get_string(b->run, b->keywords, name) : NULL;
        if (value == NULL)
            jraise(b->run, "no such keyword for the format string");
        return *value;
    }
    if (index < 0 || (size_t)index >= b->count)
        jraise(b->run, "Replacement index %lld out of range for positional args tuple", (long long)index);
    return b->args[index];
}

/* name(.attribute | [key])* */
static struct jvalue braces_value(struct braces *b, const struct jstring *field)
{
    size_t at = 0, start;
    struct jvalue value;
    int64_t index;

    while (at < field->count && field->bytes[at] != '.' && field->bytes[at] != '[')
        at++;
    value = braces_first(b, jstring_part(b->run, field, 0, at));
    while (at < field->count) {
        const struct jstring *part;
        bool attribute = field->bytes[at] == '.';
        start = ++at;
        while (at < field->count && (attribute ? field->bytes[at] != '.' && field->bytes[at] != '['
                                     : field->bytes[at] != ']'))
            at++;
        part = jstring_part(b->run, field, start, at);
        if (part->count == 0 || (!attribute && at == field->count))
            jraise(b->run, "Empty attribute in format string");
        if (attribute)
            value = jattribute(b->run, value, part);
        else if (all_digits(part) && jparse_int(b->run, part, 10, &index))
            value = jitem(b->run, value, jint(index));
        else
            value = jitem(b->run, value, jstr(part));
        at += !attribute;
    }
    return value;
}

static void braces_text(struct braces *b, const struct jstring *format, struct jbuilder *out, unsigned depth);

static void braces_field(struct braces *b, const struct jstring *field, bool markup, struct jbuilder *out,
                         unsigned depth)
{
    size_t end = 0, brackets = 0, spec_at;
    struct jvalue value;
    struct jbuilder text;
    const struct jstring *result;
    char conversion = 0;

    for (; end < field->count; end++) {
        brackets += field->bytes[end] == '[';
        brackets -= field->bytes[end] == ']' && brackets > 0;
        if (brackets == 0 && (field->bytes[end] == ':' || field->bytes[end] == '!'))
            break;
    }
    value = braces_value(b, jstring_part(b->run, field, 0, end));
    if (end < field->count && field->bytes[end] == '!') {
        if (end + 1 >= field->count || !jspec_one_of("sra", field->bytes[end + 1]))
            jraise(b->run, "unknown conversion specifier in format string");
        conversion = field->bytes[end + 1];
        end += 2;
        if (end < field->count && field->bytes[end] != ':')
            jraise(b->run, "expected ':' after conversion specifier");
    }
    spec_at = end < field->count ? end + 1 : end;
    if (conversion == 's')
        value = jstr(jto_string(b->run, value));
    if (conversion == 'r' || conversion == 'a') {
        jbuilder_init(&text, b->run);
        (conversion == 'r' ? jadd_repr : jadd_ascii)(&text, value);
        value = jstr(jbuilder_string(&text));
    }
    jbuilder_init(&text, b->run);
    braces_text(b, jstring_part(b->run, field, spec_at, field->count), &text, depth + 1);
    result = jformat_field(b->run, value, jbuilder_string(&text));
    jbuilder_add_string(out, markup ? jescape(b->run, jstr(result)) : result);
}

static void braces_text(struct braces *b, const struct jstring *format, struct jbuilder *out, unsigned depth)
{
    size_t at = 0;

    jrun_charge_bytes(b->run, format->count);
    if (depth > 2)
        jraise(b->run, "Max string recursion exceeded");
    while (at < format->count) {
        size_t start = at, nested = 1;
        while (at < format->count && format->bytes[at] != '{' && format->bytes[at] != '}')
            at++;
        jbuilder_add_part(out, format, start, at);
        if (at == format->count)
            break;
        if (at + 1 < format->count && format->bytes[at + 1] == format->bytes[at]) {
            jbuilder_add_part(out, format, at, at + 1);
            at += 2;
            continue;
        }
        if (format->bytes[at] == '}')
            jraise(b->run, "Single '}' encountered in format string");
        start = ++at;
        for (; at < format->count; at++) {
            nested += format->bytes[at] == '{';
            nested -= format->bytes[at] == '}';
            if (nested == 0)
                break;
        }
        if (nested != 0)
            jraise(b->run, "expected '}' before end of string");
        braces_field(b, jstring_part(b->run, format, start, at), format->markup, out, depth);
        at++;
    }
}

struct jvalue jformat_braces(struct jrun *run, const struct jstring *format, const struct jvalue *args, size_t count,
                             struct jdict *keywords)
{
    struct braces b = {.run = run, .args = args, .count = count, .keywords = keywords};
    struct jbuilder out;

    jbuilder_init(&out, run);
    braces_text(&b, format, &out, 0);
    return jstr(format->markup ? jstring_markup(run, jbuilder_string(&out)) : jbuilder_string(&out));
}
