#include "retrieval/passages/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/formats/format.h"
#include "retrieval/index/embed.h"
#include "retrieval/passages/document_validate.h"

#define TITLE_MAX 1024 /* bytes; a longer one is cut at a character */

size_t prepare_arena_bytes(size_t len)
{
	/*
	 * Format, chunker, tokens (a stem is no longer than its word, parts double identifiers),
	 * terms.
	 */
	return FORMAT_ARENA_BYTES(len) + CHUNK_ARENA_BYTES(len) + 60 * len + ((size_t)1 << 20);
}

static int compare_tags(const void *a, const void *b)
{
	const struct ragd_str *x = a, *y = b;
	int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorted, joined, as prepared.tags; { NULL, 0 } when memory is out. */
static struct ragd_str join_tags(struct arena *arena, const struct ragd_str *tags, size_t n)
{
	struct ragd_str *sorted = arena_alloc(arena, n + 1, sizeof(*sorted));
	struct ragd_str out = { NULL, 0 };
	size_t total = 0;
	char *p;

	if (sorted == NULL)
		return out;
	for (size_t i = 0; i < n; i++) {
		sorted[i] = tags[i];
		total += tags[i].len + 1;
	}
	if (n > 0)
		qsort(sorted, n, sizeof(*sorted), compare_tags);
	p = arena_alloc(arena, total + 1, 1);
	if (p == NULL)
		return out;
	out.s = p;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && compare_tags(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		memcpy(p, sorted[i].s, sorted[i].len);
		p += sorted[i].len;
		*p++ = '\n';
	}
	out.len = (size_t)(p - out.s);
	return out;
}

bool prepare_next_tag(struct ragd_str *tags, struct ragd_str *tag)
{
	const char *end = tags->len > 0 ? memchr(tags->s, '\n', tags->len) : NULL;

	if (end == NULL)
		return false;
	tag->s = tags->s;
	tag->len = (size_t)(end - tags->s);
	tags->s += tag->len + 1;
	tags->len -= tag->len + 1;
	return true;
}

static void make_input(const struct ragd_document *doc, struct format_input *in)
{
	memset(in, 0, sizeof(*in));
	in->id = doc->id;
	in->title = doc->title;
	in->media_type = doc->media_type;
	in->content = doc->content;
	in->max_bytes = doc->content.len + 1; /* our own limit was checked */
}

static struct ragd_str cut_title(struct ragd_str title)
{
	if (title.len > TITLE_MAX)
		title.len = utf8_whole(title.s, TITLE_MAX);
	return title;
}

int prepare_start(struct arena *arena, const struct ragd_document *doc, size_t max_bytes,
		  struct prepared *out, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	struct format_input in;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = document_validate(doc, max_bytes, err);
	if (rc < 0)
		return rc;
	make_input(doc, &in);
	out->media_type = format_media_type(&in, &why);
	if (out->media_type == NULL)
		return ragd_err_set(err, why.code, "%s", why.msg);
	out->tags = join_tags(arena, doc->tags, doc->n_tags);
	if (out->tags.s == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a document");
	out->id = doc->id;
	out->given_title = cut_title(doc->title);
	out->content = doc->content;
	digest_hex(doc->content.s, doc->content.len, out->digest);
	return 0;
}

static int fail_unwanted(const struct wanted *w, struct ragd_err *err)
{
	return ragd_err_set(err, w->err.code, "%s", w->err.msg);
}

static int make_passages(struct arena *arena, struct terms *terms, struct chunk *chunks, size_t n,
			 struct wanted *wanted, struct prepared *p, struct ragd_err *err)
{
	int rc = 0;

	p->passages = arena_alloc(arena, n + 1, sizeof(*p->passages));
	p->lengths = arena_alloc(arena, n + 1, sizeof(*p->lengths));
	if (p->passages == NULL || p->lengths == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the passages of a document");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct prepared_passage *passage = &p->passages[i];

		if (!wanted_still(wanted, chunks[i].text.len))
			return fail_unwanted(wanted, err);
		passage->chunk = chunks[i];
		rc = terms_passage(terms, arena, p->title, chunks[i].heading, chunks[i].text,
				   &passage->terms, err);
		p->lengths[i] = passage->terms.length;
	}
	p->n_passages = (uint32_t)n;
	return rc;
}

int prepare_finish(struct arena *arena, struct terms *terms, const struct ragd_document *doc,
		   const struct chunk_options *options, struct wanted *wanted, struct prepared *p,
		   struct ragd_err *err)
{
	struct format_document rd;
	struct format_input in;
	struct chunk *chunks;
	ssize_t n;
	int rc;

	make_input(doc, &in);
	in.wanted = wanted;
	rc = format_read(arena, &in, &rd, err);
	if (rc < 0)
		return rc;
	n = chunk_document(arena, &rd, options, &chunks, err);
	if (n < 0)
		return (int)n;
	p->media_type = rd.media_type;
	p->title = cut_title(rd.title);
	return make_passages(arena, terms, chunks, (size_t)n, wanted, p, err);
}

#define VECTORS_AT_ONCE 64 /* passages between two looks at whether they are wanted */

int prepare_vectors(struct arena *arena, const struct embedder *e, struct wanted *wanted,
		    struct prepared *p, struct ragd_err *err)
{
	if (e == NULL || !embedder_is_learned(e))
		return 0;
	p->vectors = arena_alloc(arena, (size_t)p->n_passages * e->dim + 1, sizeof(*p->vectors));
	for (uint32_t i = 0; p->vectors != NULL && i < p->n_passages; i += VECTORS_AT_ONCE) {
		uint32_t n = MIN(p->n_passages - i, VECTORS_AT_ONCE);

		if (!wanted_still(wanted, WANTED_BYTES))
			return fail_unwanted(wanted, err);
		if (embedder_project_passages(e, p->passages + i, n,
					      p->vectors + (size_t)i * e->dim) < 0)
			p->vectors = NULL;
	}
	if (p->vectors == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the vectors of a document");
	p->embedder = e;
	return 0;
}
