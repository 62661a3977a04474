/* rag search: passages without an answer; as a batch, a TREC run. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clients/rag/answer/answer_view.h"
#include "clients/rag/batch/batch.h"
#include "clients/rag/commands/commands.h"

#define DEEP 100 /* documents a question in a batch */

static const struct args_opt search_opts[] = {
	OPT_COLLECTIONS("search this collection only"),
	OPT_PASSAGES(1000, "how many passages, 1 to 1000 (default: 10, with --batch 100)"),
	{ .name = "tag",
	  .arg = "TAG",
	  .help = "only documents with this tag; may be repeated",
	  .type = ARGS_TEXTS,
	  .offset = offsetof(struct rag_args, tags) },
	{ .name = "per-document",
	  .help = "the best passage of each document only; --batch implies it",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, per_document) },
	OPT_BATCH("a TREC run"),
	OPT_JOBS(64, "with --batch: searches in flight, 1 to 64 (default: 4)"),
	{ .name = NULL },
};

static struct ragd_search search_of(const struct rag *r, const char *query)
{
	return (struct ragd_search){
		.query = query,
		.k = (unsigned)r->args.k,
		.collections = r->args.collections.at,
		.n_collections = r->args.collections.n,
		.tags = r->args.tags.at,
		.n_tags = r->args.tags.n,
		.per_document = r->args.per_document,
	};
}

/* A field of a run ends at white space, so that of a name is written as %20. */
static void put_field(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (isspace((unsigned char)*s))
			fprintf(f, "%%%02X", (unsigned)(unsigned char)*s);
		else
			fputc(*s, f);
	}
}

static int search_line(struct ragd_client *c, const struct json_line *line, void *ctx, FILE *out,
		       struct ragd_err *err)
{
	const struct rag *r = ctx;
	struct ragd_search search = search_of(r, line->text);
	const struct ragd_hit_row *hit;
	struct ragd_hits *hits;
	int rc;

	search.per_document = true;
	search.k = search.k > 0 ? search.k : DEEP;
	rc = ragd_client_search(c, &search, &hits, err);
	if (rc < 0)
		return rc;
	if (r->args.json)
		fprintf(out, "%s\n", ragd_hits_json(hits));
	for (size_t i = 0; !r->args.json && (hit = ragd_hits_at(hits, i)) != NULL; i++) {
		put_field(out, line->id);
		fputs(" Q0 ", out);
		put_field(out, hit->document);
		fprintf(out, " %zu %.6f ragd\n", i + 1, hit->score);
	}
	ragd_hits_free(hits);
	return 0;
}

static void put_hit(struct rag *r, const struct ragd_hit_row *hit, size_t number)
{
	const char *title = hit->title[0] != '\0' ? hit->title : hit->document;
	const char *heading = answer_view_heading(title, hit->heading);
	struct out *o = &r->out;
	struct wrap w;

	out_printf(o, STYLE_MARK, "%2zu.", number);
	out_printf(o, STYLE_BOLD, " %s", title);
	if (heading[0] != '\0')
		out_printf(o, STYLE_PLAIN, ", %s", heading);
	out_style(o, STYLE_DIM);
	out_printf(o, STYLE_PLAIN, " (%s", hit->document);
	if (strcmp(hit->collection, "default") != 0)
		out_printf(o, STYLE_PLAIN, " in %s", hit->collection);
	fprintf(o->f, ", bytes %" PRIu64 "-%" PRIu64 ", score %.3f", hit->start, hit->end,
		hit->score);
	if (r->args.verbose)
		fprintf(o->f, " = words %.3f, meaning %.3f", hit->lexical, hit->vector);
	fputc(')', o->f);
	out_style(o, STYLE_PLAIN);
	fputc('\n', o->f);
	wrap_init(&w, o, 4);
	wrap_text(&w, hit->text, strlen(hit->text));
	wrap_end(&w);
	fputc('\n', o->f);
}

static int search_shown(struct rag *r, struct ragd_client *c, const char *query)
{
	const struct ragd_search search = search_of(r, query);
	const struct ragd_hit_row *hit;
	struct ragd_hits *hits;
	struct ragd_err err;
	int rc;

	if (ragd_client_search(c, &search, &hits, &err) < 0)
		return rag_fail(r, &err);
	rc = ragd_hits_at(hits, 0) != NULL ? EXIT_ANSWERED : EXIT_UNGROUNDED;
	if (r->args.json)
		fprintf(r->out.f, "%s\n", ragd_hits_json(hits));
	else if (rc == EXIT_UNGROUNDED)
		fputs("Nothing found.\n", r->out.f);
	for (size_t i = 0; !r->args.json && (hit = ragd_hits_at(hits, i)) != NULL; i++)
		put_hit(r, hit, i + 1);
	ragd_hits_free(hits);
	return rc;
}

static int search_run(struct rag *r)
{
	struct ragd_client *c;
	char *query;
	int rc;

	if (r->args.batch) {
		if (r->line.n_rest > 0)
			return rag_usage(r, "--batch reads its questions from standard input");
		return batch_run(r, search_line, r);
	}
	query = rag_words(r, 0);
	if (query == NULL || query[0] == '\0') {
		free(query);
		return rag_usage(r, "search for what?");
	}
	rc = rag_connect(r, &c);
	if (rc == 0) {
		rc = search_shown(r, c, query);
		ragd_client_close(c);
	}
	free(query);
	return rc;
}

const struct rag_command search_command = {
	.args = { .name = "search",
		  .usage = "WORD...",
		  .summary = "find passages, without an answer",
		  .opts = search_opts,
		  .max_rest = -1 },
	.run = search_run,
};
