/* Operators, tuples and targets, by recursive descent with the precedences of jinja2's parser (not quite Python's:
 * ** is left to right, filters and tests bind tighter than any operator, `~` stands between + and *).
 * Thread: the compiling one. Owner: the template's arena. */
#include "ast.h"

#include <string.h>

static struct jnode *parse_unary(struct jparser *parser, bool with_filters);

struct jnode *jparser_join(struct jparser *parser, enum jnode_kind kind, uint32_t offset, struct jnode *left,
                           struct jnode *right)
{
    struct jnode *node = jparser_node(parser, kind, offset);

    node->as.operands.left = left;
    node->as.operands.right = right;
    return node;
}

/* ---- operators --------------------------------------------------------------------------------------------------- */

static struct jnode *parse_unary(struct jparser *parser, bool with_filters)
{
    uint32_t offset = parser->current.offset;
    struct jnode *node;

    jparser_enter(parser);
    if (jparser_skip(parser, JT_SUB))
        node = jparser_join(parser, JN_NEGATIVE, offset, parse_unary(parser, false), NULL);
    else if (jparser_skip(parser, JT_ADD))
        node = jparser_join(parser, JN_POSITIVE, offset, parse_unary(parser, false), NULL);
    else
        node = jparse_primary(parser, false);
    node = jparse_postfix(parser, node);
    if (with_filters)
        node = jparse_filters_and_tests(parser, node);
    jparser_leave(parser);
    return node;
}

/* Binary operators from the loosest to the tightest; ~ has a node of its own. */
static const struct {
    enum jtoken_kind token;
    enum joperator operator;
    int level;
} binaries[] = {
    {JT_ADD, JOP_ADD, 0}, {JT_SUB, JOP_SUB, 0},           {JT_MUL, JOP_MUL, 2}, {JT_DIV, JOP_DIV, 2},
    {JT_MOD, JOP_MOD, 2}, {JT_FLOORDIV, JOP_FLOORDIV, 2}, {JT_POW, JOP_POW, 3},
};
#define LEVEL_CONCAT 1
#define LEVEL_UNARY 4

static struct jnode *parse_binary(struct jparser *parser, int level)
{
    uint32_t offset = parser->current.offset;
    struct jnode *left;

    if (level == LEVEL_UNARY)
        return parse_unary(parser, true);
    left = parse_binary(parser, level + 1);
    if (level == LEVEL_CONCAT) {
        struct jcollector parts = {0};
        if (parser->current.kind != JT_TILDE)
            return left;
        jcollect(parser, &parts, left);
        while (jparser_skip(parser, JT_TILDE))
            jcollect(parser, &parts, parse_binary(parser, level + 1));
        left = jparser_node(parser, JN_CONCAT, offset);
        left->as.list = jcollected(&parts);
        return left;
    }
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++) {
        if (binaries[i].level == level && parser->current.kind == binaries[i].token) {
            uint32_t at = parser->current.offset;
            jparser_advance(parser);
            left = jparser_join(parser, JN_BINARY, at, left, parse_binary(parser, level + 1));
            left->operator = (uint8_t)binaries[i].operator;
            i = SIZE_MAX; /* from the first again */
        }
    }
    return left;
}

static bool comparison_at(struct jparser *parser, uint8_t *operator)
{
    static const struct {
        enum jtoken_kind token;
        enum joperator operator;
    } comparisons[] = {{JT_EQ, JOP_EQ}, {JT_NE, JOP_NE}, {JT_LT, JOP_LT}, {JT_LE, JOP_LE}, {JT_GT, JOP_GT},
                       {JT_GE, JOP_GE}};

    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        if (jparser_skip(parser, comparisons[i].token)) {
            *operator = (uint8_t)comparisons[i].operator;
            return true;
        }
    }
    if (jparser_at_name(parser, "not") && jparser_look(parser)->kind == JT_NAME && parser->ahead.text_bytes == 2 &&
        memcmp(parser->ahead.text, "in", 2) == 0) {
        jparser_advance(parser);
        jparser_advance(parser);
        *operator = JOP_NOT_IN;
        return true;
    }
    *operator = JOP_IN;
    return jparser_skip_name(parser, "in");
}

static struct jnode *parse_compare(struct jparser *parser)
{
    uint32_t offset = parser->current.offset;
    struct jnode *first = parse_binary(parser, 0), *node;
    struct jcollector operands = {0};
    uint8_t operators[256], next;

    while (comparison_at(parser, &next)) {
        if (operands.count == sizeof operators)
            jfail(parser->run, QUIRE_LIMIT, "more than 256 comparisons in one");
        operators[operands.count] = next;
        jcollect(parser, &operands, parse_binary(parser, 0));
    }
    if (operands.count == 0)
        return first;
    node = jparser_node(parser, JN_COMPARE, offset);
    node->as.compare.first = first;
    node->as.compare.operands = jcollected(&operands);
    node->as.compare.operators = jalloc(parser->run, operands.count);
    memcpy(node->as.compare.operators, operators, operands.count);
    return node;
}

static struct jnode *parse_not(struct jparser *parser)
{
    uint32_t offset = parser->current.offset;
    struct jnode *node;

    if (!jparser_skip_name(parser, "not"))
        return parse_compare(parser);
    jparser_enter(parser);
    node = jparser_join(parser, JN_NOT, offset, parse_not(parser), NULL);
    jparser_leave(parser);
    return node;
}

static struct jnode *parse_and(struct jparser *parser)
{
    uint32_t offset = parser->current.offset;
    struct jnode *left = parse_not(parser);

    while (jparser_skip_name(parser, "and"))
        left = jparser_join(parser, JN_AND, offset, left, parse_not(parser));
    return left;
}

static struct jnode *parse_or(struct jparser *parser)
{
    uint32_t offset = parser->current.offset;
    struct jnode *left = parse_and(parser);

    while (jparser_skip_name(parser, "or"))
        left = jparser_join(parser, JN_OR, offset, left, parse_and(parser));
    return left;
}

struct jnode *jparse_expression(struct jparser *parser, bool with_condition)
{
    uint32_t offset = parser->current.offset;
    struct jnode *node;

    jparser_enter(parser);
    node = parse_or(parser);
    while (with_condition && jparser_skip_name(parser, "if")) {
        struct jnode *condition = jparser_node(parser, JN_CONDITION, offset);
        condition->as.condition.yes = node;
        condition->as.condition.test = parse_or(parser);
        condition->as.condition.no = jparser_skip_name(parser, "else") ? jparse_expression(parser, true) : NULL;
        node = condition;
    }
    jparser_leave(parser);
    return node;
}

struct jnode *jparse_tuple(struct jparser *parser, bool with_condition, const char *end_name, bool parenthesised)
{
    uint32_t offset = parser->current.offset;
    struct jcollector items = {0};
    struct jnode *node;
    bool comma = false;

    for (;;) {
        enum jtoken_kind kind = parser->current.kind;
        if (kind == JT_PRINT_END || kind == JT_BLOCK_END || kind == JT_RPAREN ||
            (end_name != NULL && jparser_at_name(parser, end_name)))
            break;
        jcollect(parser, &items, jparse_expression(parser, with_condition));
        if (parser->current.kind != JT_COMMA)
            break;
        comma = true;
        jparser_advance(parser);
    }
    if (!comma && items.count == 1)
        return items.items[0];
    if (!comma && !parenthesised)
        jparser_unexpected(parser, "expression");
    node = jparser_node(parser, JN_TUPLE, offset);
    node->as.list = jcollected(&items);
    return node;
}

static void mark_target(struct jparser *parser, struct jnode *target)
{
    if (target->kind == JN_NAME) {
        target->as.name.store = true;
    } else if (target->kind == JN_TUPLE) {
        for (uint32_t i = 0; i < target->as.list.count; i++)
            mark_target(parser, target->as.list.items[i]);
    } else if (target->kind != JN_MEMBER) {
        parser->run->offset = target->offset;
        jfail(parser->run, QUIRE_BAD_FILE, "can't assign to this");
    }
}

struct jnode *jparse_target(struct jparser *parser, const char *end_name, bool with_member)
{
    uint32_t offset = parser->current.offset;
    struct jcollector items = {0};
    struct jnode *node;
    bool comma = false;

    do {
        if (parser->current.kind == JT_BLOCK_END || (end_name != NULL && jparser_at_name(parser, end_name)))
            break;
        jcollect(parser, &items, jparse_primary(parser, with_member));
        comma = comma || parser->current.kind == JT_COMMA;
    } while (jparser_skip(parser, JT_COMMA));
    if (!comma && items.count == 1) {
        node = items.items[0];
    } else if (!comma) {
        jparser_unexpected(parser, "name");
    } else {
        node = jparser_node(parser, JN_TUPLE, offset);
        node->as.list = jcollected(&items);
    }
    mark_target(parser, node);
    return node;
}
