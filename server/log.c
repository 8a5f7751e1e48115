/* Log lines: formatted by the caller into a slot of a bounded ring, written to standard error by a thread of its own, so that
 * nobody (least of all the step thread) waits for a slow terminal. When the ring is full the line is counted and dropped,
 * and the count is reported with the next line that gets through.
 *
 * The ring is Vyukov's bounded queue: each slot carries a sequence number that says whose turn it is, so that any number of
 * callers take slots with one compare-and-swap. Threads: any caller, one writer. */
#include "log.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 1000u
#define RING_SLOTS 1024u /* a power of two */

struct line {
    struct timespec time;
    enum log_level level;
    const char *event; /* a string literal, as log.h's callers pass */
    char pairs[LINE_BYTES];
};

struct slot {
    _Atomic uint64_t turn; /* == position: free for the caller of that position; == position + 1: filled */
    struct line line;
};

static struct {
    struct slot slots[RING_SLOTS];
    _Atomic uint64_t head; /* next position to fill */
    uint64_t tail;         /* next position to write; the writer's */
    _Atomic uint64_t dropped;
    _Atomic bool running;
    sem_t filled;
    pthread_t writer;
    bool json;
} ring;

static _Atomic int level_max = LOG_INFO;

static size_t append(char *out, size_t at, size_t size, const char *text, size_t count)
{
    for (size_t i = 0; i < count && at < size; i++)
        out[at++] = text[i];
    return at;
}

/* A JSON string of `count` bytes; control characters and bytes that could break a line become spaces. */
static size_t append_json(char *out, size_t at, size_t size, const char *text, size_t count)
{
    at = append(out, at, size, "\"", 1);
    for (size_t i = 0; i < count; i++) {
        char c = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
        if (c == '"' || c == '\\')
            at = append(out, at, size, "\\", 1);
        at = append(out, at, size, &c, 1);
    }
    return append(out, at, size, "\"", 1);
}

/* Splits `key=value key="quoted value"` into JSON members; a word without '=' becomes a member "text". */
static size_t append_pairs_json(char *out, size_t at, size_t size, const char *pairs)
{
    while (*pairs != '\0') {
        size_t key = strcspn(pairs, "= "), value;
        const char *name = pairs;

        if (pairs[key] != '=') {
            name = "text";
            value = key, key = 4;
        } else {
            pairs += key + 1;
            value = strcspn(pairs, " ");
        }
        if (*pairs == '"' && strchr(pairs + 1, '"') != NULL) {
            pairs++;
            value = strcspn(pairs, "\"");
        }
        at = append(out, at, size, ",", 1);
        at = append_json(out, at, size, name, key);
        at = append(out, at, size, ":", 1);
        at = append_json(out, at, size, pairs, value);
        pairs += value;
        pairs += strspn(pairs, "\" ");
    }
    return at;
}

static void line_write(const struct line *line)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char out[6 * LINE_BYTES], stamp[64]; /* the JSON form is longer: quotes, and "text" for a word without a key */
    size_t at = 0, size = sizeof out - 2; /* room for "}\n" */
    struct tm utc;

    gmtime_r(&line->time.tv_sec, &utc);
    at = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + at, sizeof stamp - at, ".%03uZ", (unsigned)(line->time.tv_nsec / 1000000));
    at = 0;
    if (ring.json) {
        at = append(out, at, size, "{\"time\":", 8);
        at = append_json(out, at, size, stamp, strlen(stamp));
        at = append(out, at, size, ",\"level\":", 9);
        at = append_json(out, at, size, names[line->level], strlen(names[line->level]));
        at = append(out, at, size, ",\"event\":", 9);
        at = append_json(out, at, size, line->event, strlen(line->event));
        at = append_pairs_json(out, at, size, line->pairs);
        out[at++] = '}';
    } else {
        int count = snprintf(out, size, "%s %-7s %s%s%s", stamp, names[line->level], line->event,
                             line->pairs[0] != '\0' ? " " : "", line->pairs);
        at = count < 0 ? 0 : (size_t)count < size ? (size_t)count : size - 1;
        for (size_t i = 0; i < at; i++) /* a client's bytes must not forge a line */
            if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
                out[i] = ' ';
    }
    out[at++] = '\n';
    for (size_t done = 0; done < at;) {
        ssize_t count = write(STDERR_FILENO, out + done, at - done);
        if (count <= 0)
            return; /* nowhere to complain to */
        done += (size_t)count;
    }
}

static void line_fill(struct line *line, enum log_level level, const char *event, const char *format, va_list arguments)
{
    clock_gettime(CLOCK_REALTIME, &line->time);
    line->level = level;
    line->event = event;
    vsnprintf(line->pairs, sizeof line->pairs, format, arguments);
}

static bool ring_write_next(void)
{
    struct slot *slot = &ring.slots[ring.tail % RING_SLOTS];
    uint64_t dropped;

    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != ring.tail + 1)
        return false;
    line_write(&slot->line);
    atomic_store_explicit(&slot->turn, ring.tail + RING_SLOTS, memory_order_release);
    ring.tail++;
    dropped = atomic_exchange(&ring.dropped, 0);
    if (dropped != 0) {
        struct line note = {.level = LOG_WARNING, .event = "log_lines_dropped"};
        clock_gettime(CLOCK_REALTIME, &note.time);
        snprintf(note.pairs, sizeof note.pairs, "count=%llu", (unsigned long long)dropped);
        line_write(&note);
    }
    return true;
}

static void *writer_run(void *unused)
{
    (void)unused;
    do {
        while (sem_wait(&ring.filled) != 0) {
        }
        while (ring_write_next()) {
        }
    } while (atomic_load(&ring.running));
    while (ring_write_next()) {
    }
    return NULL;
}

void log_open(enum log_level level, bool json)
{
    atomic_store(&level_max, (int)level);
    ring.json = json;
    if (atomic_load(&ring.running))
        return;
    for (uint64_t i = 0; i < RING_SLOTS; i++)
        atomic_store(&ring.slots[i].turn, i);
    atomic_store(&ring.head, 0);
    ring.tail = 0;
    if (sem_init(&ring.filled, 0, 0) != 0)
        return; /* lines go out at once, as before log_open */
    atomic_store(&ring.running, true);
    if (pthread_create(&ring.writer, NULL, writer_run, NULL) != 0)
        atomic_store(&ring.running, false);
    else
        pthread_setname_np(ring.writer, "quire-log");
}

void log_close(void)
{
    if (!atomic_exchange(&ring.running, false))
        return;
    sem_post(&ring.filled);
    pthread_join(ring.writer, NULL);
    sem_destroy(&ring.filled);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    va_list arguments;
    uint64_t position;
    struct slot *slot;

    if ((int)level > atomic_load_explicit(&level_max, memory_order_relaxed))
        return;
    va_start(arguments, format);
    if (!atomic_load(&ring.running)) {
        struct line line;
        line_fill(&line, level, event, format, arguments);
        line_write(&line);
        va_end(arguments);
        return;
    }
    position = atomic_load_explicit(&ring.head, memory_order_relaxed);
    for (;;) {
        uint64_t turn;
        slot = &ring.slots[position % RING_SLOTS];
        turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        if (turn < position) { /* still holds the line of the round before: full */
            atomic_fetch_add_explicit(&ring.dropped, 1, memory_order_relaxed);
            va_end(arguments);
            return;
        }
        if (turn > position)
            position = atomic_load_explicit(&ring.head, memory_order_relaxed);
        else if (atomic_compare_exchange_weak(&ring.head, &position, position + 1))
            break;
    }
    line_fill(&slot->line, level, event, format, arguments);
    va_end(arguments);
    atomic_store_explicit(&slot->turn, position + 1, memory_order_release);
    sem_post(&ring.filled);
}
