/* rag collection: makes one, or changes who may read and write it. */
#include "commands.h"

static const struct opt collection_opts[] = {
	{ 'm', "mode", "MODE", "who may read and write, as of a file: 0600, 0640, 0644, …",
	  OPT_TEXT, offsetof(struct args, mode), 0, 0, NULL, WORDS_NONE },
	{ 'g', "group", "GROUP", "the group it belongs to", OPT_TEXT, offsetof(struct args, group),
	  0, 0, NULL, WORDS_NONE },
	{ 'o', "owner", "USER", "the user it belongs to; for administrators", OPT_TEXT,
	  offsetof(struct args, owner), 0, 0, NULL, WORDS_NONE },
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
	const char *name = r->args.rest[0];
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

const struct command collection_command = {
	.name = "collection",
	.usage = "NAME",
	.summary = "make a collection, or change who may read and write it",
	.run = collection_run,
	.opts = collection_opts,
	.min_rest = 1,
	.max_rest = 1,
	.words = WORDS_COLLECTIONS,
};
