/* Counts what a step allocates: nothing, it should be. */
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

extern bool stepping; /* set while a step runs */
extern uint32_t step_allocations;

#endif
