#include "tools/model/pass.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

int pass_open(const struct loaded *l, size_t n_seqs, size_t n_context, size_t max_tokens,
	      size_t max_outputs, struct pass *p, struct ragd_err *err)
{
	size_t bytes = model_page_bytes(l->model, l->kv), n;
	int rc;

	*p = (struct pass){ .l = l, .n_seqs = n_seqs, .max_tokens = max_tokens };
	p->n_pages = (n_context + KV_PAGE - 1) / KV_PAGE;
	n = n_seqs * p->n_pages;
	bytes = MIN(bytes, SIZE_MAX / 4 / n); /* more is refused all the same */
	rc = load_fits(n * bytes,
		       run_bytes(l->model, max_tokens, max_outputs, threads_n(l->threads)), err);
	if (rc < 0)
		return rc;
	p->memory = aligned_alloc(64, (n * bytes + 63) / 64 * 64);
	p->pages = calloc(n, sizeof(*p->pages));
	p->segments = calloc(n_seqs, sizeof(*p->segments));
	if (p->memory == NULL || p->pages == NULL || p->segments == NULL)
		return ragd_err_set(
			err, -ENOMEM,
			"out of memory for %zu sequences of %zu tokens (%zu bytes a page)", n_seqs,
			n_context, bytes);
	for (size_t i = 0; i < n; i++)
		p->pages[i] = p->memory + i * bytes;
	return run_new(l->model, l->threads, l->kv, max_tokens, max_outputs, &p->run, err);
}

void pass_close(struct pass *p)
{
	run_free(p->run);
	free(p->memory);
	free(p->pages);
	free(p->segments);
}

int pass_read(struct pass *p, size_t seq, const int32_t *ids, size_t n, size_t first,
	      size_t n_outputs, const float **rows, struct ragd_err *err)
{
	const float *ignored;
	size_t now;
	int rc = 0;

	for (size_t at = 0; at < n && rc == 0; at += now) {
		struct segment *s = &p->segments[0];

		/* What has outputs has to be in the last pass, together. */
		now = MIN(n - at, p->max_tokens);
		if (at + now < n && n - (at + now) < n_outputs)
			now = n - n_outputs - at;
		*s = (struct segment){ .ids = ids + at,
				       .n = now,
				       .first = first + at,
				       .pages = p->pages + seq * p->n_pages };
		if (at + now == n)
			s->n_outputs = n_outputs;
		rc = run_forward(p->run, s, 1, RUN_LOGITS, s->n_outputs > 0 ? rows : &ignored, err);
	}
	return rc;
}

int pass_step(struct pass *p, const int32_t *ids, size_t at, const float **rows,
	      struct ragd_err *err)
{
	for (size_t i = 0; i < p->n_seqs; i++)
		p->segments[i] = (struct segment){ .ids = &ids[i],
						   .n = 1,
						   .first = at,
						   .pages = p->pages + i * p->n_pages,
						   .n_outputs = 1 };
	return run_forward(p->run, p->segments, p->n_seqs, RUN_LOGITS, rows, err);
}
