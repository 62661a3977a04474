/* rag reindex: has the vectors of a collection made again. */
#include "clients/rag/commands/commands.h"
#include "clients/rag/upload/encoding.h"

static const struct args_opt reindex_opts[] = {
	{ .name = "wait",
	  .help = "until the new vectors are in use",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, wait) },
	{ .name = NULL },
};

static void reindex_tell(struct rag *r, struct ragd_client *c, const char *name)
{
	struct encoding e;
	char time[64];

	if (encoding_read(c, &e, NULL) < 0 || e.n_waiting == 0)
		return;
	encoding_time(time, sizeof(time), e.waiting_s);
	if (e.waiting_s > 0)
		fprintf(r->out.f,
			"%s gets new vectors in %s; searches use the old ones until then\n", name,
			time);
	else
		fprintf(r->out.f, "%s gets new vectors; searches use the old ones until then\n",
			name);
}

static int reindex_run(struct rag *r)
{
	const char *name = r->line.n_rest > 0 ? r->line.rest[0] : "default";
	struct ragd_client *c;
	struct ragd_err err;
	char *json;
	int rc = rag_connect(r, &c);

	if (rc != 0)
		return rc;
	if (ragd_client_reindex(c, name, &json, &err) < 0) {
		rc = rag_fail(r, &err);
		ragd_client_close(c);
		return rc;
	}
	if (r->args.json)
		fprintf(r->out.f, "%s\n", json);
	else if (!r->args.wait)
		reindex_tell(r, c, name);
	ragd_free(json);
	if (r->args.wait && encoding_wait(c, &err) < 0)
		rc = rag_fail(r, &err);
	ragd_client_close(c);
	return rc;
}

const struct rag_command reindex_command = {
	.args = { .name = "reindex",
		  .usage = "[COLLECTION]",
		  .summary = "make the vectors of a collection again",
		  .opts = reindex_opts,
		  .max_rest = 1,
		  .words = WORDS_COLLECTIONS },
	.run = reindex_run,
};
