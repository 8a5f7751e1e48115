/* Names from hostile files, made fit for an error sentence: bounded, printable, valid UTF-8. */
#ifndef QUIRE_QUOTE_H
#define QUIRE_QUOTE_H

#include <stddef.h>

struct quote {
    char text[100];
};

/* Copies at most 90 bytes of `name`, control characters and bytes outside ASCII as '?', "..." where more follows;
 * returns quote->text. */
const char *quote_name(struct quote *quote, const char *name, size_t name_bytes);

#endif
