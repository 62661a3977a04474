/* rag collection: makes one, or changes who may read and write it. */
#include "clients/rag/commands/commands.h"

static const struct args_opt collection_opts[] = {
	{ .letter = 'm',
	  .name = "mode",
	  .arg = "MODE",
	  .help = "who may read and write, as for a file: 0600, 0640, 0644, ...",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, mode) },
	{ .letter = 'g',
	  .name = "group",
	  .arg = "GROUP",
	  .help = "the group it belongs to",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, group) },
	{ .letter = 'o',
	  .name = "owner",
	  .arg = "USER",
	  .help = "the user it belongs to; for administrators",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, owner) },
	{ .name = NULL },
};

static int collection_show(struct rag *r, struct ragd_client *c, const char *name)
{
	const struct ragd_collection_row *row;
	struct ragd_collections *l;
	struct ragd_err err;

	if (ragd_client_collection(c, name, &l, &err) < 0)
		return rag_fail(r, &err);
	row = ragd_collections_at(l, 0);
	if (r->args.json)
		fprintf(r->out.f, "%s\n", ragd_collections_json(l));
	else
		out_printf(&r->out, STYLE_PLAIN,
			   "%s: mode %s, owner %s, group %s, %llu documents\n", row->name,
			   row->mode, row->owner, row->group, (unsigned long long)row->documents);
	ragd_collections_free(l);
	return EXIT_ANSWERED;
}

static int collection_run(struct rag *r)
{
	const char *name = r->line.rest[0];
	struct ragd_client *c;
	struct ragd_err err;
	int rc = rag_connect(r, &c);

	if (rc != 0)
		return rc;
	if (ragd_client_collection_set(c, name, r->args.owner, r->args.group, r->args.mode, &err) <
	    0)
		rc = rag_fail(r, &err);
	else
		rc = collection_show(r, c, name);
	ragd_client_close(c);
	return rc;
}

const struct rag_command collection_command = {
	.args = { .name = "collection",
		  .usage = "NAME",
		  .summary = "create a collection, or change who may read and write it",
		  .opts = collection_opts,
		  .min_rest = 1,
		  .max_rest = 1,
		  .words = WORDS_COLLECTIONS },
	.run = collection_run,
};
