/* rag list: the collections, or the documents of one. */
#include <string.h>
#include <time.h>

#include "clients/rag/commands/commands.h"
#include "clients/rag/terminal/progress.h"

#define PAGE 1000

static const struct args_opt list_opts[] = {
	OPT_COLLECTION("the documents of this collection"),
	{ .name = NULL },
};

static void put_time(struct out *o, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[32] = "-";

	if (seconds > 0 && localtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	fprintf(o->f, "%-16s", text);
}

static int list_collections(struct rag *r, struct ragd_client *c)
{
	const struct ragd_collection_row *row;
	struct ragd_collections *l;
	struct out *o = &r->out;
	struct ragd_err err;
	char size[24];

	if (ragd_client_collections(c, &l, &err) < 0)
		return rag_fail(r, &err);
	if (r->args.json)
		fprintf(o->f, "%s\n", ragd_collections_json(l));
	else if (ragd_collections_at(l, 0) == NULL)
		fputs("There are no collections that you may read. Make one: rag add FOLDER\n",
		      o->f);
	else
		out_printf(o, STYLE_BOLD, "%-20s %-4s %-16s %10s %10s %10s  %s\n", "COLLECTION",
			   "MODE", "OWNER:GROUP", "DOCUMENTS", "PASSAGES", "SIZE", "CHANGED");
	for (size_t i = 0; !r->args.json && (row = ragd_collections_at(l, i)) != NULL; i++) {
		char who[80];

		snprintf(who, sizeof(who), "%s:%s", row->owner, row->group);
		progress_bytes(size, sizeof(size), (double)row->bytes);
		out_printf(o, STYLE_PLAIN, "%-20s %-4s %-16s %10llu %10llu %10s  ", row->name,
			   row->mode, who, (unsigned long long)row->documents,
			   (unsigned long long)row->passages, size);
		put_time(o, row->updated);
		fputc('\n', o->f);
	}
	ragd_collections_free(l);
	return EXIT_ANSWERED;
}

static void put_page(struct rag *r, const struct ragd_documents *l)
{
	const struct ragd_document_row *row;
	struct out *o = &r->out;
	char size[24];

	if (r->args.json)
		fprintf(o->f, "%s\n", ragd_documents_json(l));
	for (size_t i = 0; !r->args.json && (row = ragd_documents_at(l, i)) != NULL; i++) {
		progress_bytes(size, sizeof(size), (double)row->bytes);
		fprintf(o->f, "%10s %8llu  ", size, (unsigned long long)row->passages);
		put_time(o, row->updated);
		out_printf(o, STYLE_PLAIN, "  %s", row->id);
		if (row->title[0] != '\0' && strcmp(row->title, row->id) != 0)
			out_printf(o, STYLE_DIM, "  %s", row->title);
		if (r->args.verbose)
			out_printf(o, STYLE_DIM, "  %s %s", row->media_type, row->digest);
		fputc('\n', o->f);
	}
}

static int list_documents(struct rag *r, struct ragd_client *c, const char *collection)
{
	struct ragd_documents *page = NULL, *l;
	const char *next = NULL;
	struct ragd_err err;
	bool first = true;

	do {
		if (ragd_client_documents(c, collection, next, PAGE, &l, &err) < 0) {
			ragd_documents_free(page);
			return rag_fail(r, &err);
		}
		if (first && !r->args.json && ragd_documents_at(l, 0) != NULL)
			out_printf(&r->out, STYLE_BOLD, "%10s %8s  %-16s  %s\n", "SIZE", "PASSAGES",
				   "CHANGED", "DOCUMENT");
		else if (first && !r->args.json)
			fputs("The collection is empty.\n", r->out.f);
		first = false;
		put_page(r, l);
		ragd_documents_free(page);
		page = l;
		next = ragd_documents_next(l);
	} while (next != NULL);
	ragd_documents_free(page);
	return EXIT_ANSWERED;
}

static int list_run(struct rag *r)
{
	const char *collection = r->line.n_rest > 0 ? r->line.rest[0] : r->args.collection;
	struct ragd_client *c;
	int rc = rag_connect(r, &c);

	if (rc != 0)
		return rc;
	rc = collection != NULL ? list_documents(r, c, collection) : list_collections(r, c);
	ragd_client_close(c);
	return rc;
}

const struct rag_command list_command = {
	.args = { .name = "list",
		  .usage = "[COLLECTION]",
		  .summary = "list the collections, or the documents of one",
		  .opts = list_opts,
		  .max_rest = 1,
		  .words = WORDS_COLLECTIONS },
	.run = list_run,
};
