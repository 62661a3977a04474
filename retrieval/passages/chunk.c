#include "retrieval/passages/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/passages/chunk_pieces.h"

#define PATH_MAX_BYTES 240 /* of a heading path; beyond it, the outermost labels are left out */
#define BETWEEN        " > "

/* A passage in the making: pieces[first .. last). */
struct passage_draft {
	uint32_t first;
	uint32_t last;
	uint32_t section; /* the innermost that holds all of it; a bare heading's: what it heads */
	uint32_t named;   /* the section whose path it gets */
	bool whole;       /* made of whole sections */
	bool bare;        /* headings without a text */
};

struct chunker {
	const struct format_document *doc;
	struct chunk_options o;
	struct pieces pieces;
	struct passage_draft *passages; /* [pieces.n] */
	size_t n_passages;
	struct ragd_str *paths; /* [pieces.n_sections]; made when first needed */
	struct arena *arena;
};

static uint32_t pieces_span(const struct chunker *c, size_t first, size_t last)
{
	return last > first ? c->pieces.v[last - 1].end - c->pieces.v[first].start : 0;
}

/* ---- packing one section -------------------------------------------------------------------- */

/*
 * How many of pieces[first .. last), all of one section, make the next passage. `goal` is what a
 * passage should have so that the section is shared out evenly.
 */
static size_t pieces_pack(const struct chunker *c, size_t first, size_t last, uint32_t goal)
{
	const struct chunk_piece *v = c->pieces.v;
	uint32_t have, with;
	size_t i, end;

	for (i = first + 1; i < last; i++) {
		have = pieces_span(c, first, i);
		with = pieces_span(c, first, i + 1);
		if (with > c->o.max_bytes)
			break;
		if (v[i - 1].announces && have < goal)
			continue;
		/* A described object stands alone, unless it or what came before is tiny. */
		if (v[i].kind == FORMAT_ENTRY ||
		    (v[i - 1].kind == FORMAT_ENTRY && v[i - 1].whole)) {
			if (with > c->o.target_bytes || (v[i].whole && have >= c->o.min_bytes &&
							 v[i].end - v[i].start >= c->o.min_bytes))
				break;
			continue;
		}
		if (have >= c->o.min_bytes && with > goal && with - goal > goal - MIN(have, goal))
			break;
	}
	/* Do not end with what announces the next, if enough is left. */
	for (end = i; end < last && end > first + 1 && v[end - 1].announces;)
		end--;
	return (i < last && pieces_span(c, first, end) >= c->o.min_bytes ? end : i) - first;
}

static void passage_add(struct chunker *c, size_t first, size_t last)
{
	struct passage_draft *p = &c->passages[c->n_passages++];

	*p = (struct passage_draft){
		.first = (uint32_t)first,
		.last = (uint32_t)last,
		.section = c->pieces.v[first].section,
		.named = c->pieces.v[first].section,
		.bare = true,
	};
	for (size_t i = first; i < last; i++)
		p->bare = p->bare && c->pieces.v[i].kind == FORMAT_HEADING;
}

/* Passages of pieces[first .. last): one section, or as much of it as nothing parts. */
static void pack_stretch(struct chunker *c, size_t first, size_t last, bool whole)
{
	uint32_t total = pieces_span(c, first, last), n, goal;
	size_t end, before = c->n_passages;

	/* A quarter more than wanted is better than two halves. */
	n = total <= c->o.target_bytes + c->o.target_bytes / 4
		    ? 1
		    : (total + c->o.target_bytes - 1) / c->o.target_bytes;
	goal = total / n;
	while (first < last) {
		end = first + pieces_pack(c, first, last, goal);
		passage_add(c, first, end);
		first = end;
	}
	c->passages[before].whole = whole && c->n_passages == before + 1;
}

static void pack_sections(struct chunker *c)
{
	const struct chunk_piece *v = c->pieces.v;
	size_t first = 0, i;

	for (i = 1; i <= c->pieces.n; i++) {
		if (i < c->pieces.n && v[i].section == v[first].section && !v[i].apart)
			continue;
		pack_stretch(c, first, i,
			     (first == 0 || v[first - 1].section != v[first].section) &&
				     (i == c->pieces.n || v[i].section != v[first].section));
		first = i;
	}
}

/* ---- joining small ones --------------------------------------------------------------------- */

static uint32_t parent_of(const struct chunker *c, uint32_t section)
{
	return c->pieces.sections[section].parent;
}

/* The innermost section around both. */
static uint32_t common_section(const struct chunker *c, uint32_t a, uint32_t b)
{
	while (a != b) {
		/* A section comes after its parent. */
		if (a > b)
			a = parent_of(c, a);
		else
			b = parent_of(c, b);
	}
	return a;
}

static bool may_join(const struct chunker *c, const struct passage_draft *p,
		     const struct passage_draft *q)
{
	uint32_t a = pieces_span(c, p->first, p->last), b = pieces_span(c, q->first, q->last);
	uint32_t both = pieces_span(c, p->first, q->last);
	bool related;

	if (c->pieces.v[q->first].apart || !p->whole)
		return false;
	if (p->bare && common_section(c, p->section, q->section) == p->section)
		return both <= c->o.max_bytes;
	/* A bare heading waits for what it heads. */
	if (!q->whole || both > c->o.target_bytes || (q->bare && !p->bare))
		return false;
	related = common_section(c, p->section, q->section) == p->section ||
		  parent_of(c, q->section) == parent_of(c, p->section);
	return related ? a < c->o.min_bytes || b < c->o.min_bytes
		       : a < c->o.min_bytes && b < c->o.min_bytes;
}

/* Put q, the next one, into p. */
static void passage_join(const struct chunker *c, struct passage_draft *p,
			 const struct passage_draft *q)
{
	bool small_p = pieces_span(c, p->first, p->last) < c->o.min_bytes;
	bool small_q = pieces_span(c, q->first, q->last) < c->o.min_bytes;
	uint32_t around = common_section(c, p->section, q->section);

	if (p->bare && around == p->section) { /* its heading is the beginning of q's path */
		p->section = q->section;
		p->named = q->named;
	} else {
		p->section = around;
		p->named = small_p && !small_q ? q->named : small_q && !small_p ? p->named : around;
	}
	p->last = q->last;
	p->whole = q->whole;
	p->bare = p->bare && q->bare;
}

static void join_small(struct chunker *c)
{
	struct passage_draft *v = c->passages;
	size_t n = 0;

	for (size_t i = 0; i < c->n_passages; i++) {
		if (n > 0 && may_join(c, &v[n - 1], &v[i]))
			passage_join(c, &v[n - 1], &v[i]);
		else
			v[n++] = v[i];
	}
	c->n_passages = n;
}

/* ---- the result ----------------------------------------------------------------------------- */

/* "Title > Section > Sub", from the innermost outwards as far as there is room. */
static int path_make(struct chunker *c, uint32_t section, struct ragd_str *out)
{
	char path[PATH_MAX_BYTES];
	size_t at = sizeof(path), gap, len;
	const struct section *s;
	struct ragd_str label;

	if (c->paths[section].s != NULL) {
		*out = c->paths[section];
		return 0;
	}
	for (uint32_t i = section;; i = s->parent) {
		s = &c->pieces.sections[i];
		if (s->label > 0) {
			label = c->doc->labels[s->label - 1].text;
			gap = at < sizeof(path) ? strlen(BETWEEN) : 0;
			len = label.len;
			if (gap == 0 && len > sizeof(path))
				len = utf8_whole(label.s, sizeof(path));
			if (len + gap > at)
				break;
			memcpy(path + at - gap, BETWEEN, gap);
			at -= len + gap;
			memcpy(path + at, label.s, len);
		}
		if (s->parent == i)
			break;
	}
	*out = arena_str(c->arena, (struct ragd_str){ path + at, sizeof(path) - at });
	c->paths[section] = *out;
	return out->s != NULL ? 0 : -ENOMEM;
}

/* The place in the content of text[at]; *run is where the search begins, and ends. */
static uint64_t content_place(const struct format_document *doc, size_t at, size_t *run)
{
	if (doc->runs == NULL)
		return at;
	while (*run + 1 < doc->n_runs && doc->runs[*run + 1].from <= at)
		(*run)++;
	return doc->runs[*run].to + (at - doc->runs[*run].from);
}

static int chunk_make(struct chunker *c, const struct passage_draft *p, size_t *run,
		      struct chunk *out)
{
	const struct format_document *doc = c->doc;
	size_t start = c->pieces.v[p->first].start, end = c->pieces.v[p->last - 1].end, first;
	struct ragd_run *runs;

	if (!wanted_still(doc->wanted, end - start))
		return -ECANCELED;
	out->text = (struct ragd_str){ doc->text.s + start, end - start };
	out->start = content_place(doc, start, run);
	first = *run;
	out->end = format_place_end(doc, content_place(doc, end - 1, run));
	if (doc->runs == NULL)
		return path_make(c, p->named, &out->heading);
	out->n_runs = *run - first + 1;
	runs = arena_alloc(c->arena, out->n_runs, sizeof(*runs));
	if (runs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < out->n_runs; i++)
		runs[i] = (struct ragd_run){ (uint32_t)(doc->runs[first + i].from - start),
					     doc->runs[first + i].to };
	/* The first run may begin before the passage. */
	runs[0] = (struct ragd_run){ 0, (uint32_t)out->start };
	out->runs = runs;
	return path_make(c, p->named, &out->heading);
}

static int options_check(struct chunk_options *o, const struct chunk_options *in,
			 struct ragd_err *err)
{
	*o = in != NULL ? *in : (struct chunk_options){ 0 };
	if (o->target_bytes == 0)
		o->target_bytes = 1000;
	if (o->max_bytes == 0 && o->target_bytes <= UINT32_MAX / 2)
		o->max_bytes = 2 * o->target_bytes;
	if (o->min_bytes == 0)
		o->min_bytes = o->target_bytes / 5;
	if (o->target_bytes < 64 || o->max_bytes / 2 < o->target_bytes ||
	    o->min_bytes > o->target_bytes / 2)
		return ragd_err_set(
			err, -EINVAL,
			"passages of %u to %u bytes, at most %u: the target must be at least "
			"64, at least twice the least and at most half of the most",
			o->min_bytes, o->target_bytes, o->max_bytes);
	return 0;
}

ssize_t chunk_document(struct arena *arena, const struct format_document *doc,
		       const struct chunk_options *options, struct chunk **out,
		       struct ragd_err *err)
{
	struct chunker c = { .doc = doc, .arena = arena };
	struct chunk *chunks = NULL;
	size_t run = 0;
	int rc;

	rc = options_check(&c.o, options, err);
	if (rc < 0)
		return rc;
	rc = pieces_cut(&c.pieces, doc, &c.o);
	if (rc == 0) {
		c.passages = calloc(c.pieces.n + 1, sizeof(*c.passages));
		c.paths = calloc(c.pieces.n_sections, sizeof(*c.paths));
		rc = c.passages != NULL && c.paths != NULL ? 0 : -ENOMEM;
	}
	if (rc == 0) {
		pack_sections(&c);
		join_small(&c);
		chunks = arena_alloc(arena, c.n_passages, sizeof(*chunks));
		rc = chunks != NULL ? 0 : -ENOMEM;
	}
	for (size_t i = 0; rc == 0 && i < c.n_passages; i++)
		rc = chunk_make(&c, &c.passages[i], &run, &chunks[i]);
	if (doc->wanted != NULL && doc->wanted->err.code < 0)
		rc = ragd_err_set(err, doc->wanted->err.code, "%s", doc->wanted->err.msg);
	else if (rc < 0)
		ragd_err_set(err, rc, "cut the document into passages: out of memory");
	else
		*out = chunks;
	pieces_fini(&c.pieces);
	free(c.passages);
	free(c.paths);
	return rc < 0 ? rc : (ssize_t)c.n_passages;
}
