/* A chunked body: bytes to the pieces that are its content. Pure functions. */
#ifndef IPC_HTTP_CHUNK_H
#define IPC_HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum http_chunk_state {
	HTTP_CHUNK_SIZE, /* in the line with a chunk's size */
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_END, /* in the line end behind it */
	HTTP_CHUNK_TRAILER,  /* in a field behind the last chunk; they are dropped */
};

/* Zero before the first byte. */
struct http_chunks {
	enum http_chunk_state state;
	uint64_t left;  /* of the chunk */
	char line[256]; /* that is not complete yet */
	size_t n_line;
	size_t n_trailer; /* bytes */
};

enum http_chunk_result {
	HTTP_CHUNK_MORE,  /* call again with the bytes not used; `left` may have changed */
	HTTP_CHUNK_PIECE, /* content is given out */
	HTTP_CHUNK_END,   /* the body is complete; bytes that are not used belong to what follows */
	HTTP_CHUNK_BAD,
};

/*
 * Go on with data[0 .. len). *used takes how much was used, and with HTTP_CHUNK_PIECE its last
 * *piece bytes are content.
 */
enum http_chunk_result http_chunk_take(struct http_chunks *c, const char *data, size_t len,
				       size_t *used, size_t *piece);

#endif
