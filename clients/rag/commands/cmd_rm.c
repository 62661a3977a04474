/* rag rm: removes documents, or a collection with all of them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/rag/commands/commands.h"

static const struct args_opt rm_opts[] = {
	OPT_COLLECTION("the collection (default: default)"),
	{ .name = "all",
	  .help = "remove the collection itself, with all its documents",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, all) },
	{ .letter = 'f',
	  .name = "force",
	  .help = "with --all: do not ask",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, force) },
	{ .name = NULL },
};

/* 1: yes. Who cannot be asked has not said so. */
static int is_sure(struct rag *r, const struct ragd_collection_row *row)
{
	char answer[16];

	if (r->args.force)
		return 1;
	if (!isatty(STDIN_FILENO)) {
		rag_usage(
			r,
			"without a terminal to ask on, removing a whole collection needs --force");
		return 0;
	}
	fprintf(stderr, "Remove the collection '%s' with its %llu documents? [y/N] ", row->name,
		(unsigned long long)row->documents);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static int rm_all(struct rag *r, struct ragd_client *c)
{
	struct ragd_collections *l;
	struct ragd_err err;
	int rc = EXIT_ANSWERED;

	if (r->args.collection == NULL || r->line.n_rest > 0)
		return rag_usage(r, "--all goes with -c COLLECTION, and with nothing else");
	if (ragd_client_collection(c, r->args.collection, &l, &err) < 0)
		return rag_fail(r, &err);
	if (!is_sure(r, ragd_collections_at(l, 0)))
		rc = isatty(STDIN_FILENO) ? EXIT_FAILED : EXIT_USAGE;
	else if (ragd_client_collection_remove(c, r->args.collection, &err) < 0)
		rc = rag_fail(r, &err);
	else if (r->args.json)
		fprintf(r->out.f, "%s\n", ragd_collections_json(l));
	else
		out_printf(&r->out, STYLE_PLAIN, "removed collection %s\n", r->args.collection);
	ragd_collections_free(l);
	return rc;
}

static int rm_run(struct rag *r)
{
	struct ragd_client *c;
	struct ragd_err err;
	int rc;

	if (r->line.n_rest == 0 && !r->args.all)
		return rag_usage(r, "remove which documents?");
	rc = rag_connect(r, &c);
	if (rc != 0)
		return rc;
	if (r->args.all)
		rc = rm_all(r, c);
	for (int i = 0; !r->args.all && i < r->line.n_rest; i++) {
		const char *id = r->line.rest[i];

		if (ragd_client_document_remove(c, rag_collection(r), id, &err) < 0)
			rc = rag_fail(r, &err);
		else if (!r->args.json)
			out_printf(&r->out, STYLE_PLAIN, "removed %s\n", id);
	}
	ragd_client_close(c);
	return rc;
}

const struct rag_command rm_command = {
	.args = { .name = "rm",
		  .usage = "DOCUMENT...",
		  .summary = "remove documents, or a whole collection",
		  .opts = rm_opts,
		  .max_rest = -1 },
	.run = rm_run,
};
