/* Unigram language model (Kudo, arXiv:1804.10959): the most probable segmentation of a word, by Viterbi over a trie.
 * Thread: any; the model is immutable. Owner: tokenizer. Ties and unknowns as in Hugging Face's tokenizers. */
#include "model.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_PENALTY 10.0 /* below the worst piece */

struct trie_node {
    uint32_t child; /* first of child_count nodes, ordered by label */
    uint16_t child_count;
    unsigned char label;
    bool reserved;
    uint32_t id; /* TOKEN_NONE: no piece ends here */
};

struct unigram {
    struct trie_node *nodes; /* 0 is the root */
    size_t node_count, node_max;
    double *scores;
    double unknown_score;
};

struct best { /* path that ends here */
    double score;
    size_t start; /* of its last piece; SIZE_MAX: none yet */
    uint32_t id;
};

/* ---- trie -------------------------------------------------------------------------------------------------------- */

struct trie_source {
    const struct vocabulary *vocabulary;
    uint32_t *order; /* pieces by spelling */
    size_t count;
};

static const char *piece_text(const struct vocabulary *vocabulary, uint32_t index)
{
    return vocabulary->spellings.bytes + vocabulary->pieces[index].at;
}

static int compare_pieces(const void *left, const void *right, void *argument)
{
    const struct vocabulary *vocabulary = argument;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint32_t a_bytes = vocabulary->pieces[a].bytes, b_bytes = vocabulary->pieces[b].bytes;
    int order = memcmp(piece_text(vocabulary, a), piece_text(vocabulary, b), a_bytes < b_bytes ? a_bytes : b_bytes);

    if (order != 0)
        return order;
    return a_bytes != b_bytes ? (a_bytes < b_bytes ? -1 : 1) : (a < b ? -1 : a > b);
}

/* A range of ordered pieces that share their first `depth` bytes, and the node for that prefix. */
struct trie_range {
    size_t first, last; /* last is exclusive */
    uint32_t depth, node;
};

static enum quire_status children_add(struct unigram *unigram, const struct trie_source *source,
                                      struct trie_range range, struct trie_range **queue, size_t *queue_count,
                                      size_t *queue_max)
{
    const struct vocabulary *vocabulary = source->vocabulary;
    size_t i = range.first;

    while (i < range.last && vocabulary->pieces[source->order[i]].bytes == range.depth) {
        uint32_t id = vocabulary->pieces[source->order[i++]].id;
        struct trie_node *node = &unigram->nodes[range.node];
        if (node->id != TOKEN_NONE) /* the first of equal spellings */
            continue;
        node->id = id;
        node->reserved = (vocabulary->flags[id] & PIECE_RESERVED) != 0;
    }
    unigram->nodes[range.node].child = (uint32_t)unigram->node_count;
    while (i < range.last) {
        unsigned char label = (unsigned char)piece_text(vocabulary, source->order[i])[range.depth];
        size_t first = i;
        while (i < range.last && (unsigned char)piece_text(vocabulary, source->order[i])[range.depth] == label)
            i++;
        void *nodes = unigram->nodes, *ranges = *queue;
        if (array_grow(&nodes, &unigram->node_max, unigram->node_count + 1, sizeof *unigram->nodes) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        unigram->nodes = nodes;
        if (array_grow(&ranges, queue_max, *queue_count + 1, sizeof **queue) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        *queue = ranges;
        (*queue)[(*queue_count)++] = (struct trie_range){first, i, range.depth + 1, (uint32_t)unigram->node_count};
        unigram->nodes[unigram->node_count++] = (struct trie_node){.label = label, .id = TOKEN_NONE};
        unigram->nodes[range.node].child_count++;
    }
    return QUIRE_OK;
}

static enum quire_status trie_build(struct unigram *unigram, const struct trie_source *source)
{
    struct trie_range *queue = NULL;
    size_t queue_count = 1, queue_max = 0;
    void *ranges = NULL, *nodes = NULL;
    enum quire_status status = QUIRE_NO_MEMORY;

    if (array_grow(&ranges, &queue_max, 1, sizeof *queue) == QUIRE_OK &&
        array_grow(&nodes, &unigram->node_max, 1, sizeof *unigram->nodes) == QUIRE_OK)
    {
        unigram->nodes = nodes;
        unigram->nodes[unigram->node_count++] = (struct trie_node){.id = TOKEN_NONE};
        queue = ranges;
        queue[0] = (struct trie_range){.last = source->count};
        status = QUIRE_OK;
    } else {
        free(ranges);
    }
    for (size_t i = 0; status == QUIRE_OK && i < queue_count; i++)
        status = children_add(unigram, source, queue[i], &queue, &queue_count, &queue_max);
    free(queue);
    return status;
}

static const struct trie_node *trie_child(const struct unigram *unigram, const struct trie_node *node,
                                          unsigned char label)
{
    size_t low = node->child, high = low + node->child_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (unigram->nodes[middle].label < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low < (size_t)node->child + node->child_count && unigram->nodes[low].label == label ? &unigram->nodes[low]
                                                                                               : NULL;
}

/* ---- Viterbi ----------------------------------------------------------------------------------------------------- */

static bool best_offer(struct best *best, double score, size_t start, uint32_t id, bool single)
{
    if (single)
        score = (double)(float)score;
    if (best->start != SIZE_MAX && score <= best->score)
        return false;
    *best = (struct best){score, start, id};
    return true;
}

/* QUIRE_INVALID where a path needs an unknown token and there is none. */
static enum quire_status paths_fill(const struct word_model *model, const char *word, size_t count, bool reserved,
                                    struct best *best)
{
    const struct unigram *unigram = model->unigram;

    best[0] = (struct best){.start = 0};
    for (size_t i = 1; i <= count; i++)
        best[i] = (struct best){.start = SIZE_MAX};
    for (size_t start = 0, length; start < count; start += length) {
        const struct trie_node *node = &unigram->nodes[0];
        bool whole = false; /* the character is a piece by itself */
        length = utf8_length(word[start]);
        for (size_t at = start; at < count; at++) {
            node = trie_child(unigram, node, (unsigned char)word[at]);
            if (node == NULL)
                break;
            if (node->id == TOKEN_NONE || (node->reserved && !reserved))
                continue;
            best_offer(&best[at + 1], best[start].score + unigram->scores[node->id], start, node->id,
                       model->single);
            whole = whole || at + 1 - start == length;
        }
        if (!whole &&
            best_offer(&best[start + length], best[start].score + unigram->unknown_score, start, model->unknown,
                       model->single) &&
            model->unknown == TOKEN_NONE)
            return QUIRE_INVALID;
    }
    return QUIRE_OK;
}

static enum quire_status piece_give(const struct word_model *model, const char *word, size_t count, uint32_t id,
                                    bool reserved, struct token_list *out)
{
    if (id != model->unknown)
        return token_list_append(out, id);
    /* Unknowns that add up to a piece are that piece. */
    uint32_t piece = vocabulary_find_piece(model->vocabulary, word, count, reserved);
    if (piece != TOKEN_NONE || !model_has_bytes(model, word, count))
        return token_list_append(out, piece != TOKEN_NONE ? piece : id);
    for (size_t i = count; i > 0; i--) /* backwards, as all else here */
        if (token_list_append(out, model->byte_ids[(unsigned char)word[i - 1]]) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

static enum quire_status unigram_encode(const struct word_model *model, const char *word, size_t count,
                                        struct model_scratch *scratch, struct token_list *out)
{
    size_t first = out->count;

    if (array_grow(&scratch->symbols, &scratch->symbol_max, count + 1, sizeof(struct best)) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    struct best *best = scratch->symbols;
    enum quire_status status = paths_fill(model, word, count, scratch->trusted, best);
    for (size_t end = count; status == QUIRE_OK && end > 0;) {
        size_t start = best[end].start;
        while (best[end].id == model->unknown && start > 0 && best[start].id == model->unknown)
            start = best[start].start; /* neighbouring unknowns are one */
        status = piece_give(model, word + start, end - start, best[end].id, scratch->trusted, out);
        end = start;
    }
    if (status != QUIRE_OK)
        return status;
    for (size_t low = first, high = out->count; low + 1 < high; low++, high--) {
        uint32_t id = out->ids[low];
        out->ids[low] = out->ids[high - 1];
        out->ids[high - 1] = id;
    }
    return QUIRE_OK;
}

enum quire_status unigram_prepare(struct word_model *model, const double *scores, double lowest)
{
    const struct vocabulary *vocabulary = model->vocabulary;
    struct trie_source source = {.vocabulary = vocabulary};
    enum quire_status status = QUIRE_NO_MEMORY;

    model->encode = unigram_encode;
    byte_ids_find(vocabulary, model->byte_ids);
    struct unigram *unigram = model->unigram = calloc(1, sizeof *unigram);
    source.order = malloc((vocabulary->piece_count + 1) * sizeof *source.order);
    if (unigram == NULL || source.order == NULL ||
        (unigram->scores = malloc((vocabulary->id_count + 1) * sizeof *scores)) == NULL)
        goto done;
    memcpy(unigram->scores, scores, vocabulary->id_count * sizeof *scores);
    unigram->unknown_score = model->single ? (double)(float)(lowest - UNKNOWN_PENALTY) : lowest - UNKNOWN_PENALTY;
    for (size_t i = 0; i < vocabulary->piece_count; i++)
        if (vocabulary->pieces[i].bytes > 0 && !vocabulary->pieces[i].added)
            source.order[source.count++] = (uint32_t)i;
    qsort_r(source.order, source.count, sizeof *source.order, compare_pieces, (void *)(uintptr_t)vocabulary);
    status = trie_build(unigram, &source);
done:
    free(source.order);
    return status;
}

void unigram_destroy(struct unigram *unigram)
{
    if (unigram == NULL)
        return;
    free(unigram->nodes);
    free(unigram->scores);
    free(unigram);
}
