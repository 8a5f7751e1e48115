/* The messages, tools and documents of a request, checked and as the chat template gets them. Pure; any thread. */
#ifndef QUIRE_CHAT_MESSAGES_H
#define QUIRE_CHAT_MESSAGES_H

#include "request_json.h"
#include "service.h"

/* A new list of `messages` for `template`: members that are null left out; content as a string, or as a list of parts
 * where the template walks over one; what is wanted of `tool_calls` and of reasoning under each of its names filled in
 * as vLLM and transformers do. NULL with `error` filled. */
json_t *chat_messages_build(const json_t *messages, const struct chat_template *template, struct api_error *error);

/* ---- chat_tools.c ---- */

/* False with `error` filled: tools, tool_choice or documents are wrong, or ask for what this server does not do. */
bool chat_tools_check(const struct request_fields *fields, struct api_error *error);
bool chat_documents_check(const json_t *documents, struct api_error *error);

/* The `tool_calls` of message `index` as a new list, each `arguments` parsed from its JSON text. NULL with `error`
 * filled. */
json_t *chat_tool_calls_build(const json_t *calls, size_t index, struct api_error *error);

#endif
