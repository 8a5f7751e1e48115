/* Names, literals, and what may follow them: subscripts, calls, filters and tests.
 * Thread: the compiling one. Owner: the template's arena. */
#include "ast.h"
#include "builtin.h"

#include <string.h>

static struct jnode *constant(struct jparser *parser, uint32_t offset, struct jvalue value)
{
    struct jnode *node = jparser_node(parser, JN_CONST, offset);

    node->as.constant = value;
    return node;
}

/* ---- primaries --------------------------------------------------------------------------------------------------- */

static struct jnode *parse_name(struct jparser *parser, bool with_member)
{
    static const struct {
        const char *word;
        struct jvalue value;
    } words[] = {
        {"true", {.kind = J_BOOL, .as.boolean = true}},   {"True", {.kind = J_BOOL, .as.boolean = true}},
        {"false", {.kind = J_BOOL, .as.boolean = false}}, {"False", {.kind = J_BOOL, .as.boolean = false}},
        {"none", {.kind = J_NONE}},                       {"None", {.kind = J_NONE}},
    };
    static const char *const specials[] = {"caller", "kwargs", "varargs"};
    struct jtoken token = parser->current;
    struct jnode *node;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (jparser_at_name(parser, words[i].word)) {
            jparser_advance(parser);
            return constant(parser, token.offset, words[i].value);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        if (jparser_at_name(parser, specials[i]))
            parser->special_uses |= (uint8_t)(1u << i);
    }
    node = jparser_node(parser, JN_NAME, token.offset);
    node->as.name.symbol = jparser_expect_symbol(parser);
    if (with_member && jparser_skip(parser, JT_DOT)) {
        struct jnode *member = jparser_node(parser, JN_MEMBER, token.offset);
        member->as.member.object = node;
        member->as.member.name = jparser_expect_symbol(parser)->text;
        return member;
    }
    return node;
}

static struct jnode *parse_strings(struct jparser *parser)
{
    uint32_t offset = parser->current.offset;
    struct jvalue first = parser->current.value;
    struct jbuilder all;

    jparser_advance(parser);
    if (parser->current.kind != JT_STRING)
        return constant(parser, offset, first);
    jbuilder_init(&all, parser->run);
    jbuilder_add_string(&all, first.as.string);
    for (; parser->current.kind == JT_STRING; jparser_advance(parser))
        jbuilder_add_string(&all, parser->current.value.as.string);
    return constant(parser, offset, jstr(jbuilder_string(&all)));
}

static struct jnode *parse_list(struct jparser *parser)
{
    struct jnode *node = jparser_node(parser, JN_LIST, parser->current.offset);
    struct jcollector items = {0};

    jparser_advance(parser);
    while (parser->current.kind != JT_RBRACKET) {
        if (items.count > 0)
            jparser_expect(parser, JT_COMMA);
        if (parser->current.kind == JT_RBRACKET)
            break;
        jcollect(parser, &items, jparse_expression(parser, true));
    }
    jparser_expect(parser, JT_RBRACKET);
    node->as.list = jcollected(&items);
    return node;
}

static struct jnode *parse_dict(struct jparser *parser)
{
    struct jnode *node = jparser_node(parser, JN_DICT, parser->current.offset);
    struct jcollector items = {0};

    jparser_advance(parser);
    while (parser->current.kind != JT_RBRACE) {
        if (items.count > 0)
            jparser_expect(parser, JT_COMMA);
        if (parser->current.kind == JT_RBRACE)
            break;
        jcollect(parser, &items, jparse_expression(parser, true));
        jparser_expect(parser, JT_COLON);
        jcollect(parser, &items, jparse_expression(parser, true));
    }
    jparser_expect(parser, JT_RBRACE);
    node->as.list = jcollected(&items);
    return node;
}

struct jnode *jparse_primary(struct jparser *parser, bool with_member)
{
    struct jtoken token = parser->current;
    struct jnode *node;

    switch (token.kind) {
    case JT_NAME:
        return parse_name(parser, with_member);
    case JT_STRING:
        return parse_strings(parser);
    case JT_INTEGER:
    case JT_FLOAT:
        jparser_advance(parser);
        return constant(parser, token.offset, token.value);
    case JT_LPAREN:
        jparser_advance(parser);
        node = jparse_tuple(parser, true, NULL, true);
        jparser_expect(parser, JT_RPAREN);
        return node;
    case JT_LBRACKET:
        return parse_list(parser);
    case JT_LBRACE:
        return parse_dict(parser);
    default:
        jparser_unexpected(parser, NULL);
    }
}

/* ---- postfixes --------------------------------------------------------------------------------------------------- */

static struct jnode *parse_subscribed(struct jparser *parser)
{
    struct jnode *parts[3] = {NULL, NULL, NULL}, *slice;
    uint32_t offset = parser->current.offset, part = 0;

    if (parser->current.kind != JT_COLON) {
        parts[0] = jparse_expression(parser, true);
        if (parser->current.kind != JT_COLON)
            return parts[0];
    }
    while (part < 2 && jparser_skip(parser, JT_COLON)) {
        part++;
        if (parser->current.kind != JT_COLON && parser->current.kind != JT_RBRACKET && parser->current.kind != JT_COMMA)
            parts[part] = jparse_expression(parser, true);
    }
    slice = jparser_node(parser, JN_SLICE, offset);
    slice->as.slice.start = parts[0];
    slice->as.slice.stop = parts[1];
    slice->as.slice.step = parts[2];
    return slice;
}

static struct jnode *parse_subscript(struct jparser *parser, struct jnode *object)
{
    struct jtoken token = parser->current;
    struct jcollector keys = {0};
    struct jnode *node;

    jparser_advance(parser);
    if (token.kind == JT_DOT && parser->current.kind == JT_NAME) {
        node = jparser_node(parser, JN_ATTRIBUTE, token.offset);
        node->as.attribute.object = object;
        node->as.attribute.name = jparser_expect_symbol(parser)->text;
        return node;
    }
    node = jparser_node(parser, JN_ITEM, token.offset);
    node->as.item.object = object;
    if (token.kind == JT_DOT) {
        if (parser->current.kind != JT_INTEGER)
            jparser_unexpected(parser, "name or number");
        node->as.item.key = constant(parser, token.offset, parser->current.value);
        jparser_advance(parser);
        return node;
    }
    while (parser->current.kind != JT_RBRACKET) {
        if (keys.count > 0)
            jparser_expect(parser, JT_COMMA);
        jcollect(parser, &keys, parse_subscribed(parser));
    }
    jparser_expect(parser, JT_RBRACKET);
    if (keys.count == 1) {
        node->as.item.key = keys.items[0];
        if (keys.items[0]->kind == JN_CONST && keys.items[0]->as.constant.kind == J_STRING) {
            const struct jstring *name = keys.items[0]->as.constant.as.string;
            jsymbol_get(parser->run, parser->template, name->bytes, name->count);
        }
    } else {
        node->as.item.key = jparser_node(parser, JN_TUPLE, token.offset);
        node->as.item.key->as.list = jcollected(&keys);
    }
    return node;
}

static void check_call(struct jparser *parser, bool valid)
{
    if (!valid)
        jfail(parser->run, QUIRE_BAD_FILE, "invalid syntax for function call expression");
}

static void add_keyword(struct jparser *parser, struct jarguments *arguments)
{
    struct jkeyword *bigger = jalloc_array(parser->run, arguments->keyword_count + 1, sizeof *bigger);
    const struct jstring *name = jparser_expect_symbol(parser)->text;

    if (arguments->keyword_count >= 256)
        jfail(parser->run, QUIRE_LIMIT, "more than 256 keyword arguments");
    jparser_expect(parser, JT_ASSIGN);
    for (uint32_t i = 0; i < arguments->keyword_count; i++) {
        if (arguments->keywords[i].name == name)
            jfail(parser->run, QUIRE_BAD_FILE, "keyword argument repeated");
        bigger[i] = arguments->keywords[i];
    }
    bigger[arguments->keyword_count].name = name;
    bigger[arguments->keyword_count++].value = jparse_expression(parser, true);
    arguments->keywords = bigger;
}

static struct jarguments *parse_arguments(struct jparser *parser)
{
    struct jarguments *arguments = jalloc(parser->run, sizeof *arguments);
    struct jcollector positional = {0};
    bool more = false;

    *arguments = (struct jarguments){0};
    jparser_expect(parser, JT_LPAREN);
    for (; parser->current.kind != JT_RPAREN; more = true) {
        if (more) {
            jparser_expect(parser, JT_COMMA);
            if (parser->current.kind == JT_RPAREN)
                break;
        }
        if (jparser_skip(parser, JT_MUL)) {
            check_call(parser, arguments->list == NULL && arguments->dict == NULL);
            arguments->list = jparse_expression(parser, true);
        } else if (jparser_skip(parser, JT_POW)) {
            check_call(parser, arguments->dict == NULL);
            arguments->dict = jparse_expression(parser, true);
        } else if (parser->current.kind == JT_NAME && jparser_look(parser)->kind == JT_ASSIGN) {
            check_call(parser, arguments->dict == NULL);
            add_keyword(parser, arguments);
        } else {
            check_call(parser, arguments->list == NULL && arguments->dict == NULL && arguments->keyword_count == 0);
            jcollect(parser, &positional, jparse_expression(parser, true));
        }
    }
    jparser_expect(parser, JT_RPAREN);
    arguments->positional = jcollected(&positional);
    return arguments;
}

static struct jnode *parse_call(struct jparser *parser, struct jnode *object)
{
    struct jnode *node = jparser_node(parser, JN_CALL, parser->current.offset);

    node->as.call.object = object;
    node->as.call.arguments = parse_arguments(parser);
    return node;
}

struct jnode *jparse_postfix(struct jparser *parser, struct jnode *node)
{
    for (;;) {
        if (parser->current.kind == JT_DOT || parser->current.kind == JT_LBRACKET)
            node = parse_subscript(parser, node);
        else if (parser->current.kind == JT_LPAREN)
            node = parse_call(parser, node);
        else
            return node;
    }
}

/* ---- filters and tests ------------------------------------------------------------------------------------------- */

static struct jnode *parse_named(struct jparser *parser, enum jnode_kind kind, struct jnode *object)
{
    struct jnode *node = jparser_node(parser, kind, parser->current.offset);
    const struct jstring *name = jparser_expect_symbol(parser)->text;

    while (jparser_skip(parser, JT_DOT)) {
        struct jbuilder dotted;
        jbuilder_init(&dotted, parser->run);
        jbuilder_add_string(&dotted, name);
        jbuilder_add_text(&dotted, ".");
        jbuilder_add_string(&dotted, jparser_expect_symbol(parser)->text);
        name = jbuilder_string(&dotted);
    }
    node->as.call.object = object;
    node->as.call.name = name;
    node->as.call.builtin = kind == JN_FILTER ? jfilter_find(name) : jtest_find(name);
    return node; /* whether an unknown name is an error already is decided in resolve.c */
}

struct jnode *jparse_filters(struct jparser *parser, struct jnode *object, bool first_inline)
{
    while (first_inline || jparser_skip(parser, JT_PIPE)) {
        object = parse_named(parser, JN_FILTER, object);
        object->as.call.arguments = NULL;
        if (parser->current.kind == JT_LPAREN)
            object->as.call.arguments = parse_arguments(parser);
        first_inline = false;
    }
    return object;
}

static bool begins_argument(const struct jparser *parser)
{
    switch (parser->current.kind) {
    case JT_NAME:
        return !jparser_at_name(parser, "else") && !jparser_at_name(parser, "or") && !jparser_at_name(parser, "and");
    case JT_STRING:
    case JT_INTEGER:
    case JT_FLOAT:
    case JT_LBRACKET:
    case JT_LBRACE:
        return true;
    default:
        return false;
    }
}

static struct jnode *parse_test(struct jparser *parser, struct jnode *object)
{
    uint32_t offset = parser->current.offset;
    bool negated;
    struct jnode *node;

    jparser_advance(parser); /* is */
    negated = jparser_skip_name(parser, "not");
    node = parse_named(parser, JN_TEST, object);
    node->as.call.arguments = NULL;
    if (parser->current.kind == JT_LPAREN) {
        node->as.call.arguments = parse_arguments(parser);
    } else if (begins_argument(parser)) {
        struct jcollector only = {0};
        if (jparser_at_name(parser, "is"))
            jfail(parser->run, QUIRE_BAD_FILE, "you cannot chain multiple tests with is");
        jcollect(parser, &only, jparse_postfix(parser, jparse_primary(parser, false)));
        node->as.call.arguments = jalloc(parser->run, sizeof *node->as.call.arguments);
        *node->as.call.arguments = (struct jarguments){.positional = jcollected(&only)};
    }
    return negated ? jparser_join(parser, JN_NOT, offset, node, NULL) : node;
}

struct jnode *jparse_filters_and_tests(struct jparser *parser, struct jnode *node)
{
    for (;;) {
        if (parser->current.kind == JT_PIPE)
            node = jparse_filters(parser, node, false);
        else if (jparser_at_name(parser, "is"))
            node = parse_test(parser, node);
        else if (parser->current.kind == JT_LPAREN)
            node = parse_call(parser, node);
        else
            return node;
    }
}
