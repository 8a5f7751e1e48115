/* A thread for long texts: parsing, rendering and tokenizing two megabytes, or writing an answer of as many, must not
 * keep an HTTP thread from answering /health. */
#ifndef QUIRE_TEXT_WORKER_H
#define QUIRE_TEXT_WORKER_H

#include "status.h"

struct text_worker;

struct text_job { /* embedded in its owner */
    struct text_job *next;
    void (*run)(struct text_job *job);
};

QUIRE_NODISCARD enum quire_status text_worker_open(struct text_worker **out, struct quire_error *error);
void text_worker_submit(struct text_worker *worker, struct text_job *job); /* any thread; jobs run in order */
void text_worker_close(struct text_worker *worker); /* runs what was submitted; NULL is allowed */

#endif
