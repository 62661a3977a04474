/* Vectors out of the reply to a request for embeddings. */
#include "upstream/wire/reply.h"

#include <math.h>
#include <stdlib.h>

static int embeddings_bad(struct ragd_err *err, const char *what)
{
	return ragd_err_set(err, -EPROTO, "the embeddings are not what they should be: %s", what);
}

/* One vector into out[0..dim), made as long as 1. */
static int vector_read(const json_t *v, uint32_t dim, float *out, struct ragd_err *err)
{
	double norm = 0;

	if (json_array_size(v) != dim)
		return embeddings_bad(err, "vectors of different lengths");
	for (uint32_t i = 0; i < dim; i++) {
		const json_t *x = json_array_get(v, i);

		if (!json_is_number(x))
			return embeddings_bad(err, "a vector of something other than numbers");
		norm += json_number_value(x) * json_number_value(x);
	}
	if (!isfinite(norm) || norm <= 0)
		return embeddings_bad(err, "a vector without a length");
	for (uint32_t i = 0; i < dim; i++)
		out[i] = (float)(json_number_value(json_array_get(v, i)) / sqrt(norm));
	return 0;
}

int reply_embeddings_read(const json_t *root, size_t n, uint32_t *dim, float **out,
			  struct ragd_err *err)
{
	const json_t *data = json_object_get(root, "data");
	size_t d = json_array_size(json_object_get(json_array_get(data, 0), "embedding"));
	bool *seen = NULL;
	float *v = NULL;
	int rc = 0;

	if (json_array_size(data) != n)
		return embeddings_bad(err, "not one vector for each text");
	if (d == 0 || d > REPLY_DIM_MAX || (*dim != 0 && d != *dim))
		return embeddings_bad(err, d == 0 ? "no vector"
						  : "vectors of another length than before");
	v = calloc(n * d, sizeof(*v));
	seen = calloc(n, sizeof(*seen));
	if (v == NULL || seen == NULL)
		rc = ragd_err_set(err, -ENOMEM, "out of memory for the embeddings");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const json_t *entry = json_array_get(data, i),
			     *at = json_object_get(entry, "index");
		json_int_t index = json_is_integer(at) ? json_integer_value(at) : (json_int_t)i;

		if (index < 0 || (size_t)index >= n || seen[index])
			rc = embeddings_bad(err, "an index that is out of range or occurs twice");
		else
			rc = vector_read(json_object_get(entry, "embedding"), (uint32_t)d,
					 v + (size_t)index * d, err);
		if (rc == 0)
			seen[index] = true;
	}
	free(seen);
	if (rc < 0) {
		free(v);
		return rc;
	}
	*dim = (uint32_t)d;
	*out = v;
	return 0;
}
