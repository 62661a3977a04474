#include "engine/token/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/text/utf8.h"
#include "engine/poll.h"
#include "engine/token/vocab_private.h"

/* Up to here a look at every pair costs less than keeping a heap. */
#define SHORT_PIECE 24

void merge_fini(struct merge *m)
{
	free(m->symbols);
	free(m->heap);
	*m = (struct merge){ 0 };
}

static int symbols_reserve(struct merge *m, size_t n)
{
	struct merge_symbol *symbols;
	size_t cap = m->cap > 0 ? m->cap : 64;

	if (n <= m->cap)
		return 0;
	if (n >= MERGE_END / 2)
		return -ENOMEM;
	while (cap < n)
		cap *= 2;
	symbols = realloc(m->symbols, cap * sizeof(*symbols));
	if (symbols == NULL)
		return -ENOMEM;
	m->symbols = symbols;
	m->cap = (uint32_t)cap;
	return 0;
}

static int heap_push(struct merge *m, uint64_t order, int32_t id)
{
	size_t i = m->n_heap, up;

	if (!array_reserve(&m->heap, &m->cap_heap, i + 1, sizeof(*m->heap)))
		return -ENOMEM;
	m->n_heap++;
	for (; i > 0 && m->heap[up = (i - 1) / 2].order > order; i = up, m->n_steps++)
		m->heap[i] = m->heap[up];
	m->heap[i] = (struct merge_candidate){ order, id };
	return 0;
}

static struct merge_candidate heap_pop(struct merge *m)
{
	struct merge_candidate top = m->heap[0], last = m->heap[--m->n_heap];
	size_t i = 0, down;

	for (; (down = 2 * i + 1) < m->n_heap; i = down, m->n_steps++) {
		if (down + 1 < m->n_heap && m->heap[down + 1].order < m->heap[down].order)
			down++;
		if (m->heap[down].order >= last.order)
			break;
		m->heap[i] = m->heap[down];
	}
	m->heap[i] = last;
	return top;
}

/* What a symbol and its next would become; on a heap it becomes a candidate. */
static int pair_look_up(struct merge *m, const struct vocab *v, const char *s, uint32_t i,
			bool heap)
{
	struct merge_symbol *left = &m->symbols[i], *right;

	left->joined = TOKEN_NONE;
	if (left->next == MERGE_END)
		return 0;
	right = &m->symbols[left->next];
	if (v->kind == VOCAB_SPM) {
		left->joined = token_find_plain(v, s + left->pos, left->len + right->len);
		if (left->joined >= 0)
			left->rank = v->rank[left->joined];
	} else if (left->id >= 0 && right->id >= 0) {
		const struct pair_slot *pair = pair_table_find(&v->pairs, left->id, right->id);

		if (pair != NULL) {
			left->joined = pair->id;
			left->rank = pair->rank;
		}
	}
	if (!heap || left->joined < 0)
		return 0;
	return heap_push(m, (uint64_t)left->rank << 32 | i, left->joined);
}

/* A symbol takes in the next. */
static int symbols_join(struct merge *m, const struct vocab *v, const char *s, uint32_t i,
			bool heap)
{
	struct merge_symbol *left = &m->symbols[i], *right = &m->symbols[left->next];
	int rc;

	left->id = left->joined;
	left->len += right->len;
	left->next = right->next;
	right->len = 0;
	right->joined = TOKEN_NONE;
	if (left->next != MERGE_END)
		m->symbols[left->next].prev = i;
	rc = pair_look_up(m, v, s, i, heap);
	if (rc == 0 && left->prev != MERGE_END)
		rc = pair_look_up(m, v, s, left->prev, heap);
	return rc;
}

static void merge_short(struct merge *m, const struct vocab *v, const char *s)
{
	for (uint32_t i = 0; i != MERGE_END; i = m->symbols[i].next)
		pair_look_up(m, v, s, i, false);
	for (;;) {
		uint32_t best = MERGE_END;

		for (uint32_t i = 0; i != MERGE_END; i = m->symbols[i].next)
			if (m->symbols[i].joined >= 0 &&
			    (best == MERGE_END || m->symbols[i].rank < m->symbols[best].rank))
				best = i;
		if (best == MERGE_END)
			return;
		symbols_join(m, v, s, best, false);
	}
}

/* A candidate more, and the steps on the heap that it took. */
static int go_on(struct merge *m, struct poll *poll)
{
	size_t n = 1 + m->n_steps;

	m->n_steps = 0;
	return poll_goes_on(poll, n) ? 0 : poll->rc;
}

static int merge_long(struct merge *m, const struct vocab *v, const char *s, struct poll *poll)
{
	int rc = 0;

	m->n_heap = 0;
	for (uint32_t i = 0; i != MERGE_END && rc == 0; i = m->symbols[i].next) {
		rc = pair_look_up(m, v, s, i, true);
		if (rc == 0)
			rc = go_on(m, poll);
	}
	while (m->n_heap > 0 && rc == 0) {
		struct merge_candidate c = heap_pop(m);
		uint32_t i = (uint32_t)c.order;

		/* Candidates are not taken back when their symbols change: they no longer agree. */
		if (m->symbols[i].joined == c.id && m->symbols[i].rank == (uint32_t)(c.order >> 32))
			rc = symbols_join(m, v, s, i, true);
		if (rc == 0)
			rc = go_on(m, poll);
	}
	return rc;
}

int merge_piece(struct merge *m, const struct vocab *v, const char *s, size_t len,
		struct poll *poll)
{
	uint32_t n = 0;

	if (symbols_reserve(m, len) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < len; n++) {
		struct merge_symbol *symbol = &m->symbols[n];
		uint32_t cp;
		size_t step = 1;

		if (v->kind == VOCAB_SPM) {
			step = utf8_next(s + i, len - i, &cp);
			symbol->id = token_find_plain(v, s + i, step);
		} else {
			symbol->id = v->byte_id[(unsigned char)s[i]];
		}
		symbol->pos = (uint32_t)i;
		symbol->len = (uint32_t)step;
		symbol->prev = n > 0 ? n - 1 : MERGE_END;
		symbol->next = n + 1;
		symbol->joined = TOKEN_NONE;
		i += step;
	}
	m->symbols[n - 1].next = MERGE_END;
	m->n = n;
	if (n > SHORT_PIECE)
		return merge_long(m, v, s, poll);
	merge_short(m, v, s);
	return 0;
}
