/* A model and a vocabulary for tests of the engine. */
#include "tests/engine/serve/fake.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/token/vocab.h"
#include "tests/engine/serve/plain_kernels.h"

#define SEED UINT64_C(0x243f6a8885a308d3)

struct run {
	const struct model *m;
	size_t max_tokens, max_outputs;
	float *rows;
	void (*between)(void *arg);
	void *between_arg;
};

/* What a token leaves in its page. */
struct slot {
	int32_t id;
	uint32_t position;
};

const struct model fake_causal = {
	.shape = { .architecture = "fake",
		   .n_layers = 1,
		   .n_embd = FAKE_EMBD,
		   .n_vocab = FAKE_VOCAB,
		   .n_context = 4096,
		   .causal = true,
		   .pooling = POOLING_LAST },
};
const struct model fake_encoder = {
	.shape = { .architecture = "fake-encoder",
		   .n_layers = 1,
		   .n_embd = FAKE_EMBD,
		   .n_vocab = FAKE_VOCAB,
		   .n_context = 64,
		   .pooling = POOLING_MEAN },
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t n_allowed = SIZE_MAX, fail_at;
static bool at_gate;
static struct fake_counts counts;

/* ---- the gate ------------------------------------------------------------------------------- */

void fake_counts(struct fake_counts *out)
{
	pthread_mutex_lock(&lock);
	*out = counts;
	pthread_mutex_unlock(&lock);
}

static void set_gate(size_t n)
{
	n_allowed = n;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void fake_reset(void)
{
	pthread_mutex_lock(&lock);
	counts = (struct fake_counts){ 0 };
	fail_at = 0;
	set_gate(SIZE_MAX);
}

void fake_fail(size_t pass)
{
	pthread_mutex_lock(&lock);
	fail_at = pass;
	pthread_mutex_unlock(&lock);
}

void fake_hold(void)
{
	pthread_mutex_lock(&lock);
	set_gate(0);
}

void fake_allow(size_t n)
{
	pthread_mutex_lock(&lock);
	set_gate(n_allowed + n);
}

void fake_free(void)
{
	pthread_mutex_lock(&lock);
	set_gate(SIZE_MAX);
}

void fake_await(void)
{
	pthread_mutex_lock(&lock);
	while (!at_gate || n_allowed > 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* Returns false for the pass that is to fail. */
static bool gate(const struct segment *segments, size_t n)
{
	size_t tokens = 0;
	bool well;

	pthread_mutex_lock(&lock);
	at_gate = true;
	pthread_cond_broadcast(&changed);
	while (n_allowed == 0)
		pthread_cond_wait(&changed, &lock);
	if (n_allowed != SIZE_MAX)
		n_allowed--;
	at_gate = false;
	for (size_t i = 0; i < n; i++) {
		tokens += segments[i].n;
		counts.n_outputs += segments[i].n_outputs;
	}
	counts.n_tokens += tokens;
	counts.most_tokens = MAX(counts.most_tokens, tokens);
	counts.most_segments = MAX(counts.most_segments, n);
	well = ++counts.n_passes != fail_at;
	pthread_mutex_unlock(&lock);
	return well;
}

/* ---- the model ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ (x + 1)) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

/*
 * Mostly the last two tokens decide, and little of them, so that texts go in circles and drafts
 * come true; now and then all of them do, and to a small part always.
 */
static void logits_of(uint64_t all, int32_t before, int32_t last, float *out)
{
	uint64_t pair = mix(mix(SEED, (uint32_t)before % 3), (uint32_t)last % 8);
	size_t best = (all >> 40) % 6 == 0 ? (all >> 8) % FAKE_VOCAB : (pair >> 8) % FAKE_VOCAB;

	for (size_t i = 0; i < FAKE_VOCAB; i++)
		out[i] = (float)(mix(all, i) >> 40) / (float)(1 << 24);
	out[best] += 8;
}

void fake_ids(int32_t *ids, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		ids[i] = 2 + (int32_t)(seed >> 16) % (FAKE_VOCAB - 2);
	}
}

void fake_logits(const int32_t *ids, size_t n, float *out)
{
	uint64_t all = SEED;

	for (size_t i = 0; i < n; i++)
		all = mix(all, (uint32_t)ids[i]);
	logits_of(all, n > 1 ? ids[n - 2] : -1, ids[n - 1], out);
}

static void hidden_of(uint64_t all, float *out)
{
	for (size_t i = 0; i < FAKE_EMBD; i++)
		out[i] = (float)(mix(all, i) >> 40) / (float)(1 << 24) - 0.5f;
}

static struct slot *slot_at(const struct segment *s, size_t position)
{
	return (struct slot *)s->pages[position / KV_PAGE] + position % KV_PAGE;
}

/*
 * The rows of a segment, behind what its pages hold. Returns how many tokens were not in their
 * place.
 */
static size_t segment_rows(const struct segment *s, enum run_output what, float *rows, size_t dim)
{
	int32_t before = -1, last = -1;
	uint64_t all = SEED;
	size_t n_wrong = 0;

	for (size_t i = 0; i < s->first; i++) {
		const struct slot *slot = slot_at(s, i);

		n_wrong += slot->position != i;
		all = mix(all, (uint32_t)slot->id);
		before = last;
		last = slot->id;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (s->pages != NULL)
			*slot_at(s, s->first + i) =
				(struct slot){ s->ids[i], (uint32_t)(s->first + i) };
		all = mix(all, (uint32_t)s->ids[i]);
		before = last;
		last = s->ids[i];
		if (i + s->n_outputs < s->n)
			continue;
		if (what == RUN_LOGITS)
			logits_of(all, before, last, rows);
		else
			hidden_of(all, rows);
		rows += dim;
	}
	return n_wrong;
}

static _Thread_local int depth; /* passes that are under way between whose layers we are */

int run_forward(struct run *r, const struct segment *segments, size_t n, enum run_output what,
		const float **rows, struct ragd_err *err)
{
	size_t dim = what == RUN_LOGITS ? FAKE_VOCAB : FAKE_EMBD, n_wrong = 0;
	size_t tokens = 0, outputs = 0;
	float *out = r->rows;

	for (size_t i = 0; i < n; i++) {
		tokens += segments[i].n;
		outputs += segments[i].n_outputs;
		assert(segments[i].n > 0 && segments[i].n_outputs <= segments[i].n);
		assert((segments[i].pages == NULL) == !r->m->shape.causal);
	}
	assert(n > 0 && tokens <= r->max_tokens && outputs <= r->max_outputs);
	if (!gate(segments, n))
		return ragd_err_set(err, -EIO, "the pass that was to fail");
	if (r->between != NULL) {
		depth++;
		r->between(r->between_arg);
		depth--;
	} else if (depth > 0) {
		pthread_mutex_lock(&lock);
		counts.n_between++;
		pthread_mutex_unlock(&lock);
	}
	for (size_t i = 0; i < n; i++) {
		n_wrong += segment_rows(&segments[i], what, out, dim);
		out += segments[i].n_outputs * dim;
	}
	pthread_mutex_lock(&lock);
	counts.n_wrong += n_wrong;
	pthread_mutex_unlock(&lock);
	*rows = r->rows;
	return 0;
}

size_t run_bytes(const struct model *m, size_t max_tokens, size_t max_outputs, unsigned n_threads)
{
	(void)m;
	(void)max_tokens;
	(void)n_threads;
	return sizeof(struct run) + max_outputs * FAKE_VOCAB * sizeof(float);
}

int run_new(const struct model *m, struct threads *t, enum kv_type type, size_t max_tokens,
	    size_t max_outputs, struct run **out, struct ragd_err *err)
{
	struct run *r = calloc(1, sizeof(*r));

	(void)t;
	(void)type;
	(void)err;
	assert(r != NULL);
	*r = (struct run){ .m = m,
			   .max_tokens = max_tokens,
			   .max_outputs = max_outputs,
			   .rows = malloc(max_outputs * FAKE_VOCAB * sizeof(float)) };
	assert(r->rows != NULL);
	*out = r;
	return 0;
}

void run_between(struct run *r, void (*fn)(void *arg), void *arg)
{
	r->between = fn;
	r->between_arg = arg;
}

void run_trim(struct run *r)
{
	memset(r->rows, 0, r->max_outputs * FAKE_VOCAB * sizeof(float));
	pthread_mutex_lock(&lock);
	counts.n_trims++;
	pthread_mutex_unlock(&lock);
}

void run_free(struct run *r)
{
	if (r == NULL)
		return;
	free(r->rows);
	free(r);
}

void run_pool(const struct model_shape *s, enum model_pooling pooling, const float *rows, size_t n,
	      float *out)
{
	size_t from = pooling == POOLING_LAST ? n - 1 : 0;
	size_t to = pooling == POOLING_CLS ? 1 : n;
	double sum = 0;

	for (size_t i = 0; i < s->n_embd; i++) {
		out[i] = 0;
		for (size_t j = from; j < to; j++)
			out[i] += rows[j * s->n_embd + i];
		sum += (double)out[i] * out[i];
	}
	for (size_t i = 0; i < s->n_embd; i++)
		out[i] = (float)(out[i] / sqrt(sum));
}

const struct model_shape *model_shape(const struct model *m)
{
	return &m->shape;
}

size_t model_page_bytes(const struct model *m, enum kv_type type)
{
	(void)m;
	(void)type;
	return KV_PAGE * sizeof(struct slot);
}

const struct kernels *model_kernels(const struct model *m)
{
	static const struct kernels k = { .max = plain_max, .exp_sum = plain_exp_sum };

	(void)m;
	return &k;
}

unsigned threads_n(const struct threads *t)
{
	(void)t;
	return 1;
}

void threads_stats(const struct threads *t, struct threads_stats *out)
{
	(void)t;
	*out = (struct threads_stats){ .n_active = 1 };
}

/* ---- the vocabulary ------------------------------------------------------------------------- */

/* Letters, and characters in parts: é and € and a byte that is none. */
void vocab_piece(const struct vocab *v, int32_t id, bool special, struct buf *out)
{
	static const char *const parts[] = { "", "", "\xc3", "\xa9", "\xe2\x82", "\xac", "\xff" };
	char two[2] = { (char)('a' + id % 26), (char)('a' + id / 26) };

	(void)v;
	(void)special;
	if ((size_t)id < ARRAY_LEN(parts))
		buf_adds(out, parts[id]);
	else
		buf_add(out, two, 1 + (size_t)id % 2);
}

bool vocab_is_end(const struct vocab *v, int32_t id)
{
	(void)v;
	return id == FAKE_END;
}

int32_t vocab_bos(const struct vocab *v)
{
	(void)v;
	return FAKE_BOS;
}

int32_t vocab_eos(const struct vocab *v)
{
	(void)v;
	return FAKE_END;
}

int32_t vocab_cls(const struct vocab *v)
{
	return vocab_bos(v);
}

int32_t vocab_sep(const struct vocab *v)
{
	return vocab_eos(v);
}
