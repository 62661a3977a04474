/* Vectors of texts. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

struct ragd_vectors {
	size_t n, dim;
	float data[]; /* [n][dim] */
};

static const json_t *vector_of(const json_t *data, size_t i)
{
	return json_object_get(json_array_get(data, i), "embedding");
}

static int vectors_new(const json_t *data, size_t n, struct ragd_vectors **out,
		       struct ragd_err *err)
{
	size_t dim = json_array_size(vector_of(data, 0));
	struct ragd_vectors *v;

	if (json_array_size(data) != n)
		return ragd_err_set(err, -EPROTO, "%zu texts were sent, %zu vectors came back", n,
				    json_array_size(data));
	v = calloc(1, sizeof(*v) + n * dim * sizeof(v->data[0]));
	if (v == NULL)
		return client_no_memory(err);
	v->n = n;
	v->dim = dim;
	for (size_t i = 0; i < n; i++) {
		const json_t *vector = vector_of(data, i);

		if (json_array_size(vector) != dim) {
			free(v);
			return ragd_err_set(err, -EPROTO, "vectors of %zu and of %zu numbers", dim,
					    json_array_size(vector));
		}
		for (size_t j = 0; j < dim; j++)
			v->data[i * dim + j] = (float)json_number_value(json_array_get(vector, j));
	}
	*out = v;
	return 0;
}

int ragd_client_embed(struct ragd_client *c, const char *assistant, const char *const *texts,
		      size_t n, struct ragd_vectors **out, struct ragd_err *err)
{
	struct client_reply reply;
	struct client_body b;
	int rc;

	client_body_init(&b, err);
	client_body_texts(&b, "input", texts, n);
	client_body_text(&b, "model", assistant != NULL ? assistant : "default");
	rc = client_send(c, "POST", client_path("/v1/embeddings"), &b, &reply);
	if (rc < 0)
		return rc;
	rc = vectors_new(json_object_get(reply.root, "data"), n, out, err);
	client_reply_fini(&reply);
	return rc;
}

const float *ragd_vectors_at(const struct ragd_vectors *v, size_t i)
{
	return i < v->n ? v->data + i * v->dim : NULL;
}

size_t ragd_vectors_dim(const struct ragd_vectors *v)
{
	return v->dim;
}

void ragd_vectors_free(struct ragd_vectors *v)
{
	free(v);
}
