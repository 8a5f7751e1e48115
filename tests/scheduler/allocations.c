/* The linker leads all allocations of the program through these. */
#include "allocations.h"

#include <stdlib.h>

bool stepping;
uint32_t step_allocations;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    step_allocations += stepping;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t size)
{
    step_allocations += stepping;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    step_allocations += stepping;
    return __real_realloc(memory, bytes);
}
