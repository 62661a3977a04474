#include "daemon/flow/evidence.h"

#include <string.h>

#include "base/util.h"
#include "daemon/flow/inspect.h"

int evidence_inspect(struct evidence *ev, const struct filters *filters, struct call *call,
		     struct ragd_str question, const struct ragd_hit *hits, size_t n,
		     struct findings *findings, struct notes *notes, struct ragd_err *err)
{
	if (ev->passages == NULL)
		*ev = (struct evidence){
			.passages = arena_alloc(call->arena, n, sizeof(*ev->passages)),
			.hits = arena_alloc(call->arena, n, sizeof(*ev->hits)),
			.redacted = arena_alloc(call->arena, n, sizeof(*ev->redacted)),
		};
	if (ev->passages == NULL || ev->hits == NULL || ev->redacted == NULL)
		return ragd_err_set(err, -ENOMEM, "inspect: out of memory for %zu passages", n);
	for (; ev->n_inspected < n; ev->n_inspected++) {
		const struct ragd_hit *hit = &hits[ev->n_inspected];
		struct ragd_passage p = hit->passage;
		struct notes said = { 0 };
		const struct inspect in = {
			.filters = filters,
			.call = call,
			.question = question,
			.findings = findings,
			.notes = &said,
		};

		findings->n_before = findings->n;
		if (!inspect_passage(&in, hit->document, &p))
			continue;
		notes_add(notes, call->arena, notes_str(&said));
		ev->passages[ev->n] = p;
		ev->redacted[ev->n] = p.text.s != hit->passage.text.s;
		ev->hits[ev->n++] = hit;
	}
	return 0;
}

/* Where byte `at` of the hit's text stands in the document. */
static uint64_t document_offset(const struct ragd_hit *hit, size_t at)
{
	size_t lo = 0, hi = hit->n_runs;

	if (hit->runs == NULL || hit->n_runs == 0)
		return hit->start + at;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (hit->runs[mid].from <= at)
			lo = mid;
		else
			hi = mid;
	}
	return at < hit->runs[lo].from
		       ? hit->start
		       : MIN(hit->runs[lo].to + (at - hit->runs[lo].from), hit->end);
}

static const struct evidence_source *source_of(struct sources *sources, const struct ragd_hit *hit,
					       const struct ragd_passage *inspected)
{
	struct evidence_source *s;

	for (size_t i = 0; i < sources->n; i++) {
		s = &sources->v[i];
		if (strcmp(s->document, hit->document) == 0 &&
		    strcmp(s->collection, hit->collection) == 0)
			return s;
	}
	s = &sources->v[sources->n++];
	*s = (struct evidence_source){
		.n = (unsigned)sources->n,
		.collection = hit->collection,
		.document = hit->document,
		.shown = { hit->document, strlen(hit->document) },
		.title = inspected->title,
		.heading = inspected->heading,
	};
	return s;
}

void evidence_cite(const struct evidence *ev, const struct ragd_cite *cite, struct sources *sources,
		   struct citation *out)
{
	size_t i = cite->passage;
	const struct ragd_hit *hit = ev->hits[i];
	struct ragd_str text = ev->passages[i].text;
	size_t start = MIN(cite->start, text.len), end = MIN(MAX(cite->end, cite->start), text.len);

	*out = (struct citation){
		.source = source_of(sources, hit, &ev->passages[i]),
		.quote = { text.s + start, end - start },
		.score = cite->score,
		/*
		 * Offsets into a redacted text mean nothing in the
		 * document: name the whole passage.
		 */
		.start = ev->redacted[i] ? hit->start : document_offset(hit, start),
		.end = ev->redacted[i] || end == start ? hit->end
						       : document_offset(hit, end - 1) + 1,
	};
}
