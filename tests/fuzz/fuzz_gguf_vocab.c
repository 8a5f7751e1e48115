/* Fuzz target for the vocabulary of a GGUF file: the input is the file. Thread: one. Owner: the process. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    scratch_write("fuzz.gguf", bytes, count);
    exercise_tokenizer("fuzz.gguf", (const char *)bytes, count);
    return 0;
}
