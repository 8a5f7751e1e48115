/* The parser's tokens, nodes and symbols, and bodies of text, prints and statements. The grammar is that of jinja2's
 * parser.
 * Thread: the compiling one. Owner: the template's arena. */
#include "ast.h"

#include <string.h>

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

void jparser_advance(struct jparser *parser)
{
    if (parser->looked)
        parser->current = parser->ahead;
    else
        jlexer_next(&parser->lexer, &parser->current);
    parser->looked = false;
    parser->run->offset = parser->current.offset;
}

const struct jtoken *jparser_look(struct jparser *parser)
{
    if (!parser->looked) {
        jlexer_next(&parser->lexer, &parser->ahead);
        parser->looked = true;
        parser->run->offset = parser->current.offset;
    }
    return &parser->ahead;
}

bool jparser_at_name(const struct jparser *parser, const char *name)
{
    return parser->current.kind == JT_NAME && parser->current.text_bytes == strlen(name) &&
           memcmp(parser->current.text, name, parser->current.text_bytes) == 0;
}

bool jparser_skip(struct jparser *parser, enum jtoken_kind kind)
{
    if (parser->current.kind != kind)
        return false;
    jparser_advance(parser);
    return true;
}

bool jparser_skip_name(struct jparser *parser, const char *name)
{
    if (!jparser_at_name(parser, name))
        return false;
    jparser_advance(parser);
    return true;
}

_Noreturn void jparser_unexpected(struct jparser *parser, const char *expected)
{
    const struct jtoken *token = &parser->current;
    const char *text = token->kind == JT_NAME ? token->text : jtoken_name(token->kind);
    size_t bytes = token->kind == JT_NAME ? token->text_bytes : strlen(text);

    jfail(parser->run, QUIRE_BAD_FILE, "unexpected '%.*s'%s%s%s", bytes < 100 ? (int)bytes : 100, text,
          expected != NULL ? ", expected '" : "", expected != NULL ? expected : "", expected != NULL ? "'" : "");
}

void jparser_expect(struct jparser *parser, enum jtoken_kind kind)
{
    if (parser->current.kind != kind)
        jparser_unexpected(parser, jtoken_name(kind));
    jparser_advance(parser);
}

struct jsymbol *jparser_expect_symbol(struct jparser *parser)
{
    const struct jtoken token = parser->current;

    jparser_expect(parser, JT_NAME);
    return jsymbol_get(parser->run, parser->template, token.text, token.text_bytes);
}

void jparser_enter(struct jparser *parser)
{
    jrun_enter(parser->run);
}

void jparser_leave(struct jparser *parser)
{
    jrun_leave(parser->run);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

struct jnode *jparser_node(struct jparser *parser, enum jnode_kind kind, uint32_t offset)
{
    struct jnode *node = jalloc(parser->run, sizeof *node);

    jrun_charge(parser->run, 1);
    memset(node, 0, sizeof *node);
    node->kind = (uint8_t)kind;
    node->offset = offset;
    return node;
}

void jcollect(struct jparser *parser, struct jcollector *collector, struct jnode *node)
{
    if (collector->count == collector->count_max) {
        uint32_t room = collector->count_max == 0 ? 4 : collector->count_max * 2;
        collector->items = jalloc_grow(parser->run, collector->items, collector->count_max * sizeof(struct jnode *),
                                       room * sizeof(struct jnode *));
        collector->count_max = room;
    }
    collector->items[collector->count++] = node;
}

struct jnodes jcollected(const struct jcollector *collector)
{
    return (struct jnodes){.items = collector->items, .count = collector->count};
}

struct jsymbol *jsymbol_get(struct jrun *run, struct jinja_template *template, const char *text, size_t bytes)
{
    uint32_t hash = 2166136261u;
    struct jsymbol **bucket, *symbol;

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    bucket = &template->symbols[hash % SYMBOL_BUCKETS];
    for (symbol = *bucket; symbol != NULL; symbol = symbol->next) {
        jrun_charge(run, 1);
        if (symbol->text->count == bytes && memcmp(symbol->text->bytes, text, bytes) == 0)
            return symbol;
    }
    symbol = jalloc(run, sizeof *symbol);
    *symbol = (struct jsymbol){.text = jstring_new(run, text, bytes, true), .next = *bucket};
    *bucket = symbol;
    return symbol;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static void flush_output(struct jparser *parser, struct jcollector *body, struct jcollector *parts)
{
    if (parts->count > 0) {
        struct jnode *node = jparser_node(parser, JN_OUTPUT, parts->items[0]->offset);
        node->as.list = jcollected(parts);
        jcollect(parser, body, node);
        *parts = (struct jcollector){0};
    }
}

/* Text, prints and statements up to the end, or up to a tag of one of the words in `ends`, which is then current. */
struct jnodes jparse_body(struct jparser *parser, const char *const *ends)
{
    struct jcollector body = {0}, parts = {0};

    while (parser->current.kind != JT_END) {
        if (parser->current.kind == JT_DATA) {
            struct jnode *data = jparser_node(parser, JN_CONST, parser->current.offset);
            data->as.constant = jstr(jstring_new(parser->run, parser->current.text, parser->current.text_bytes, true));
            jcollect(parser, &parts, data);
            jparser_advance(parser);
        } else if (jparser_skip(parser, JT_PRINT_BEGIN)) {
            jcollect(parser, &parts, jparse_tuple(parser, true, NULL, false));
            jparser_expect(parser, JT_PRINT_END);
        } else {
            flush_output(parser, &body, &parts);
            jparser_expect(parser, JT_BLOCK_BEGIN);
            for (size_t i = 0; ends != NULL && ends[i] != NULL; i++) {
                if (jparser_at_name(parser, ends[i]))
                    return jcollected(&body);
            }
            jcollect(parser, &body, jparse_statement(parser));
            jparser_expect(parser, JT_BLOCK_END);
        }
    }
    flush_output(parser, &body, &parts);
    return jcollected(&body);
}

void jparse_template(struct jparser *parser)
{
    jparser_advance(parser);
    parser->template->body = jparse_body(parser, NULL);
}
