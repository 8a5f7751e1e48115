/* Compiling and rendering: the public functions, and the one place where errors come out.
 * Thread: any; a run lives on its caller's stack. Owner: templates and outputs belong to the caller. */
#include "eval.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_BYTES_MAX ((size_t)256 * 1024)
#define COMPILE_STEPS_MAX 1000000u
#define COMPILE_MEMORY_MAX ((size_t)12 * 1024 * 1024)
#define COMPILE_DEPTH_MAX 300u
#define SQUARED_ITEMS_MAX 2048u

const struct jinja_limits jinja_limits_default = {
    .steps_max = 1000000,
    .output_bytes_max = (size_t)4 * 1024 * 1024,
    .memory_bytes_max = (size_t)12 * 1024 * 1024,
    .depth_max = 1000,
};

/* ---- errors ------------------------------------------------------------------------------------------------------ */

void jfail(struct jrun *run, enum quire_status status, const char *format, ...)
{
    uint32_t line = 1, column = 1;
    char message[QUIRE_ERROR_BYTES];
    va_list arguments;

    for (size_t i = 0; i < run->offset && i < run->source_bytes; i++) {
        if (run->source[i] == '\n')
            line++, column = 1;
        else if (((unsigned char)run->source[i] & 0xc0) != 0x80)
            column++;
    }
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    run->status = quire_fail(run->error, status, "chat template, line %u, column %u: %s", line, column, message);
    longjmp(run->escape, 1);
}

/* Runs `work` so that jfail() ends it; gives the status. */
static enum quire_status guard(struct jrun *run, void (*work)(struct jrun *run, void *context), void *context)
{
    run->status = QUIRE_OK;
    if (setjmp(run->escape) == 0)
        work(run, context);
    if (run->status == QUIRE_OK && run->error != NULL)
        run->error->message[0] = 0;
    return run->status;
}

/* ---- compiling --------------------------------------------------------------------------------------------------- */

struct compilation {
    const char *source;
    size_t source_bytes;
    struct jinja_template *template;
};

/* Newlines as the reference's lexer wants them: "\n" alone, none at the very end. */
static void take_source(struct jrun *run, const struct compilation *c)
{
    size_t count = 0, bad;

    if (c->source_bytes > SOURCE_BYTES_MAX)
        jfail(run, QUIRE_LIMIT, "a template of more than %zu bytes", SOURCE_BYTES_MAX);
    c->template->source = jalloc(run, c->source_bytes + 1);
    for (size_t i = 0; i < c->source_bytes; i++) {
        char byte = c->source[i];
        if (byte == '\r') {
            byte = '\n';
            i += i + 1 < c->source_bytes && c->source[i + 1] == '\n';
        }
        c->template->source[count++] = byte;
    }
    count -= count > 0 && c->template->source[count - 1] == '\n';
    c->template->source[count] = 0;
    c->template->source_bytes = count;
    run->source = c->template->source;
    run->source_bytes = count;
    bad = jutf8_check(run->source, count);
    run->offset = (uint32_t)bad;
    if (bad < count)
        jfail(run, QUIRE_BAD_FILE, "not UTF-8");
}

static void compile(struct jrun *run, void *context)
{
    struct compilation *c = context;
    struct jparser *parser;

    take_source(run, c);
    parser = jalloc(run, sizeof *parser);
    *parser = (struct jparser){.run = run,
                               .template = c->template,
                               .lexer = {.run = run,
                                         .source = c->template->source,
                                         .bytes = c->template->source_bytes,
                                         .line_starting = true}};
    jparse_template(parser);
    jscope_resolve(run, c->template);
}

enum quire_status jinja_compile(const char *source, size_t source_bytes, struct jinja_template **out,
                                struct quire_error *error)
{
    struct jrun run = {.error = error,
                       .arena = {.bytes_max = COMPILE_MEMORY_MAX},
                       .steps_max = COMPILE_STEPS_MAX,
                       .depth_max = COMPILE_DEPTH_MAX,
                       .output_max = SOURCE_BYTES_MAX};
    struct jinja_template *template = calloc(1, sizeof *template);
    struct compilation c = {.source = source, .source_bytes = source_bytes, .template = template};
    enum quire_status status;

    if (template == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for a chat template");
    status = guard(&run, compile, &c);
    template->arena = run.arena;
    if (status != QUIRE_OK) {
        jinja_template_destroy(template);
        return status;
    }
    *out = template;
    return QUIRE_OK;
}

void jinja_template_destroy(struct jinja_template *template)
{
    if (template != NULL) {
        jarena_release(&template->arena);
        free(template);
    }
}

bool jinja_template_wants_parts(const struct jinja_template *template)
{
    return template->wants_parts;
}

bool jinja_template_mentions(const struct jinja_template *template, const char *name)
{
    for (size_t i = 0; i < SYMBOL_BUCKETS; i++) {
        for (const struct jsymbol *symbol = template->symbols[i]; symbol != NULL; symbol = symbol->next) {
            if (jstring_is(symbol->text, name))
                return true;
        }
    }
    return false;
}

/* ---- variables --------------------------------------------------------------------------------------------------- */

/* Bytes of all texts in `json`, and something for each value: what a render may honestly need grows with it. */
static size_t json_weight(const json_t *json, unsigned depth)
{
    size_t bytes = 64, index;
    const char *key;
    json_t *item;

    if (depth > 200)
        return bytes;
    if (json_is_string(json))
        return bytes + json_string_length(json);
    json_array_foreach((json_t *)json, index, item)
        bytes += json_weight(item, depth + 1);
    json_object_foreach((json_t *)json, key, item)
        bytes += strlen(key) + json_weight(item, depth + 1);
    return bytes;
}

/* The roles that messages may have. They are words without punctuation that the server knows, so a template may
 * spell a special token with them ('<|' + message.role + '|>'). */
static bool is_role(const char *key, const json_t *json)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function"};

    if (strcmp(key, "role") != 0 || !json_is_string(json))
        return false;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (json_string_length(json) == strlen(roles[i]) && strcmp(json_string_value(json), roles[i]) == 0)
            return true; /* the whole of it: a NUL may be followed by anything */
    }
    return false;
}

static const struct jstring *request_text(struct jrun *run, const char *bytes, size_t count, bool trusted)
{
    size_t bad = jutf8_check(bytes, count);

    jrun_charge_bytes(run, count);
    if (bad < count)
        jraise(run, "a variable is not UTF-8 at byte %zu", bad);
    return jstring_new(run, bytes, count, trusted);
}

static struct jvalue from_json(struct jrun *run, const json_t *json, bool trusted)
{
    struct jdict *dict;
    struct jlist *list;
    json_t *item;
    const char *key;
    size_t index;
    struct jvalue value;

    switch (json_typeof(json)) {
    case JSON_STRING:
        return jstr(request_text(run, json_string_value(json), json_string_length(json), trusted));
    case JSON_INTEGER:
        return jint(json_integer_value(json));
    case JSON_REAL:
        return jfloat(json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return jbool(json_is_true(json));
    case JSON_ARRAY:
        jrun_enter(run);
        list = jlist_new(run, json_array_size(json));
        json_array_foreach((json_t *)json, index, item)
            jlist_append(run, list, from_json(run, item, trusted));
        jrun_leave(run);
        return jlist_value(list, J_LIST);
    case JSON_OBJECT:
        jrun_enter(run);
        dict = jdict_new(run, json_object_size(json));
        json_object_foreach((json_t *)json, key, item) {
            value = from_json(run, item, trusted || is_role(key, item));
            jdict_set(run, dict, jstr(request_text(run, key, strlen(key), trusted)), value);
        }
        jrun_leave(run);
        return jdict_value(dict, J_DICT);
    default:
        return jnone();
    }
}

/* ---- rendering --------------------------------------------------------------------------------------------------- */

struct rendering {
    const json_t *variables;
    const struct jinja_options *options;
    struct jinja_output *out;
};

static bool is_trusted(const struct jinja_options *options, const struct jstring *name)
{
    for (size_t i = 0; i < options->trusted_count; i++) {
        if (jstring_is(name, options->trusted_names[i]))
            return true;
    }
    return options->trust_all;
}

/* Only the variables that the template names are converted. */
static void find_names(struct jrun *run, const struct rendering *r)
{
    run->names = jalloc_array(run, run->template->free_count, sizeof *run->names);
    for (uint32_t i = 0; i < run->template->free_count; i++) {
        const struct jstring *name = run->template->free_names[i]->text;
        const json_t *json = json_object_getn(r->variables, name->bytes, name->count);
        const struct jbuiltin *global = jglobal_find(name);
        if (jstring_is(name, "self")) {
            run->names[i] = (struct jvalue){.kind = J_SELF};
        } else if (json != NULL) {
            run->names[i] = from_json(run, json, is_trusted(r->options, name));
        } else if (global != NULL) {
            struct jfunction *function = jalloc(run, sizeof *function);
            *function = (struct jfunction){.builtin = global, .self = jmissing()};
            run->names[i] = (struct jvalue){.kind = J_FUNCTION, .as.function = function};
        } else {
            run->names[i] = jmissing();
        }
    }
}

static void give_output(struct jrun *run, const struct jbuilder *text, struct jinja_output *out)
{
    struct jinja_output result = {.text_bytes = text->count,
                                  .run_count = text->count > 0 ? text->flip_count + 1 : 0};
    size_t memory_max = run->arena.bytes_max + run->output_max, at = 0;
    bool trusted = text->first;

    if (run->arena.held_bytes + text->count + result.run_count * sizeof *result.runs > memory_max)
        jfail(run, QUIRE_LIMIT, "more than %zu bytes of memory", memory_max);
    result.text = malloc(text->count + 1);
    result.runs = calloc(result.run_count + 1, sizeof *result.runs);
    if (result.text == NULL || result.runs == NULL) {
        jinja_output_deinit(&result);
        jfail(run, QUIRE_NO_MEMORY, "no memory for the rendered text");
    }
    if (text->count > 0)
        memcpy(result.text, text->bytes, text->count);
    result.text[text->count] = 0;
    for (size_t i = 0; i < result.run_count; i++, trusted = !trusted) {
        size_t end = i < text->flip_count ? text->flips[i] : text->count;
        result.runs[i] = (struct text_run){.text = result.text + at, .text_bytes = end - at, .trusted = trusted};
        at = end;
    }
    *out = result;
}

static void render(struct jrun *run, void *context)
{
    const struct rendering *r = context;
    struct jbuilder text;

    jbuilder_init(&text, run);
    run->out = &text;
    find_names(run, r);
    run->top = jframe_new(run, run->template->scope, NULL);
    jexecute(run, run->top, &run->template->body);
    give_output(run, &text, r->out);
}

/* What an honest render needs grows with what it is given. Some templates look at all messages for each message. */
static void raise_limits(struct jinja_limits *limits, const json_t *variables)
{
    size_t weight = json_weight(variables, 0);
    const char *key;
    json_t *value;

    limits->steps_max += weight * 8;
    limits->output_bytes_max += weight * 4;
    limits->memory_bytes_max += weight * 16;
    json_object_foreach((json_t *)variables, key, value) {
        uint64_t items = json_array_size(value) < SQUARED_ITEMS_MAX ? json_array_size(value) : SQUARED_ITEMS_MAX;
        limits->steps_max += items * items * 4;
    }
}

enum quire_status jinja_render(const struct jinja_template *template, const json_t *variables,
                               const struct jinja_options *options, struct jinja_output *out, struct quire_error *error)
{
    static const struct jinja_options none;
    struct rendering r = {.variables = variables, .options = options != NULL ? options : &none, .out = out};
    struct jinja_limits limits = jinja_limits_default;
    struct jrun run;
    enum quire_status status;

    if (!json_is_object(variables))
        return quire_fail(error, QUIRE_INVALID, "the variables of a chat template must be a JSON object");
    if (r.options->limits != NULL) {
        limits = *r.options->limits;
    } else {
        raise_limits(&limits, variables);
    }
    run = (struct jrun){.error = error,
                        .arena = {.bytes_max = limits.memory_bytes_max},
                        .source = template->source,
                        .source_bytes = template->source_bytes,
                        .steps_max = limits.steps_max,
                        .depth_max = limits.depth_max,
                        .output_max = limits.output_bytes_max,
                        .template = template,
                        .now_ns = r.options->now_ns};
    status = guard(&run, render, &r);
    jarena_release(&run.arena);
    return status;
}

void jinja_output_deinit(struct jinja_output *output)
{
    free(output->text);
    free(output->runs);
    *output = (struct jinja_output){0};
}

void jinja_output_truncate(struct jinja_output *output, size_t text_bytes)
{
    if (text_bytes >= output->text_bytes)
        return;
    output->text[text_bytes] = 0;
    output->text_bytes = text_bytes;
    while (output->run_count > 0) {
        struct text_run *last = &output->runs[output->run_count - 1];
        size_t start = (size_t)(last->text - output->text);
        if (start < text_bytes) {
            last->text_bytes = text_bytes - start;
            return;
        }
        output->run_count--;
    }
}
