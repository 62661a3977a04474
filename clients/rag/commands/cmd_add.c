/* rag add: files, folders, standard input, JSON lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/rag/commands/commands.h"
#include "clients/rag/upload/digests.h"
#include "clients/rag/upload/encoding.h"
#include "clients/rag/upload/upload.h"

/* Fewer files than this are sent without asking first what the daemon has: it compares, too. */
#define ASK_FIRST_FROM 16
#define JOBS_DEFAULT   3

static const struct args_opt add_opts[] = {
	OPT_COLLECTION("the collection to add to; created if it does not exist (default: default)"),
	{ .name = "prefix",
	  .arg = "TEXT",
	  .help = "put TEXT and a slash before each id",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, prefix) },
	{ .name = "id",
	  .arg = "ID",
	  .help = "the id of a single file or of standard input",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, id) },
	{ .name = "title",
	  .arg = "TEXT",
	  .help = "the title of a single file or of standard input",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, title) },
	{ .name = "type",
	  .arg = "TYPE",
	  .help = "the media type of every document, such as text/markdown (default: by the "
		  "extension of its id)",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, media_type) },
	{ .name = "tag",
	  .arg = "TAG",
	  .help = "give every document this tag; may be repeated",
	  .type = ARGS_TEXTS,
	  .offset = offsetof(struct rag_args, tags) },
	{ .name = "jsonl",
	  .help = "the files (or standard input) hold JSON lines {\"id\",\"title\",\"text\"}",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, jsonl) },
	OPT_JOBS(16, "requests in flight, 1 to 16 (default: 3)"),
	{ .name = "delete",
	  .help = "then remove documents from the collection (below --prefix, if given) "
		  "whose files are gone",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, remove_missing) },
	{ .name = "wait",
	  .help = "until everything is found by meaning, too, where an encoder makes the vectors",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, wait) },
	{ .letter = 'q',
	  .name = "quiet",
	  .help = "no progress bar and no summary",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, quiet) },
	{ .name = NULL },
};

/* What is to be added, from the command line. */
struct add_plan {
	struct file_walk walk;
	struct upload_source source;
	char *one_id; /* of standard input */
	uint64_t bytes;
};

static void plan_fini(struct add_plan *p)
{
	source_fini(&p->source);
	walk_fini(&p->walk);
	free(p->one_id);
}

static int plan_lines(struct rag *r, struct add_plan *p)
{
	static char dash[] = "-";
	static char *const from_stdin[] = { dash };
	struct stat st;

	p->source.names = r->line.n_rest > 0 ? r->line.rest : from_stdin;
	p->source.n_names = r->line.n_rest > 0 ? (size_t)r->line.n_rest : 1;
	for (size_t i = 0; i < p->source.n_names; i++)
		if (stat(p->source.names[i], &st) == 0 && S_ISREG(st.st_mode))
			p->bytes += (uint64_t)st.st_size;
	if (p->source.names == from_stdin && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		p->bytes = (uint64_t)st.st_size;
	return 0;
}

static int plan_stdin(struct rag *r, struct add_plan *p)
{
	if (r->args.id == NULL)
		return rag_usage(r, "a document from standard input needs an --id");
	if (r->line.n_rest > 1 || r->args.remove_missing)
		return rag_usage(r, "'-' cannot be combined with files or --delete");
	p->one_id = walk_id(r->args.prefix, r->args.id);
	p->source.from_stdin = 1;
	p->source.id = p->one_id;
	return p->one_id != NULL ? 0 : EXIT_FAILED;
}

static int plan_files(struct rag *r, struct add_plan *p)
{
	struct file_walk *w = &p->walk;

	for (int i = 0; i < r->line.n_rest; i++)
		walk_add(w, r->line.rest[i], r->args.prefix);
	if ((r->args.id != NULL || r->args.title != NULL) && (w->n != 1 || r->line.n_rest != 1))
		return rag_usage(r, "--id and --title are for a single file");
	if (r->args.id != NULL && w->n == 1) {
		free(w->files[0].id);
		w->files[0].id = walk_id(r->args.prefix, r->args.id);
		w->failed |= w->files[0].id == NULL;
	}
	if (!w->failed)
		walk_mark_twins(w);
	if (w->failed) {
		fputs("rag: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < w->n; i++)
		p->bytes += (uint64_t)w->files[i].size;
	p->source.walk = w;
	return 0;
}

static int plan_make(struct rag *r, struct add_plan *p)
{
	if (r->args.jsonl) {
		if (r->args.id != NULL || r->args.prefix != NULL || r->args.remove_missing)
			return rag_usage(
				r,
				"with --jsonl ids are in the lines: no --id, --prefix, --delete");
		return plan_lines(r, p);
	}
	if (r->line.n_rest == 0)
		return rag_usage(r, "add what? Name files or folders, or '-' for standard input");
	for (int i = 0; i < r->line.n_rest; i++)
		if (strcmp(r->line.rest[i], "-") == 0)
			return plan_stdin(r, p);
	return plan_files(r, p);
}

/* Remove what the daemon has below the prefix and the walk did not see; counts in *n. */
static int remove_missing(struct rag *r, struct ragd_client *c, const struct file_walk *walk,
			  json_t *known, uint64_t *n, struct ragd_err *err)
{
	char *below = walk_id(r->args.prefix, "");
	const char *id;
	json_t *digest;
	void *next;
	int rc = 0;

	if (below == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < walk->n; i++)
		json_object_del(known, walk->files[i].id);
	json_object_foreach_safe(known, next, id, digest)
	{
		if (strncmp(id, below, strlen(below)) != 0)
			continue;
		rc = ragd_client_document_remove(c, rag_collection(r), id, err);
		if (rc < 0 && rc != -ENOENT)
			break;
		rc = 0;
		++*n;
	}
	free(below);
	return rc;
}

static void add_summary(struct rag *r, const struct upload *u, uint64_t n_removed)
{
	struct out *o = &r->out;

	if (r->args.json) {
		json_line_write(o->f, json_pack("{s:I, s:I, s:I, s:I, s:I, s:O}", "added",
						(json_int_t)u->n_added, "updated",
						(json_int_t)u->n_updated, "unchanged",
						(json_int_t)u->n_unchanged, "failed",
						(json_int_t)u->n_failed, "removed",
						(json_int_t)n_removed, "failures", u->failures));
		return;
	}
	if (r->args.quiet)
		return;
	fprintf(o->f, "added %llu, updated %llu, unchanged %llu, failed %llu",
		(unsigned long long)u->n_added, (unsigned long long)u->n_updated,
		(unsigned long long)u->n_unchanged, (unsigned long long)u->n_failed);
	if (r->args.remove_missing)
		fprintf(o->f, ", removed %llu", (unsigned long long)n_removed);
	fputc('\n', o->f);
}

/* An encoder takes its time. Where that is short, it is not worth a line. */
static void add_tell_waiting(struct rag *r, struct ragd_client *c)
{
	struct encoding e;
	char time[64];

	if (r->args.json || r->args.quiet || encoding_read(c, &e, NULL) < 0 || e.n_waiting == 0)
		return;
	if (e.trouble[0] != '\0') {
		fprintf(r->out.f, "found by words alone: %s\n", e.trouble);
		return;
	}
	encoding_time(time, sizeof(time), e.waiting_s);
	if (e.waiting_s >= 5)
		fprintf(r->out.f, "found by words now; by meaning in %s\n", time);
}

static int add_planned(struct rag *r, struct ragd_client *c, struct add_plan *p)
{
	bool ask_first = r->args.jsonl || r->args.remove_missing || p->walk.n >= ASK_FIRST_FROM;
	struct upload u = {
		.r = r,
		.collection = rag_collection(r),
		.source = &p->source,
		.title = r->args.title,
		.media_type = r->args.media_type,
		.tags = r->args.tags,
		.jobs = r->args.jobs > 0 ? (unsigned)r->args.jobs : JOBS_DEFAULT,
	};
	json_t *known = NULL;
	uint64_t n_removed = 0;
	struct ragd_err err;
	int rc;

	/* Another title, type or tag is a change that no digest shows: the daemon must see it. */
	if (ask_first && digests_fetch(c, u.collection, &known, &err) < 0)
		return rag_fail(r, &err);
	u.known = r->args.title == NULL && r->args.media_type == NULL && r->args.tags.n == 0 ? known
											     : NULL;
	progress_init(&u.progress, stderr, !r->args.quiet && !r->args.json, p->bytes);
	rc = upload_run(&u);
	if (r->args.verbose && p->walk.n_skipped > 0)
		fprintf(stderr,
			"rag: skipped %zu hidden files and links that lead out of the folders\n",
			p->walk.n_skipped);
	if (rc == EXIT_ANSWERED && r->args.remove_missing &&
	    remove_missing(r, c, &p->walk, known, &n_removed, &err) < 0)
		rc = rag_fail(r, &err);
	else if (rc != EXIT_ANSWERED && r->args.remove_missing)
		fputs("rag: not everything could be read, so nothing was removed\n", stderr);
	add_summary(r, &u, n_removed);
	if (rc == EXIT_ANSWERED && !r->args.wait)
		add_tell_waiting(r, c);
	else if (rc == EXIT_ANSWERED && encoding_wait(c, &err) < 0)
		rc = rag_fail(r, &err);
	json_decref(u.failures);
	json_decref(known);
	return rc;
}

static int add_run(struct rag *r)
{
	struct add_plan plan = { .bytes = 0 };
	struct ragd_client *c;
	int rc = plan_make(r, &plan);

	if (rc == 0)
		rc = rag_connect(r, &c);
	if (rc == 0) {
		rc = add_planned(r, c, &plan);
		ragd_client_close(c);
	}
	plan_fini(&plan);
	return rc;
}

const struct rag_command add_command = {
	.args = { .name = "add",
		  .usage = "FILE|FOLDER|- ...",
		  .summary = "add documents, or update those that changed",
		  .opts = add_opts,
		  .max_rest = -1,
		  .words = ARGS_WORDS_FILES },
	.run = add_run,
};
