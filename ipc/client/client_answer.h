/* A chat completion as rows. */
#ifndef IPC_CLIENT_ANSWER_H
#define IPC_CLIENT_ANSWER_H

#include "ipc/client/client_private.h"

/* From the reply, which is stolen, also on failure. */
int answer_new(struct client_reply *reply, struct ragd_answer **out, struct ragd_err *err);

/* One CITATION of docs/protocol.md; borrows from it. */
struct ragd_citation answer_citation(const json_t *annotation);
/* The `error` of a chunk as an error of the call. */
int answer_error(struct ragd_client *c, const json_t *error, struct ragd_err *err);

#endif
