/* Statements, with the extensions that transformers turns on: loop controls and generation blocks.
 * Thread: the compiling one. Owner: the template's arena. */
#include "ast.h"

#include <stdio.h>
#include <string.h>

static _Noreturn void fail_unfinished(struct jparser *parser, const char *const *ends)
{
    char tags[64];
    size_t used = 0;

    for (size_t i = 0; ends[i] != NULL && used < sizeof tags; i++)
        used += (size_t)snprintf(tags + used, sizeof tags - used, "%s'%s'", i > 0 ? " or " : "", ends[i]);
    jfail(parser->run, QUIRE_BAD_FILE, "unexpected end of template, looking for %s", tags);
}

static struct jnodes parse_block_body(struct jparser *parser, const char *const *ends)
{
    struct jnodes body;

    jparser_skip(parser, JT_COLON);
    jparser_expect(parser, JT_BLOCK_END);
    body = jparse_body(parser, ends);
    if (parser->current.kind == JT_END)
        fail_unfinished(parser, ends);
    return body; /* at the word that ends it */
}

static struct jnodes parse_body_until(struct jparser *parser, const char *end)
{
    struct jnodes body = parse_block_body(parser, (const char *const[]){end, NULL});

    jparser_advance(parser);
    return body;
}

static bool is_content_text(const struct jnode *node)
{
    return node->kind == JN_CONST && node->as.constant.kind == J_STRING &&
           jstring_is(node->as.constant.as.string, "content");
}

/* A message's content, as far as the template's text shows: x.content, x['content'], x.get('content'), a variable
 * called so or set to one of these. */
static bool is_content(const struct jnode *node)
{
    const struct jnodes *arguments;

    while (node->kind == JN_FILTER && node->as.call.object != NULL)
        node = node->as.call.object;
    switch ((enum jnode_kind)node->kind) {
    case JN_ATTRIBUTE:
        return jstring_is(node->as.attribute.name, "content");
    case JN_NAME:
        return node->as.name.symbol->holds_content || jstring_is(node->as.name.symbol->text, "content");
    case JN_ITEM:
        return is_content_text(node->as.item.key);
    case JN_CALL:
        arguments = &node->as.call.arguments->positional;
        return node->as.call.object->kind == JN_ATTRIBUTE && arguments->count > 0 &&
               jstring_is(node->as.call.object->as.attribute.name, "get") && is_content_text(arguments->items[0]);
    default:
        return false;
    }
}

static struct jnode *parse_for(struct jparser *parser, uint32_t offset)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    struct jnode *node = jparser_node(parser, JN_FOR, offset);

    node->as.loop.target = jparse_target(parser, "in", false);
    if (!jparser_skip_name(parser, "in"))
        jparser_unexpected(parser, "in");
    node->as.loop.iterable = jparse_tuple(parser, false, "recursive", false);
    if (is_content(node->as.loop.iterable))
        parser->template->wants_parts = true;
    if (jparser_skip_name(parser, "if"))
        node->as.loop.test = jparse_expression(parser, true);
    node->flag = jparser_skip_name(parser, "recursive");
    parser->loop_depth++;
    node->as.loop.body = parse_block_body(parser, ends);
    parser->loop_depth--;
    if (jparser_skip_name(parser, "else"))
        node->as.loop.otherwise = parse_body_until(parser, "endfor");
    else
        jparser_advance(parser);
    return node;
}

static struct jnode *parse_if(struct jparser *parser, uint32_t offset)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct jnode *node = jparser_node(parser, JN_IF, offset);
    struct jcollector tests = {0};
    size_t room = 0;

    do {
        uint32_t i = tests.count;
        jcollect(parser, &tests, jparse_tuple(parser, false, NULL, false));
        if (i == room) {
            size_t bytes = room * sizeof(struct jnodes);
            room = room == 0 ? 2 : room * 2;
            node->as.branch.bodies =
                jalloc_grow(parser->run, node->as.branch.bodies, bytes, room * sizeof(struct jnodes));
        }
        node->as.branch.bodies[i] = parse_block_body(parser, ends);
    } while (jparser_skip_name(parser, "elif"));
    node->as.branch.tests = tests.items;
    node->as.branch.count = tests.count;
    if (jparser_skip_name(parser, "else"))
        node->as.branch.otherwise = parse_body_until(parser, "endif");
    else
        jparser_advance(parser);
    return node;
}

/* The name of a macro or of a parameter, which no literal can be. */
static struct jsymbol *expect_own_name(struct jparser *parser)
{
    static const char *const literals[] = {"true", "True", "false", "False", "none", "None"};

    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++)
        if (jparser_at_name(parser, literals[i]))
            jfail(parser->run, QUIRE_BAD_FILE, "can't assign to '%s'", literals[i]);
    return jparser_expect_symbol(parser);
}

static struct jparameters *parse_parameters(struct jparser *parser)
{
    struct jparameters *parameters = jalloc(parser->run, sizeof *parameters);
    struct jcollector defaults = {0};
    uint32_t room = 0;

    *parameters = (struct jparameters){0};
    if (!jparser_skip(parser, JT_LPAREN))
        return parameters;
    while (parser->current.kind != JT_RPAREN) {
        if (parameters->count > 0)
            jparser_expect(parser, JT_COMMA);
        if (parameters->count == room) {
            room = room == 0 ? 4 : room * 2;
            parameters->names = jalloc_grow(parser->run, parameters->names, parameters->count * sizeof(void *),
                                            room * sizeof(void *));
        }
        parameters->names[parameters->count] = expect_own_name(parser);
        if (parameters->names[parameters->count]->parameter_of == parameters)
            jfail(parser->run, QUIRE_BAD_FILE, "two parameters of one name");
        parameters->names[parameters->count++]->parameter_of = parameters;
        if (jparser_skip(parser, JT_ASSIGN))
            jcollect(parser, &defaults, jparse_expression(parser, true));
        else if (defaults.count > 0 && defaults.items[defaults.count - 1] != NULL)
            jfail(parser->run, QUIRE_BAD_FILE, "non-default argument follows default argument");
        else
            jcollect(parser, &defaults, NULL);
    }
    jparser_advance(parser);
    parameters->defaults = defaults.items;
    return parameters;
}

/* The body of a macro or a call block, with the special names that it uses. */
static void parse_macro_body(struct jparser *parser, struct jnode *node, const char *end)
{
    struct jparameters *parameters = node->as.macro.parameters;
    uint8_t outside = parser->special_uses;
    uint32_t loops = parser->loop_depth;
    bool keywords = true, rest = true;

    parser->special_uses = 0;
    parser->loop_depth = 0;
    node->as.macro.body = parse_body_until(parser, end);
    for (uint32_t i = 0; i < parameters->count; i++) {
        const struct jstring *name = parameters->names[i]->text;
        parameters->names_caller = parameters->names_caller || jstring_is(name, "caller");
        keywords = keywords && !jstring_is(name, "kwargs");
        rest = rest && !jstring_is(name, "varargs");
    }
    parameters->caller = parser->special_uses & JUSES_CALLER;
    parameters->keywords = keywords && (parser->special_uses & JUSES_KWARGS);
    parameters->rest = rest && (parser->special_uses & JUSES_VARARGS);
    parser->special_uses |= outside;
    parser->loop_depth = loops;
}

static struct jnode *parse_macro(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_MACRO, offset);
    struct jnode *name = jparser_node(parser, JN_NAME, parser->current.offset);

    name->as.name.symbol = expect_own_name(parser);
    name->as.name.store = true;
    if (parser->current.kind != JT_LPAREN)
        jparser_expect(parser, JT_LPAREN);
    node->as.macro.target = name;
    node->as.macro.parameters = parse_parameters(parser);
    parse_macro_body(parser, node, "endmacro");
    return node;
}

static struct jnode *parse_call_block(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_CALL_BLOCK, offset);

    node->as.macro.parameters = parse_parameters(parser);
    node->as.macro.call = jparse_expression(parser, true);
    if (node->as.macro.call->kind != JN_CALL)
        jfail(parser->run, QUIRE_BAD_FILE, "expected call");
    parse_macro_body(parser, node, "endcall");
    return node;
}

static struct jnode *parse_set(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_SET, offset);

    node->as.block.target = jparse_target(parser, NULL, true);
    if (jparser_skip(parser, JT_ASSIGN)) {
        node->as.block.value = jparse_tuple(parser, true, NULL, false);
        if (node->as.block.target->kind == JN_NAME && is_content(node->as.block.value))
            node->as.block.target->as.name.symbol->holds_content = true;
        return node;
    }
    node->kind = JN_SET_BLOCK;
    node->as.block.filter = jparse_filters(parser, NULL, false);
    node->as.block.body = parse_body_until(parser, "endset");
    return node;
}

static struct jnode *parse_filter_block(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_FILTER_BLOCK, offset);

    node->as.block.filter = jparse_filters(parser, NULL, true);
    node->as.block.body = parse_body_until(parser, "endfilter");
    return node;
}

static struct jnode *parse_with(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_WITH, offset);
    struct jcollector targets = {0}, values = {0};

    while (parser->current.kind != JT_BLOCK_END) {
        if (targets.count > 0)
            jparser_expect(parser, JT_COMMA);
        /* Without a comma after it: the comma separates one assignment from the next. */
        struct jnode *name = jparser_node(parser, JN_NAME, parser->current.offset);
        name->as.name.symbol = jparser_expect_symbol(parser);
        name->as.name.store = true;
        jcollect(parser, &targets, name);
        jparser_expect(parser, JT_ASSIGN);
        jcollect(parser, &values, jparse_expression(parser, true));
    }
    node->as.with.targets = jcollected(&targets);
    node->as.with.values = jcollected(&values);
    node->as.with.body = parse_body_until(parser, "endwith");
    return node;
}

static struct jnode *parse_generation(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_SCOPE, offset);
    uint32_t loops = parser->loop_depth;

    parser->loop_depth = 0;
    node->as.block.body = parse_body_until(parser, "endgeneration");
    parser->loop_depth = loops;
    return node;
}

static struct jnode *parse_autoescape(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_SCOPE, offset);
    struct jnode *option = jparse_expression(parser, true);

    if (option->kind != JN_CONST || option->as.constant.kind != J_BOOL || option->as.constant.as.boolean)
        jfail(parser->run, QUIRE_UNSUPPORTED, "autoescape can only be turned off here");
    node->as.block.body = parse_body_until(parser, "endautoescape");
    return node;
}

static struct jnode *parse_named_block(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_BLOCK, offset);
    const struct jstring *name = jparser_expect_symbol(parser)->text;
    uint32_t loops = parser->loop_depth;

    for (const struct jnode *other = parser->template->blocks; other != NULL; other = other->as.block.next) {
        jrun_charge(parser->run, 1);
        if (other->as.block.name == name)
            jfail(parser->run, QUIRE_BAD_FILE, "block '%.*s' defined twice", name->count < 100 ? (int)name->count : 100,
                  name->bytes);
    }
    node->as.block.name = name;
    node->as.block.next = parser->template->blocks;
    parser->template->blocks = node;
    if (jparser_skip_name(parser, "scoped")) /* it sees what its place sees, as a generation block does */
        node->kind = JN_SCOPE;
    node->flag = jparser_skip_name(parser, "required");
    parser->loop_depth = 0;
    node->as.block.body = parse_body_until(parser, "endblock");
    parser->loop_depth = loops;
    if (parser->current.kind == JT_NAME && parser->current.text_bytes == name->count &&
        memcmp(parser->current.text, name->bytes, name->count) == 0)
        jparser_advance(parser);
    return node;
}

static struct jnode *parse_print(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_OUTPUT, offset);
    struct jcollector parts = {0};

    while (parser->current.kind != JT_BLOCK_END) {
        if (parts.count > 0)
            jparser_expect(parser, JT_COMMA);
        jcollect(parser, &parts, jparse_expression(parser, true));
    }
    node->as.list = jcollected(&parts);
    return node;
}

static struct jnode *parse_break(struct jparser *parser, uint32_t offset)
{
    if (parser->loop_depth == 0)
        jfail(parser->run, QUIRE_BAD_FILE, "'break' outside of a loop");
    return jparser_node(parser, JN_BREAK, offset);
}

static struct jnode *parse_continue(struct jparser *parser, uint32_t offset)
{
    if (parser->loop_depth == 0)
        jfail(parser->run, QUIRE_BAD_FILE, "'continue' outside of a loop");
    return jparser_node(parser, JN_CONTINUE, offset);
}

/* Other templates cannot be reached: an error where it is executed, as in the reference. */
static struct jnode *parse_absent(struct jparser *parser, uint32_t offset)
{
    struct jnode *node = jparser_node(parser, JN_ABSENT, offset);

    while (parser->current.kind != JT_BLOCK_END && parser->current.kind != JT_END)
        jparser_advance(parser);
    return node;
}

static const struct {
    const char *word;
    struct jnode *(*parse)(struct jparser *parser, uint32_t offset);
} statements[] = {
    {"if", parse_if},
    {"set", parse_set},
    {"for", parse_for},
    {"macro", parse_macro},
    {"call", parse_call_block},
    {"filter", parse_filter_block},
    {"with", parse_with},
    {"print", parse_print},
    {"generation", parse_generation},
    {"break", parse_break},
    {"continue", parse_continue},
    {"autoescape", parse_autoescape},
    {"block", parse_named_block},
    {"include", parse_absent},
    {"import", parse_absent},
    {"from", parse_absent},
    {"extends", parse_absent},
};

struct jnode *jparse_statement(struct jparser *parser)
{
    uint32_t offset = parser->current.offset;
    struct jnode *node;

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (jparser_skip_name(parser, statements[i].word)) {
            jparser_enter(parser);
            node = statements[i].parse(parser, offset);
            jparser_leave(parser);
            return node;
        }
    }
    if (parser->current.kind != JT_NAME)
        jfail(parser->run, QUIRE_BAD_FILE, "tag name expected");
    jfail(parser->run, QUIRE_BAD_FILE, "unknown tag '%.*s'",
          parser->current.text_bytes < 100 ? (int)parser->current.text_bytes : 100, parser->current.text);
}
