/* What the template tests share: fixtures, and rendering in one call. Thread: the test's. Owner: the test. */
#ifndef JINJA_HARNESS_H
#define JINJA_HARNESS_H

#include "jinja.h"

/* Where the fixtures of make_cases.py lie (QUIRE_FIXTURES), and the folder shared/ (QUIRE_SHARED), NULL where it is
 * absent. */
const char *harness_fixtures(void);
const char *harness_shared(void);

/* All of a file, terminated; the size in *bytes. Fails the test where it cannot be read. */
char *harness_read(const char *folder, const char *name, size_t *bytes);

/* Calls `use` with each line of a file of JSON values. */
void harness_each_line(const char *name, void (*use)(const json_t *line, void *context), void *context);

/* The clock at 2026-03-07 14:05:09.123456 UTC, as in the fixtures; sets the time zone. */
const struct jinja_options *harness_options(void);

/* Compiles and renders with harness_options; a text to be freed, or NULL with the error filled. */
char *harness_render(const char *source, size_t source_bytes, const json_t *variables, size_t *text_bytes,
                     enum quire_status *status, struct quire_error *error);

/* The same from JSON text, for a test that expects success: the output, to be released with jinja_output_deinit. */
struct jinja_output harness_output(const char *source, const char *variables_json, const struct jinja_options *options);

/* The calling thread's processor time. */
double harness_cpu_ms(void);

/* head, then `middle` so many times, then tail; to be freed. */
char *harness_repeat(const char *head, const char *middle, size_t times, const char *tail);

#endif
