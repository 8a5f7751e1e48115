/* What the two halves of the lexer share: text outside of tags (lexer.c), code inside of them (lexer_code.c).
 * Thread: the compiling one. Owner: the parser. */
#ifndef JINJA_LEXER_H
#define JINJA_LEXER_H

#include "ast.h"

_Noreturn void jlexer_fail(struct jlexer *lexer, size_t at, const char *message);
bool jlexer_starts(const struct jlexer *lexer, size_t at, const char *text); /* whether `text` stands at `at` */
size_t jlexer_skip_space(const struct jlexer *lexer, size_t at);
size_t jlexer_tag_end(const struct jlexer *lexer, size_t at, const char *end);
void jlexer_end_tag(struct jlexer *lexer, size_t at); /* the text goes on at `at` */
bool jlexer_code(struct jlexer *lexer, struct jtoken *token); /* false after the end of the template */

#endif
