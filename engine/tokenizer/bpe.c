/* Byte-pair encoding of one word. Thread: any; the model is immutable. Owner: tokenizer.
 * Symbols form a linked list, candidate merges a heap ordered by (rank, position), so that a word of n characters costs
 * n log n whatever it is made of. Ranks come from a merge list (Sennrich et al., arXiv:1508.07909, as in Hugging Face's
 * tokenizers) or, for SentencePiece vocabularies, from the scores of the pieces. */
#include "model.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

#define LONG_WORD_BYTES 64u /* from here on looking for cuts is cheaper than a larger heap */
#define NO_SYMBOL UINT32_MAX
#define CHAR_IDS 0x400u /* covers the byte alphabet and Latin */
#define CHAR_ID_BYTES 2u

struct symbol {
    uint32_t id;           /* TOKEN_NONE: not in the vocabulary (scores only) */
    uint32_t start, bytes; /* in the word; 0 bytes: merged away */
    uint32_t previous, next;
};

struct candidate {
    uint32_t rank, at; /* `at`: the left symbol */
    uint32_t id;       /* what the two become */
};

/* A word on its way. */
struct job {
    const struct word_model *model;
    const char *word;
    bool reserved; /* may become reserved pieces */
    struct symbol *symbols;
    uint32_t count;
    struct candidate *heap;
    size_t heap_count;
};

/* ---- merge table ------------------------------------------------------------------------------------------------- */

static size_t merge_slot(const struct merge_table *table, uint64_t pair)
{
    size_t mask = table->slot_count - 1;
    uint64_t hash = pair * 0x9E3779B97F4A7C15u;
    size_t slot = (size_t)(hash >> 24) & mask;

    while (table->slots[slot].pair != 0 && table->slots[slot].pair != pair)
        slot = (slot + 1) & mask;
    return slot;
}

enum quire_status merge_table_add(struct merge_table *table, uint32_t left, uint32_t right, uint32_t rank, uint32_t id)
{
    uint64_t pair = ((uint64_t)left << 32 | right) + 1;

    if ((table->count + 1) * 2 > table->slot_count) {
        struct merge_table wider = {.slot_count = table->slot_count == 0 ? 1024 : table->slot_count * 2,
                                    .count = table->count};
        wider.slots = calloc(wider.slot_count, sizeof *wider.slots);
        if (wider.slots == NULL)
            return QUIRE_NO_MEMORY;
        for (size_t i = 0; i < table->slot_count; i++)
            if (table->slots[i].pair != 0)
                wider.slots[merge_slot(&wider, table->slots[i].pair)] = table->slots[i];
        free(table->slots);
        *table = wider;
    }
    size_t slot = merge_slot(table, pair);
    table->count += table->slots[slot].pair == 0;
    /* The last of two equal merges counts. */
    table->slots[slot] = (struct merge){.pair = pair, .rank = rank & INT32_MAX, .id = id};
    return QUIRE_OK;
}

/* ---- heap -------------------------------------------------------------------------------------------------------- */

static bool before(const struct candidate *a, const struct candidate *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void heap_push(struct job *job, struct candidate candidate)
{
    struct candidate *heap = job->heap;
    size_t i = job->heap_count++;

    for (; i > 0 && before(&candidate, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = candidate;
}

static struct candidate heap_pop(struct job *job)
{
    struct candidate *heap = job->heap, top = heap[0], last = heap[--job->heap_count];
    size_t i = 0, count = job->heap_count;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count)
            break;
        if (child + 1 < count && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

/* Higher scores get lower ranks: the order of IEEE floats as integers. */
static uint32_t score_rank(float score)
{
    uint32_t bits;

    memcpy(&bits, &score, sizeof bits);
    bits = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u; /* ascending with the score */
    return ~bits;
}

/* What `left` and its right neighbour may become; false where nothing. */
static bool candidate_find(const struct job *job, uint32_t left, struct candidate *out)
{
    const struct word_model *model = job->model;
    const struct symbol *symbols = job->symbols;
    uint32_t right = symbols[left].next;

    if (right == NO_SYMBOL)
        return false;
    if (model->scores != NULL) {
        uint32_t id = vocabulary_find_piece(model->vocabulary, job->word + symbols[left].start,
                                            (size_t)symbols[left].bytes + symbols[right].bytes, job->reserved);
        if (id == TOKEN_NONE)
            return false;
        *out = (struct candidate){.rank = score_rank(model->scores[id]), .at = left, .id = id};
        return true;
    }
    if (model->merges.slot_count == 0)
        return false;
    const struct merge *merge =
        &model->merges.slots[merge_slot(&model->merges, ((uint64_t)symbols[left].id << 32 | symbols[right].id) + 1)];
    *out = (struct candidate){.rank = merge->rank, .at = left, .id = merge->id};
    return merge->pair != 0 && (job->reserved || !merge->reserved);
}

static void merge_all(struct job *job)
{
    struct symbol *symbols = job->symbols;
    struct candidate found;

    for (uint32_t i = 0; i < job->count; i++)
        if (candidate_find(job, i, &found))
            heap_push(job, found);
    while (job->heap_count > 0) {
        struct candidate top = heap_pop(job);
        struct symbol *left = &symbols[top.at];
        /* An entry may be out of date: a neighbour has merged meanwhile. */
        if (left->bytes == 0 || !candidate_find(job, top.at, &found) || found.id != top.id)
            continue;
        struct symbol *right = &symbols[left->next];
        left->id = top.id;
        left->bytes += right->bytes;
        right->bytes = 0;
        left->next = right->next;
        if (left->next != NO_SYMBOL)
            symbols[left->next].previous = top.at;
        if (left->previous != NO_SYMBOL && candidate_find(job, left->previous, &found))
            heap_push(job, found);
        if (candidate_find(job, top.at, &found))
            heap_push(job, found);
    }
}

/* ---- symbols ----------------------------------------------------------------------------------------------------- */

static void symbol_append(struct job *job, uint32_t id, size_t start, size_t bytes)
{
    uint32_t at = job->count++;

    job->symbols[at] = (struct symbol){.id = id,
                                       .start = (uint32_t)start,
                                       .bytes = (uint32_t)bytes,
                                       .previous = at == 0 ? NO_SYMBOL : at - 1,
                                       .next = at + 1};
}

/* Lets *spelling, a view of one character, have the prefix and suffix that its place in the word asks for, in *spare.
 * */
static enum quire_status char_spell(const struct word_model *model, const char *word, size_t start, size_t end,
                                    size_t count, struct text *spare, struct text *spelling)
{
    bool prefixed = start > 0 && model->prefix.count > 0, suffixed = end == count && model->suffix.count > 0;

    if (!prefixed && !suffixed)
        return QUIRE_OK;
    spare->count = 0;
    if ((prefixed && text_append(spare, model->prefix.bytes, model->prefix.count) != QUIRE_OK) ||
        text_append(spare, word + start, end - start) != QUIRE_OK ||
        (suffixed && text_append(spare, model->suffix.bytes, model->suffix.count) != QUIRE_OK))
        return QUIRE_NO_MEMORY;
    *spelling = *spare;
    return QUIRE_OK;
}

static uint32_t char_id(const struct job *job, const struct text *spelling)
{
    const struct vocabulary *vocabulary = job->model->vocabulary;

    if (spelling->count <= CHAR_ID_BYTES && spelling->count == utf8_length(spelling->bytes[0])) {
        size_t at = 0;
        uint32_t c = utf8_next(spelling->bytes, &at);
        uint32_t id = c < CHAR_IDS ? job->model->char_ids[c] : TOKEN_NONE;
        if (c < CHAR_IDS)
            return id != TOKEN_NONE && !job->reserved && (vocabulary->flags[id] & PIECE_RESERVED) != 0 ? TOKEN_NONE
                                                                                                         : id;
    }
    return vocabulary_find_piece(vocabulary, spelling->bytes, spelling->count, job->reserved);
}

/* One symbol per character; characters without a token become bytes or (fused) unknowns. With scores that is done after
 * the merges, for there a piece may have parts that are no pieces. An unknown is noted when something else than bytes
 * follows it, as in the reference. */
static enum quire_status symbols_fill(struct job *job, size_t count, struct text *spare)
{
    const struct word_model *model = job->model;
    bool affixes = model->prefix.count > 0 || model->suffix.count > 0;
    size_t unknown_start = 0, unknown_bytes = 0;

    for (size_t at = 0; at < count;) {
        size_t start = at, end = at + utf8_length(job->word[at]);
        struct text spelling = {.bytes = (char *)(uintptr_t)(job->word + start), .count = end - start};
        if (affixes && char_spell(model, job->word, start, end, count, spare, &spelling) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        uint32_t id = char_id(job, &spelling);
        at = end;
        if (id != TOKEN_NONE || model->scores != NULL) {
            if (unknown_bytes > 0)
                symbol_append(job, model->unknown, unknown_start, unknown_bytes);
            unknown_bytes = 0;
            symbol_append(job, id, start, end - start);
        } else if (model_has_bytes(model, spelling.bytes, spelling.count)) {
            for (size_t i = 0; i < spelling.count; i++)
                symbol_append(job, model->byte_ids[(unsigned char)spelling.bytes[i]], start, 1);
        } else if (model->unknown != TOKEN_NONE) {
            if (unknown_bytes > 0 && !model->fuse_unknown)
                symbol_append(job, model->unknown, unknown_start, unknown_bytes);
            unknown_start = unknown_bytes > 0 && model->fuse_unknown ? unknown_start : start;
            unknown_bytes = end - unknown_start;
        } else if (model->unknown_fails) {
            return QUIRE_INVALID;
        }
    }
    if (unknown_bytes > 0)
        symbol_append(job, model->unknown, unknown_start, unknown_bytes);
    if (job->count > 0)
        job->symbols[job->count - 1].next = NO_SYMBOL;
    return QUIRE_OK;
}

static enum quire_status symbols_give(const struct job *job, struct token_list *out)
{
    const struct word_model *model = job->model;
    bool unknown = false; /* the last id given stands for unknown text */

    if (job->count == 0)
        return QUIRE_OK;
    for (uint32_t i = 0; i != NO_SYMBOL; i = job->symbols[i].next) {
        const struct symbol *symbol = &job->symbols[i];
        const char *bytes = job->word + symbol->start;
        enum quire_status status = QUIRE_OK;
        if (symbol->id != TOKEN_NONE) {
            status = token_list_append(out, symbol->id);
            unknown = false;
        } else if (model_has_bytes(model, bytes, symbol->bytes)) {
            for (uint32_t k = 0; k < symbol->bytes && status == QUIRE_OK; k++)
                status = token_list_append(out, model->byte_ids[(unsigned char)bytes[k]]);
            unknown = false;
        } else if (model->unknown != TOKEN_NONE && !(unknown && model->fuse_unknown)) {
            status = token_list_append(out, model->unknown);
            unknown = true;
        }
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* One word, or a part of it that no merge leaves. */
static enum quire_status encode_part(const struct word_model *model, const char *word, size_t count,
                                     struct model_scratch *scratch, struct token_list *out)
{
    struct job job = {.model = model, .word = word, .reserved = scratch->trusted};
    size_t symbols = count; /* at most one per byte, which the prefix may have too */

    if (model->byte_fallback && (__builtin_mul_overflow(count, 1 + model->prefix.count, &symbols) ||
                                 __builtin_add_overflow(symbols, model->suffix.count, &symbols)))
        return QUIRE_NO_MEMORY;
    /* Each merge takes one symbol away and offers at most two candidates: at most 3 per symbol in all. */
    if (symbols >= UINT32_MAX / 4 ||
        array_grow(&scratch->symbols, &scratch->symbol_max, symbols, sizeof(struct symbol)) != QUIRE_OK ||
        array_grow(&scratch->heap, &scratch->heap_max, symbols * 3, sizeof(struct candidate)) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    job.symbols = scratch->symbols;
    job.heap = scratch->heap;
    enum quire_status status = symbols_fill(&job, count, &scratch->text);
    if (status != QUIRE_OK)
        return status;
    merge_all(&job);
    return symbols_give(&job, out);
}

static enum quire_status bpe_encode(const struct word_model *model, const char *word, size_t count,
                                    struct model_scratch *scratch, struct token_list *out)
{
    enum quire_status status = QUIRE_OK;

    if (model->whole_words) {
        uint32_t id = vocabulary_find_piece(model->vocabulary, word, count, scratch->trusted);
        if (id != TOKEN_NONE)
            return token_list_append(out, id);
    }
    for (size_t start = 0, end; status == QUIRE_OK && start < count; start = end) {
        end = count > LONG_WORD_BYTES ? borders_next(&model->borders, word, count, start) : count;
        status = encode_part(model, word + start, end - start, scratch, out);
    }
    return status;
}

enum quire_status bpe_prepare(struct word_model *model)
{
    model->encode = bpe_encode;
    if (model->prefix.count == 0 && model->suffix.count == 0 && /* these would be spelled at every cut */
        borders_init(&model->borders, model->vocabulary) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    byte_ids_find(model->vocabulary, model->byte_ids);
    for (size_t i = 0; i < model->merges.slot_count; i++) { /* plain text shall not add up to a reserved token */
        struct merge *merge = &model->merges.slots[i];
        merge->reserved = merge->pair != 0 && (model->vocabulary->flags[merge->id] & PIECE_RESERVED) != 0;
    }
    model->char_ids = malloc(CHAR_IDS * sizeof *model->char_ids);
    if (model->char_ids == NULL)
        return QUIRE_NO_MEMORY;
    for (uint32_t c = 0; c < CHAR_IDS; c++) {
        char bytes[UTF8_BYTES_MAX];
        model->char_ids[c] = vocabulary_find_piece(model->vocabulary, bytes, utf8_encode(c, bytes), true);
    }
    return QUIRE_OK;
}
