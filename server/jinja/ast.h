/* The syntax tree of a template, and the tokens it is made of.
 *
 * Names are resolved before the first render, with the reference's rules (its compiler turns them into Python's
 * local variables): each construct that opens a scope has a frame of numbered slots, and a name is a slot some
 * frames up, or free: a variable of the render or a global function.
 * Thread: immutable once compiled. Owner: the template's arena. */
#ifndef JINJA_AST_H
#define JINJA_AST_H

#include "value.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* One for each different name, attribute or string subscript in the template. */
struct jsymbol {
    const struct jstring *text;
    struct jsymbol *next;      /* in its bucket */
    struct jbinding *binding;  /* innermost, while scopes are resolved */
    uint32_t free_number;      /* + 1: index into the template's free names; 0: none yet */
    const void *parameter_of;  /* the latest parameters that it was found among */
    bool holds_content;        /* a variable that is set to a message's content somewhere */
};

enum jslot_start {
    JSLOT_EMPTY,     /* parameters and names that are set before they are read */
    JSLOT_OUTER,     /* copied from an outer frame on entry */
    JSLOT_FREE,      /* the render's variable or the global function of that name */
    JSLOT_CONTEXT,   /* in a block: what the template has set at its top level by then, else as JSLOT_FREE */
};

struct jslot {
    uint32_t start; /* enum jslot_start */
    uint32_t hops, number; /* JSLOT_OUTER: where from (hops counted from the enclosing frame); JSLOT_FREE: index */
    uint32_t top_number;   /* JSLOT_CONTEXT: of the slot at the top */
};

struct jscope {
    struct jslot *slots;
    uint32_t slot_count, slot_max;
    uint32_t depth;
    struct jbinding *bindings; /* while it is resolved */
};

struct jframe {
    struct jframe *outer;
    struct jvalue slots[];
};

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

enum jnode_kind {
    /* expressions */
    JN_CONST, JN_NAME, JN_TUPLE, JN_LIST, JN_DICT, JN_ATTRIBUTE, JN_ITEM, JN_SLICE, JN_CALL, JN_FILTER, JN_TEST,
    JN_CONDITION, JN_AND, JN_OR, JN_NOT, JN_NEGATIVE, JN_POSITIVE, JN_BINARY, JN_CONCAT, JN_COMPARE,
    JN_MEMBER, /* target of a set: namespace.attribute */
    /* statements */
    JN_OUTPUT, JN_FOR, JN_IF, JN_MACRO, JN_CALL_BLOCK, JN_FILTER_BLOCK, JN_SET, JN_SET_BLOCK, JN_WITH, JN_SCOPE,
    JN_BLOCK, JN_BREAK, JN_CONTINUE, JN_ABSENT, /* include, import, extends: there is no loader */
};

enum joperator {
    JOP_ADD, JOP_SUB, JOP_MUL, JOP_DIV, JOP_FLOORDIV, JOP_MOD, JOP_POW,
    JOP_EQ, JOP_NE, JOP_LT, JOP_LE, JOP_GT, JOP_GE, JOP_IN, JOP_NOT_IN,
};

struct jnodes {
    struct jnode **items;
    uint32_t count;
};

struct jkeyword {
    const struct jstring *name;
    struct jnode *value;
};

struct jarguments {
    struct jnodes positional;
    struct jkeyword *keywords;
    uint32_t keyword_count;
    struct jnode *list, *dict; /* *list, **dict; NULL */
};

struct jparameters { /* of a macro or a call block */
    struct jsymbol **names;
    struct jnode **defaults; /* NULL where there is none */
    uint32_t count;
    bool caller, keywords, rest; /* the body uses caller, kwargs, varargs */
    bool names_caller;           /* `caller` is among the names */
};

struct jbuiltin;

struct jnode {
    uint8_t kind;      /* enum jnode_kind */
    uint8_t operator;  /* JN_BINARY */
    bool flag;         /* JN_FOR: recursive; JN_BLOCK: required */
    uint32_t offset;   /* in the source */
    union {
        struct jvalue constant;
        struct { /* JN_NAME; free where hops is JNAME_FREE */
            struct jsymbol *symbol;
            uint32_t hops, number;
            bool store;
        } name;
        struct jnodes list; /* JN_TUPLE, JN_LIST, JN_CONCAT, JN_OUTPUT; JN_DICT: keys and values in turn */
        struct {
            struct jnode *object;
            const struct jstring *name;
        } attribute;
        struct {
            struct jnode *object, *key;
        } item;
        struct {
            struct jnode *start, *stop, *step; /* NULL */
        } slice;
        struct {
            struct jnode *object; /* JN_FILTER: NULL for the text that a block collected */
            const struct jbuiltin *builtin; /* JN_FILTER, JN_TEST; NULL: unknown */
            const struct jstring *name;
            struct jarguments *arguments;
        } call;
        struct {
            struct jnode *test, *yes, *no; /* JN_CONDITION: no may be NULL */
        } condition;
        struct {
            struct jnode *left, *right; /* unary: right NULL */
        } operands;
        struct {
            struct jnode *first;
            struct jnodes operands;
            uint8_t *operators;
        } compare;
        struct { /* JN_MEMBER */
            struct jnode *object;
            const struct jstring *name;
        } member;
        struct {
            struct jnode *target, *iterable, *test; /* test: NULL */
            struct jnodes body, otherwise;
            struct jscope *scope, *test_scope, *else_scope;
        } loop;
        struct {
            struct jnode **tests; /* if, elif, ... */
            struct jnodes *bodies;
            uint32_t count;
            struct jnodes otherwise;
        } branch;
        struct { /* JN_MACRO, JN_CALL_BLOCK */
            struct jnode *target; /* JN_MACRO: the name it is bound to */
            struct jnode *call;   /* JN_CALL_BLOCK */
            struct jparameters *parameters;
            struct jnodes body;
            struct jscope *scope;
        } macro;
        struct { /* JN_SET (value), JN_SET_BLOCK (filter, body), JN_FILTER_BLOCK (filter, body), JN_SCOPE (body),
                    JN_BLOCK (body, name, next) */
            struct jnode *target, *value, *filter;
            struct jnodes body;
            struct jscope *scope;
            const struct jstring *name;
            struct jnode *next; /* of the template's blocks */
        } block;
        struct {
            struct jnodes targets, values, body;
            struct jscope *scope;
        } with;
    } as;
};

#define JNAME_FREE UINT32_MAX

/* ---- compiled templates ------------------------------------------------------------------------------------------ */

#define SYMBOL_BUCKETS 1024u

struct jinja_template {
    struct jarena arena;
    char *source; /* newlines normalised */
    size_t source_bytes;
    struct jnodes body;
    struct jscope *scope;
    struct jsymbol *symbols[SYMBOL_BUCKETS];
    struct jsymbol **free_names;
    uint32_t free_count, free_max;
    struct jnode *blocks; /* the latest first */
    bool wants_parts;
};

/* ---- lexer.c ----------------------------------------------------------------------------------------------------- */

enum jtoken_kind {
    JT_END, JT_DATA, JT_PRINT_BEGIN, JT_PRINT_END, JT_BLOCK_BEGIN, JT_BLOCK_END,
    JT_NAME, JT_STRING, JT_INTEGER, JT_FLOAT,
    JT_ADD, JT_SUB, JT_MUL, JT_DIV, JT_FLOORDIV, JT_MOD, JT_POW, JT_TILDE, JT_EQ, JT_NE, JT_LT, JT_LE, JT_GT, JT_GE,
    JT_ASSIGN, JT_DOT, JT_COLON, JT_PIPE, JT_COMMA, JT_SEMICOLON,
    JT_LPAREN, JT_RPAREN, JT_LBRACKET, JT_RBRACKET, JT_LBRACE, JT_RBRACE,
};

struct jtoken {
    enum jtoken_kind kind;
    uint32_t offset;
    const char *text; /* JT_DATA, JT_NAME: as it stands in the source */
    size_t text_bytes;
    struct jvalue value; /* JT_STRING, JT_INTEGER, JT_FLOAT */
};

enum jlexer_mode { JLEX_DATA, JLEX_BLOCK, JLEX_PRINT };
#define LEXER_BRACKETS_MAX 256u

struct jlexer {
    struct jrun *run;
    const char *source;
    size_t bytes, at;
    enum jlexer_mode mode;
    bool line_starting; /* the last thing matched ended a line */
    bool tag_pending;   /* the data before a tag was given out, the tag is next */
    char brackets[LEXER_BRACKETS_MAX]; /* closing ones that are awaited */
    uint32_t bracket_count;
};

void jlexer_next(struct jlexer *lexer, struct jtoken *token);
const char *jtoken_name(enum jtoken_kind kind);

/* ---- parser*.c, resolve.c ---------------------------------------------------------------------------------------- */

struct jparser {
    struct jrun *run;
    struct jinja_template *template;
    struct jlexer lexer;
    struct jtoken current, ahead;
    bool looked; /* `ahead` is the token after `current` */
    uint32_t loop_depth;  /* for break and continue */
    uint8_t special_uses; /* JUSES_ flags of the names read so far in the macro being parsed */
};
#define JUSES_CALLER 1u
#define JUSES_KWARGS 2u
#define JUSES_VARARGS 4u

void jparse_template(struct jparser *parser);

void jparser_advance(struct jparser *parser);
const struct jtoken *jparser_look(struct jparser *parser);
bool jparser_at_name(const struct jparser *parser, const char *name);
bool jparser_skip(struct jparser *parser, enum jtoken_kind kind);
bool jparser_skip_name(struct jparser *parser, const char *name);
void jparser_expect(struct jparser *parser, enum jtoken_kind kind);
struct jsymbol *jparser_expect_symbol(struct jparser *parser);
_Noreturn void jparser_unexpected(struct jparser *parser, const char *expected); /* NULL: something else */
struct jnode *jparser_node(struct jparser *parser, enum jnode_kind kind, uint32_t offset);
struct jnode *jparser_join(struct jparser *parser, enum jnode_kind kind, uint32_t offset, struct jnode *left,
                           struct jnode *right); /* right: NULL for a unary operator */
void jparser_enter(struct jparser *parser);
void jparser_leave(struct jparser *parser);

struct jnode *jparse_expression(struct jparser *parser, bool with_condition);
/* An expression, or a tuple of them without parentheses; `end_name` is a word that ends it, or NULL. */
struct jnode *jparse_tuple(struct jparser *parser, bool with_condition, const char *end_name, bool parenthesised);
struct jnode *jparse_target(struct jparser *parser, const char *end_name, bool with_member);
struct jnode *jparse_filters(struct jparser *parser, struct jnode *object, bool first_inline);
struct jnode *jparse_primary(struct jparser *parser, bool with_member);
struct jnode *jparse_postfix(struct jparser *parser, struct jnode *node);
struct jnode *jparse_filters_and_tests(struct jparser *parser, struct jnode *node);
struct jnode *jparse_statement(struct jparser *parser);
/* Text, prints and statements up to the end, or up to a tag of one of the words in `ends`, which is then current. */
struct jnodes jparse_body(struct jparser *parser, const char *const *ends);

/* A list of nodes being collected. */
struct jcollector {
    struct jnode **items;
    uint32_t count, count_max;
};
void jcollect(struct jparser *parser, struct jcollector *collector, struct jnode *node);
struct jnodes jcollected(const struct jcollector *collector);

struct jsymbol *jsymbol_get(struct jrun *run, struct jinja_template *template, const char *text, size_t bytes);
void jscope_resolve(struct jrun *run, struct jinja_template *template);

#endif
