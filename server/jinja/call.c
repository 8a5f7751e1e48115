/* Attributes, items and calls, with the rules of jinja2's sandbox.
 * Thread: its run's. Owner: the run. */
#include "eval.h"

#include <assert.h>
#include <string.h>

/* ---- attributes and items ---------------------------------------------------------------------------------------- */

static struct jvalue unsafe(struct jrun *run, struct jvalue object, const struct jstring *name)
{
    struct jbuilder hint;

    jbuilder_init(&hint, run);
    jbuilder_add_text(&hint, "access to attribute '");
    jbuilder_add_string(&hint, name);
    jbuilder_add_text(&hint, "' of '");
    jbuilder_add_text(&hint, jtype_name(object));
    jbuilder_add_text(&hint, "' object is unsafe");
    jbuilder_add(&hint, "", 1, true);
    return jundefined_hint(run, jbuilder_string(&hint)->bytes);
}

static struct jvalue macro_attribute(struct jrun *run, const struct jnode *node, const struct jstring *name)
{
    const struct jparameters *parameters = node->as.macro.parameters;
    struct jlist *names;

    if (jstring_is(name, "name"))
        return node->kind == JN_MACRO ? jstr(node->as.macro.target->as.name.symbol->text) : jnone();
    if (jstring_is(name, "catch_kwargs"))
        return jbool(parameters->keywords);
    if (jstring_is(name, "catch_varargs"))
        return jbool(parameters->rest);
    if (jstring_is(name, "caller"))
        return jbool(parameters->caller);
    if (!jstring_is(name, "arguments"))
        return jmissing();
    names = jlist_new(run, parameters->count);
    for (uint32_t i = 0; i < parameters->count; i++)
        jlist_append(run, names, jstr(parameters->names[i]->text));
    return jlist_value(names, J_TUPLE);
}

/* What Python's getattr finds, or J_MISSING. */
static struct jvalue find_attribute(struct jrun *run, struct jvalue object, const struct jstring *name)
{
    const struct jbuiltin *method;
    const struct jvalue *item;
    struct jfunction *bound;

    if (name->count > 4 && memcmp(name->bytes, "__", 2) == 0 && memcmp(name->bytes + name->count - 2, "__", 2) == 0)
        return unsafe(run, object, name);
    switch (object.kind) {
    case J_NAMESPACE:
        item = jdict_get_string(run, object.as.dict, name);
        return item != NULL ? *item : jmissing();
    case J_GROUP:
        if (jstring_is(name, "grouper") || jstring_is(name, "list"))
            return object.as.list->items[jstring_is(name, "list")];
        break;
    case J_LOOP: {
        struct jvalue value = jloop_attribute(run, object.as.loop, name);
        if (value.kind != J_MISSING)
            return value;
        break;
    }
    case J_MACRO:
        return macro_attribute(run, object.as.macro->node, name);
    case J_CYCLER:
        if (jstring_is(name, "current"))
            return object.as.cycler->items->items[object.as.cycler->at];
        break;
    case J_RANGE:
        if (jstring_is(name, "start"))
            return jint(object.as.range->start);
        if (jstring_is(name, "stop"))
            return jint(object.as.range->stop);
        if (jstring_is(name, "step"))
            return jint(object.as.range->step);
        break;
    case J_BOOL:
    case J_INT:
    case J_FLOAT: {
        struct jvalue value = jnumber_attribute(object, name);
        if (value.kind != J_MISSING)
            return value;
        break;
    }
    default:
        break;
    }
    method = jmethod_find(object, name);
    if (method == NULL)
        return jmissing();
    if (method->call == NULL)
        return unsafe(run, object, name);
    bound = jalloc(run, sizeof *bound);
    *bound = (struct jfunction){.builtin = method, .self = object};
    return (struct jvalue){.kind = J_FUNCTION, .as.function = bound};
}

static struct jvalue find_block(struct jrun *run, const struct jstring *name)
{
    for (const struct jnode *block = run->template->blocks; block != NULL; block = block->as.block.next) {
        if (jstring_equal(run, block->as.block.name, name))
            return (struct jvalue){.kind = J_BLOCK, .as.block = block};
    }
    return jmissing();
}

/* What Python's object[key] gives, or J_MISSING where it raises LookupError or TypeError. */
static struct jvalue find_item(struct jrun *run, struct jvalue object, struct jvalue key)
{
    const struct jvalue *item;
    int64_t index, length;

    switch (object.kind) {
    case J_UNDEFINED:
        jundefined_raise(run, object);
    case J_DICT:
        item = jvalue_hashable(run, key) ? jdict_get(run, object.as.dict, key) : NULL;
        return item != NULL ? *item : jmissing();
    case J_LIST:
    case J_TUPLE:
    case J_GROUP:
    case J_STRING:
    case J_RANGE:
        if (!jvalue_is_integral(key))
            return jmissing();
        index = jint_of(run, key, "index");
        length = jlength(run, object);
        if (index < 0)
            index += length;
        if (index < 0 || index >= length)
            return jmissing();
        if (object.kind == J_RANGE)
            return jint(object.as.range->start + index * object.as.range->step);
        if (object.kind == J_STRING)
            return jslice(run, object, jint(index), jint(index + 1), jnone());
        return object.as.list->items[index];
    case J_SELF:
        return key.kind == J_STRING ? find_block(run, key.as.string) : jmissing();
    default:
        return jmissing();
    }
}

struct jvalue jattribute(struct jrun *run, struct jvalue object, const struct jstring *name)
{
    struct jvalue value;

    if (object.kind == J_UNDEFINED)
        jundefined_raise(run, object);
    value = find_attribute(run, object, name);
    if (value.kind == J_MISSING)
        value = find_item(run, object, jstr(name));
    return value.kind != J_MISSING ? value : jundefined_member(run, object, jstr(name));
}

struct jvalue jitem(struct jrun *run, struct jvalue object, struct jvalue key)
{
    struct jvalue value = find_item(run, object, key);

    if (value.kind == J_MISSING && key.kind == J_STRING)
        value = find_attribute(run, object, key.as.string);
    return value.kind != J_MISSING ? value : jundefined_member(run, object, key);
}

/* ---- builtins ---------------------------------------------------------------------------------------------------- */

/* Index of `name` in a list of parameters, or their number. */
static size_t parameter_index(const char *parameters, const struct jstring *name, size_t *count)
{
    size_t index = 0, found = SIZE_MAX;

    for (const char *word = parameters; *word != 0; index++) {
        size_t bytes = strcspn(word, " ");
        if (name != NULL && bytes == name->count && memcmp(word, name->bytes, bytes) == 0)
            found = index;
        word += bytes + (word[bytes] == ' ');
    }
    *count = index;
    return found;
}

struct jvalue jbuiltin_call(struct jrun *run, const struct jbuiltin *builtin, struct jvalue self,
                            const struct jvalue *args, size_t count, struct jdict *keywords)
{
    struct jvalue bound[JPARAMETERS_MAX];
    struct jcall call = {.builtin = builtin, .self = self, .args = args, .count = count, .keywords = keywords};
    const char *parameters = builtin->parameters;
    size_t parameter_count;
    bool positional;

    if (parameters == NULL) {
        if (count < builtin->required)
            jraise(run, "%s() takes at least %u arguments", builtin->name, builtin->required);
        return builtin->call(run, &call);
    }
    positional = parameters[0] == '/';
    parameters += positional;
    parameter_index(parameters, NULL, &parameter_count);
    assert(parameter_count <= JPARAMETERS_MAX);
    if (count > parameter_count)
        jraise(run, "%s() takes at most %zu arguments (%zu given)", builtin->name, parameter_count, count);
    for (size_t i = 0; i < JPARAMETERS_MAX; i++)
        bound[i] = i < count ? args[i] : jmissing();
    for (size_t i = 0; keywords != NULL && i < keywords->count; i++) {
        const struct jstring *name = keywords->entries[i].key.as.string;
        size_t index = positional ? SIZE_MAX : parameter_index(parameters, name, &parameter_count);
        if (index == SIZE_MAX || bound[index].kind != J_MISSING)
            jraise(run, "%s() got an unexpected keyword argument '%.*s'", builtin->name,
                   name->count < 100 ? (int)name->count : 100, name->bytes);
        bound[index] = keywords->entries[i].value;
    }
    for (size_t i = 0; i < builtin->required; i++) {
        if (bound[i].kind == J_MISSING)
            jraise(run, "%s() is missing a required argument", builtin->name);
    }
    call.args = bound;
    call.count = parameter_count;
    call.keywords = NULL;
    return builtin->call(run, &call);
}

struct jvalue jcall_named(struct jrun *run, bool filter, struct jvalue name, struct jvalue value,
                          const struct jvalue *args, size_t count, struct jdict *keywords)
{
    const struct jbuiltin *builtin = NULL;
    struct jlist *all = jlist_new(run, count + 1);

    if (name.kind == J_STRING)
        builtin = filter ? jfilter_find(name.as.string) : jtest_find(name.as.string);
    if (builtin == NULL)
        jraise(run, "no %s of that name", filter ? "filter" : "test");
    jlist_append(run, all, value);
    for (size_t i = 0; i < count; i++)
        jlist_append(run, all, args[i]);
    return jbuiltin_call(run, builtin, jmissing(), all->items, all->count, keywords);
}

/* ---- macros ------------------------------------------------------------------------------------------------------ */

static struct jvalue take_keyword(struct jrun *run, struct jdict *keywords, const struct jstring *name)
{
    const struct jvalue *found = keywords != NULL ? jdict_get_string(run, keywords, name) : NULL;
    struct jvalue value = found != NULL ? *found : jmissing();

    if (found != NULL)
        jdict_set(run, keywords, jstr(name), jmissing()); /* taken */
    return value;
}

static const struct jstring *macro_name(const struct jmacro *macro)
{
    static const struct jstring caller = {.bytes = "caller", .count = 6, .chars = 6};

    return macro->node->kind == JN_MACRO ? macro->node->as.macro.target->as.name.symbol->text : &caller;
}
/* For "%.*s". */
#define NAME_OF(macro) (macro_name(macro)->count < 100 ? (int)macro_name(macro)->count : 100), macro_name(macro)->bytes

/* The keywords that no parameter took; raises where the macro does not want them. */
static struct jvalue rest_of_keywords(struct jrun *run, const struct jmacro *macro, const struct jdict *keywords)
{
    struct jdict *rest = jdict_new(run, 0);

    for (size_t i = 0; keywords != NULL && i < keywords->count; i++) {
        const struct jentry *entry = &keywords->entries[i];
        if (entry->value.kind == J_MISSING)
            continue;
        if (!macro->node->as.macro.parameters->keywords)
            jraise(run, "macro '%.*s' takes no keyword argument '%.*s'", NAME_OF(macro),
                   entry->key.as.string->count < 100 ? (int)entry->key.as.string->count : 100,
                   entry->key.as.string->bytes);
        jdict_set(run, rest, entry->key, entry->value);
    }
    return jdict_value(rest, J_DICT);
}

static void fill_parameters(struct jrun *run, const struct jmacro *macro, struct jframe *frame,
                            const struct jvalue *args, size_t count, struct jdict *keywords)
{
    const struct jparameters *parameters = macro->node->as.macro.parameters;
    uint32_t slot = parameters->count;
    struct jvalue rest;

    for (uint32_t i = 0; i < parameters->count; i++)
        frame->slots[i] = i < count ? args[i] : take_keyword(run, keywords, parameters->names[i]->text);
    if (parameters->caller && !parameters->names_caller) {
        struct jvalue caller = take_keyword(run, keywords, jstring_new(run, "caller", 6, true));
        frame->slots[slot++] =
            caller.kind == J_MISSING || caller.kind == J_NONE ? jundefined_hint(run, "no caller defined") : caller;
    }
    rest = rest_of_keywords(run, macro, keywords);
    if (parameters->keywords)
        frame->slots[slot++] = rest;
    if (count > parameters->count && !parameters->rest)
        jraise(run, "macro '%.*s' takes not more than %u argument(s)", NAME_OF(macro), parameters->count);
    if (parameters->rest) {
        struct jlist *more = jlist_new(run, 0);
        for (size_t i = parameters->count; i < count; i++)
            jlist_append(run, more, args[i]);
        frame->slots[slot] = jlist_value(more, J_TUPLE);
    }
}

static struct jvalue call_macro(struct jrun *run, const struct jmacro *macro, const struct jvalue *args, size_t count,
                                struct jdict *keywords)
{
    const struct jnode *node = macro->node;
    const struct jparameters *parameters = node->as.macro.parameters;
    struct jframe *frame = jframe_new(run, node->as.macro.scope, macro->frame);
    const struct jstring *text;

    fill_parameters(run, macro, frame, args, count, keywords);
    for (uint32_t i = 0; i < parameters->count; i++) {
        if (frame->slots[i].kind != J_MISSING)
            continue;
        if (parameters->defaults[i] != NULL)
            frame->slots[i] = jeval(run, frame, parameters->defaults[i]);
        else
            frame->slots[i] = jundefined_parameter(run, parameters->names[i]->text);
    }
    text = jcapture(run, frame, &node->as.macro.body);
    return jstr(text);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static struct jvalue call_loop(struct jrun *run, struct jloop *loop, const struct jvalue *args, size_t count)
{
    struct jbuilder text, *outer = run->out;

    if (!loop->node->flag)
        jraise(run, "the loop must have the 'recursive' marker to be called recursively");
    if (count != 1)
        jraise(run, "loop() takes one argument");
    jbuilder_init(&text, run);
    run->out = &text;
    jloop_run(run, loop->frame, loop->node, args[0], loop->depth0 + 1);
    run->out = outer;
    return jstr(jbuilder_string(&text));
}

static struct jvalue call_block(struct jrun *run, const struct jnode *block, size_t arguments)
{
    struct jbuilder text, *outer = run->out;

    if (arguments > 0)
        jraise(run, "a block takes no arguments");
    if (block->kind != JN_BLOCK)
        jfail(run, QUIRE_UNSUPPORTED, "a scoped block that is called");
    jbuilder_init(&text, run);
    run->out = &text;
    jblock_run(run, block);
    run->out = outer;
    return jstr(jbuilder_string(&text));
}

static struct jvalue call_joiner(struct jrun *run, struct jjoiner *joiner)
{
    if (joiner->used)
        return joiner->separator;
    joiner->used = true;
    return jstr(jstring_new(run, "", 0, true));
}

struct jvalue jcall_value(struct jrun *run, struct jvalue callee, const struct jvalue *args, size_t count,
                          struct jdict *keywords)
{
    struct jvalue result;

    jrun_enter(run);
    switch (callee.kind) {
    case J_UNDEFINED:
        jundefined_raise(run, callee);
    case J_FUNCTION:
        result = jbuiltin_call(run, callee.as.function->builtin, callee.as.function->self, args, count, keywords);
        break;
    case J_MACRO:
        result = call_macro(run, callee.as.macro, args, count, keywords);
        break;
    case J_LOOP:
        result = call_loop(run, callee.as.loop, args, count);
        break;
    case J_BLOCK:
        result = call_block(run, callee.as.block, count + (keywords != NULL));
        break;
    case J_JOINER:
        result = call_joiner(run, callee.as.joiner);
        break;
    default:
        jraise(run, "'%s' object is not callable", jtype_name(callee));
    }
    jrun_leave(run);
    return result;
}
