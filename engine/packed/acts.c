/* Where quantised activations lie in the caller's memory. */
#include "engine/packed/acts.h"

static size_t n_chunks(size_t cols)
{
	return (cols + ACTS_CHUNK - 1) / ACTS_CHUNK;
}

size_t acts_bytes(size_t n, size_t cols)
{
	return (n * n_chunks(cols) * sizeof(struct acts_chunk) + 63) / 64 * 64;
}

void acts_init(struct acts *a, size_t n, size_t cols, bool integer, void *mem)
{
	*a = (struct acts){
		.n = n,
		.cols = cols,
		.integer = integer,
		.n_chunks = n_chunks(cols),
		.chunks = integer ? mem : NULL,
	};
}
