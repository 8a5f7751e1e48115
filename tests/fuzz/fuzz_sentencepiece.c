/* Fuzz target for SentencePiece models and tiktoken ranks: the input is the file. A field 99, which no model has, holds
 * text to encode. The mutator works on the fields of Protocol Buffers' wire format and of the messages in them, so that
 * lengths stay true. Thread: one. Owner: the process. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 512u
#define TEXT_FIELD 99u
#define FIELD_BYTES_MAX 4096u

/* A field: its bytes with the tag, and where the content begins for a length-delimited one (0 for others). */
struct span {
    const uint8_t *at;
    size_t count, content;
    uint32_t number;
};

static size_t varint_read(const uint8_t *bytes, size_t count, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < count && i < 10; i++) {
        *out |= i < 9 ? (uint64_t)(bytes[i] & 0x7F) << 7 * i : 0;
        if (bytes[i] < 0x80)
            return i + 1;
    }
    return 0;
}

static size_t varint_write(uint64_t value, uint8_t *out)
{
    size_t count = 0;

    for (; value >= 0x80; value >>= 7)
        out[count++] = (uint8_t)(value | 0x80);
    out[count++] = (uint8_t)value;
    return count;
}

/* The fields of a message; 0 where it is none. */
static size_t fields_read(const uint8_t *bytes, size_t count, struct span spans[FIELDS_MAX])
{
    size_t found = 0;

    for (size_t at = 0; at < count; found++) {
        uint64_t tag, value = 0;
        size_t head = varint_read(bytes + at, count - at, &tag), tail = 0;
        if (head == 0 || found == FIELDS_MAX || tag >> 3 > UINT32_MAX)
            return 0;
        spans[found] = (struct span){.at = bytes + at, .number = (uint32_t)(tag >> 3)};
        if ((tag & 7) == 0 || (tag & 7) == 2) {
            size_t more = varint_read(bytes + at + head, count - at - head, &value);
            if (more == 0)
                return 0;
            head += more;
        }
        if ((tag & 7) == 2) {
            tail = value < count ? (size_t)value : count;
            spans[found].content = head;
        } else if ((tag & 7) != 0) {
            tail = (tag & 7) == 1 ? 8 : (tag & 7) == 5 ? 4 : count;
        }
        if (tail > count - at - head)
            return 0;
        spans[found].count = head + tail;
        at += head + tail;
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct span *spans = malloc(FIELDS_MAX * sizeof *spans);
    const char *text = "";
    size_t text_bytes = 0;

    for (size_t i = fields_read(bytes, count, spans); i > 0; i--) {
        if (spans[i - 1].number == TEXT_FIELD && spans[i - 1].content > 0) {
            text = (const char *)spans[i - 1].at + spans[i - 1].content;
            text_bytes = spans[i - 1].count - spans[i - 1].content;
        }
    }
    scratch_write("fuzz.model", bytes, count);
    exercise_tokenizer("fuzz.model", text, text_bytes);
    free(spans);
    return 0;
}

/* ---- the mutator ------------------------------------------------------------------------------------------------- */

/* A field that means something in one of the messages, with a value that may be one. */
static size_t field_make(struct dice *dice, uint8_t *out)
{
    static const struct {
        uint32_t number, type;
    } kinds[] = {{1, 2}, {2, 2},  {3, 2},  {2, 5},  {3, 0}, {4, 0},
                 {5, 0}, {35, 0}, {41, 0}, {42, 0}, {43, 0}, {TEXT_FIELD, 2}};
    static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 64, 255, 65536, UINT32_MAX, UINT64_MAX};
    static const char *const texts[] = {"",    "a", "b",        "ab",           "\xE2\x96\x81", "<0x41>",
                                        "<s>", " ", "\xCC\x81", "\n\1a\x18\4"};
    uint32_t kind = dice_throw(dice, sizeof kinds / sizeof *kinds);
    const char *text = texts[dice_throw(dice, sizeof texts / sizeof *texts)];
    size_t count = varint_write(kinds[kind].number << 3 | kinds[kind].type, out);

    if (kinds[kind].type == 0)
        return count + varint_write(values[dice_throw(dice, sizeof values / sizeof *values)], out + count);
    if (kinds[kind].type == 5) {
        float score = (float)dice_throw(dice, 64) / -4.0f;
        memcpy(out + count, &score, 4);
        return count + 4;
    }
    out[count++] = (uint8_t)strlen(text);
    memcpy(out + count, text, strlen(text));
    return count + strlen(text);
}

static size_t message_mutate(const uint8_t *bytes, size_t count, uint8_t *out, size_t out_max, struct dice *dice,
                             int depth);

/* The field with other content, changed as a message while `depth` is left or by libFuzzer; 0 where it is too long. */
static size_t field_change(const struct span *span, uint8_t *out, size_t out_max, struct dice *dice, int depth)
{
    uint8_t made[FIELD_BYTES_MAX];
    uint64_t tag;
    size_t head = varint_read(span->at, span->count, &tag);
    size_t content = span->content > 0 ? span->content : head, count = span->count - content, changed = 0;

    if (span->count > sizeof made / 2)
        return 0;
    if (span->content > 0 && depth > 0 && dice_throw(dice, 2) == 0)
        changed = message_mutate(span->at + content, count, made, sizeof made, dice, depth - 1);
    if (changed == 0) {
        memcpy(made, span->at + content, count);
        changed = LLVMFuzzerMutate(made, count, count + 16);
    }
    if (changed + 32 > out_max)
        return 0;
    memcpy(out, span->at, head);
    if (span->content > 0)
        head += varint_write(changed, out + head);
    memcpy(out + head, made, changed);
    return head + changed;
}

static size_t append(uint8_t *out, size_t at, size_t out_max, const struct span *span)
{
    if (at + span->count > out_max)
        return at;
    memcpy(out + at, span->at, span->count);
    return at + span->count;
}

/* One field is changed, dropped, doubled, exchanged or put in before it; 0 where the bytes are no message. */
static size_t message_mutate(const uint8_t *bytes, size_t count, uint8_t *out, size_t out_max, struct dice *dice,
                             int depth)
{
    struct span *spans = malloc(FIELDS_MAX * sizeof *spans);
    size_t found = fields_read(bytes, count, spans), at = 0, made;
    uint32_t victim = found > 0 ? dice_throw(dice, found) : 0, action = dice_throw(dice, 8);

    for (size_t i = 0; i < found; i++) {
        made = 0;
        if (i == victim && action <= 3)
            made = field_change(&spans[i], out + at, out_max - at, dice, depth);
        else if (i == victim && action == 4)
            continue;
        else if (i == victim && action == 5)
            at = append(out, at, out_max, &spans[i]);
        else if (i == victim && action == 6)
            at = append(out, at, out_max, &spans[dice_throw(dice, found)]);
        else if (i == victim && at + 64 < out_max)
            at += field_make(dice, out + at);
        at = made > 0 ? at + made : append(out, at, out_max, &spans[i]);
    }
    free(spans);
    return at;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t count_max, unsigned seed)
{
    struct dice dice = dice_make(seed);
    uint8_t *made = malloc(count_max + 1);
    size_t changed = dice_throw(&dice, 20) == 0 ? 0 : message_mutate(bytes, count, made, count_max, &dice, 1);

    if (changed > 0)
        memcpy(bytes, made, changed);
    free(made);
    return changed > 0 ? changed : LLVMFuzzerMutate(bytes, count, count_max);
}
