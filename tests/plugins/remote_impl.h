/*
 * What the two ends of a remote plugin say to each other: messages of a length and that many bytes.
 */
#ifndef TESTS_PLUGINS_REMOTE_IMPL_H
#define TESTS_PLUGINS_REMOTE_IMPL_H

#include "tests/plugins/support.h"

enum op {
	OP_QUIT,
	OP_CANCEL, /* while generate runs: call->cancelled() is true from now on */
	OP_ACK,    /* while generate runs: what the sink said to EVENT_TEXT */
	OP_CARD,
	OP_GENERATE,
	OP_INFERENCE_EMBED,
	OP_EMBED_CARD,
	OP_SCORE,
	OP_RERANK,
	OP_COUNT,
	OP_COLLECTION_PUT,
	OP_COLLECTION_REMOVE,
	OP_COLLECTIONS,
	OP_PUT,
	OP_REMOVE,
	OP_LIST,
	OP_GET,
	OP_SEARCH,
	OP_STATS,
	OP_RETRIEVAL_EMBED,
	OP_HOLDBACK,
	OP_CHECK,
	OP_STREAM_OPEN,
	OP_STREAM_FEED,
	OP_STREAM_CLOSE,
};

/* What an answer consists of. */
enum event { EVENT_TEXT, EVENT_DONE, EVENT_FAILED };

/* Sends and frees b. */
bool remote_send(int fd, struct buf *b);
/* The caller frees *out. False at the end. */
bool remote_read(int fd, char **out, size_t *len);

/* The child: open w, serve its plugin number i, exit. */
_Noreturn void remote_child(int fd, struct world *w, size_t i);

#endif
