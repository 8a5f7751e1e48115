/* Knuth-Morris-Pratt (SIAM J. Comput. 6, 1977), one automaton per stop string, fed byte by byte: the state of an
 * automaton is the length of the longest end of the text that is a beginning of its string, which is also what must be
 * held back. So no text is kept at all. Thread: step. */
#include "stop_match.h"

/* The state after one more byte; a complete string goes on from its longest border. */
static size_t advance(const struct request_bytes *stop, const uint16_t *failure, size_t matched, char byte)
{
    if (matched == stop->count)
        matched = failure[matched - 1];
    while (matched > 0 && stop->bytes[matched] != byte)
        matched = failure[matched - 1];
    return stop->bytes[matched] == byte ? matched + 1 : 0;
}

bool stop_match_feed(struct stop_match *match, const struct request *request, const char *bytes, size_t count,
                     uint32_t *stop_index, uint64_t *start)
{
    const struct request_spec *spec = &request->spec;

    for (size_t i = 0; i < count; i++) {
        size_t complete = 0;

        match->text_bytes++;
        for (uint32_t s = 0; s < spec->stop_count; s++) {
            size_t matched = advance(&spec->stops[s], request_stop_failure(request, s), match->matched[s], bytes[i]);

            match->matched[s] = (uint16_t)matched;
            if (match->text_bytes > match->passed_bytes && complete == 0 && matched == spec->stops[s].count) {
                complete = matched;
                *stop_index = s;
            }
        }
        if (complete != 0) {
            *start = match->text_bytes - complete;
            return true;
        }
    }
    return false;
}

uint64_t stop_match_safe_bytes(const struct stop_match *match, const struct request *request)
{
    size_t held = 0;

    for (uint32_t s = 0; s < request->spec.stop_count; s++) {
        size_t matched = match->matched[s];

        /* A string that was passed by is past; only its border can still grow. */
        if (matched == request->spec.stops[s].count)
            matched = request_stop_failure(request, s)[matched - 1];
        if (matched > held)
            held = matched;
    }
    return match->text_bytes - held;
}
