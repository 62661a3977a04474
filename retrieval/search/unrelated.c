#include "retrieval/search/unrelated.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/encoder.h"
#include "retrieval/store/store_private.h"

/* No two of a kind, so that whatever is asked, most are about something else. */
static const char *const sentences[] = {
	"how long to boil an egg",
	"who painted the ceiling of the chapel",
	"train from the airport to the city centre",
	"symptoms of a broken ankle",
	"rules of chess for beginners",
	"when does the moon rise tonight",
	"annual report of a mining company",
	"songs that children sing in winter",
	"how to change a bicycle tyre",
	"capital of Mongolia",
	"what do hedgehogs eat",
	"password of the office printer",
	"history of the steam engine",
	"interest rate of a savings account",
	"volcanoes under the sea",
	"cheap shoes for running",
};

void unrelated_init(struct unrelated *u)
{
	*u = (struct unrelated){ 0 };
	pthread_mutex_init(&u->lock, NULL);
}

void unrelated_fini(struct unrelated *u)
{
	for (size_t i = 0; i < ARRAY_LEN(u->of); i++)
		free(u->of[i].mean);
	pthread_mutex_destroy(&u->lock);
}

static float dot(const float *a, const float *b, uint32_t n)
{
	float sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static bool mean_find(struct unrelated *u, const char *digest, const float *vector, uint32_t dim,
		      float *out)
{
	bool found = false;

	pthread_mutex_lock(&u->lock);
	for (size_t i = 0; !found && i < ARRAY_LEN(u->of); i++) {
		found = strcmp(u->of[i].digest, digest) == 0 && u->of[i].dim == dim;
		if (found)
			*out = dot(vector, u->of[i].mean, dim);
	}
	pthread_mutex_unlock(&u->lock);
	return found;
}

static void mean_keep(struct unrelated *u, const char *digest, float *mean, uint32_t dim)
{
	pthread_mutex_lock(&u->lock);
	free(u->of[u->next].mean);
	snprintf(u->of[u->next].digest, sizeof(u->of[u->next].digest), "%s", digest);
	u->of[u->next].mean = mean;
	u->of[u->next].dim = dim;
	u->next = (u->next + 1) % ARRAY_LEN(u->of);
	pthread_mutex_unlock(&u->lock);
}

/* Malloc'd. */
static float *vectors_mean(const struct ragd_embeddings *e, size_t n)
{
	float *mean = calloc(e->dim, sizeof(*mean));

	for (size_t i = 0; mean != NULL && i < n; i++)
		for (uint32_t j = 0; j < e->dim; j++)
			mean[j] += e->values[i * e->dim + j] / (float)n;
	return mean;
}

/* As questions, whose vectors are nearer to a question's than those of passages: the safe side. */
static int mean_make(struct store *s, const char *encoder, const char *digest,
		     const struct encoder_work *work, uint32_t dim, struct ragd_err *err)
{
	struct ragd_str texts[ARRAY_LEN(sentences)];
	struct encoder_identity made;
	struct ragd_embeddings got;
	float *mean;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		texts[i] = (struct ragd_str){ sentences[i], strlen(sentences[i]) };
	rc = encoder_embed(s, encoder, work, RAGD_EMBED_QUERY, texts, ARRAY_LEN(texts), &got, &made,
			   err);
	if (rc < 0)
		return rc;
	if (got.dim != dim || strcmp(made.digest, digest) != 0)
		return ragd_err_set(err, -EAGAIN, "the encoder was replaced during a search");
	mean = vectors_mean(&got, ARRAY_LEN(texts));
	if (mean == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	mean_keep(&s->unrelated, digest, mean, dim);
	return 0;
}

int unrelated_cosine(struct store *s, const char *encoder, const char *digest,
		     const struct encoder_work *work, const float *vector, uint32_t dim, float *out,
		     struct ragd_err *err)
{
	int rc;

	if (mean_find(&s->unrelated, digest, vector, dim, out))
		return 0;
	rc = mean_make(s, encoder, digest, work, dim, err);
	if (rc == 0 && !mean_find(&s->unrelated, digest, vector, dim, out))
		rc = ragd_err_set(err, -EAGAIN, "the encoder was replaced during a search");
	return rc;
}
