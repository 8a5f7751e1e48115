/* The HTTP half of `quire bench`: what serving costs above the engine. */
#ifndef QUIRE_BENCH_HTTP_H
#define QUIRE_BENCH_HTTP_H

#include "status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bench_http_source {
    uint32_t port;                      /* of a server in this process, on 127.0.0.1 */
    const char *model_name;
    uint32_t token_max;                 /* of each stream */
    const _Atomic uint64_t *engine_ns;  /* time spent inside engine_step so far */
};

struct bench_http_row {
    uint32_t streams;
    double tokens_per_s;
    double engine_us, overhead_us; /* per token: inside engine_step, and everything else until the client has it */
};

#define BENCH_HTTP_ROWS 3u /* 1, 8 and 32 streams */

/* Streams completions from the server over loopback, several at once, and sets the time that passes against the time inside
 * the engine in the same run. Medians of five runs. QUIRE_IO. */
QUIRE_NODISCARD enum quire_status bench_http_measure(const struct bench_http_source *source,
                                                     struct bench_http_row rows[BENCH_HTTP_ROWS],
                                                     struct quire_error *error);

/* Writes the engine's report and these rows: as text one after the other, as JSON the rows as a member "http" of the
 * engine's object. `row_count` 0: only says why there are none. */
QUIRE_NODISCARD enum quire_status bench_http_report(const char *engine_report, const struct bench_http_row *rows,
                                                    uint32_t row_count, const char *reason, bool json,
                                                    struct quire_error *error);

#endif
