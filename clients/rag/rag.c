#include "clients/rag/rag.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "clients/rag/terminal/json_view.h"

static void rag_say(const char *sentence)
{
	struct out o;

	out_init(&o, stderr, NULL);
	out_printf(&o, STYLE_BAD, "rag:");
	out_printf(&o, STYLE_PLAIN, " %s", sentence);
	fputc('\n', stderr);
}

int rag_fail(struct rag *r, const struct ragd_err *err)
{
	json_t *o;

	fflush(r->out.f);
	if (r->args.json) {
		o = json_pack("{s:{s:i, s:s}}", "error", "errno", -err->code, "message", err->msg);
		if (o != NULL) {
			json_dumpf(o, r->out.f, JSON_COMPACT);
			fputc('\n', r->out.f);
		}
		json_decref(o);
	}
	rag_say(err->msg);
	return EXIT_FAILED;
}

int rag_usage(struct rag *r, const char *fmt, ...)
{
	const struct args_command *c = r->line.command;
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rag_say(text);
	if (c != NULL)
		fprintf(stderr, "usage: rag %s [OPTION]...%s%s\nMore: rag %s --help\n", c->name,
			c->usage[0] != '\0' ? " " : "", c->usage, c->name);
	else
		fprintf(stderr, "usage: rag %s\nMore: rag --help\n", r->program->usage);
	return EXIT_USAGE;
}

int rag_connect(struct rag *r, struct ragd_client **out)
{
	struct ragd_err err;

	if (ragd_client_open(r->args.socket, out, &err) == 0)
		return 0;
	return rag_fail(r, &err);
}

const char *rag_collection(const struct rag *r)
{
	return r->args.collection != NULL ? r->args.collection : "default";
}

struct ragd_ask rag_ask(const struct rag *r, const char *question)
{
	return (struct ragd_ask){
		.assistant = r->args.assistant,
		.question = question,
		.collections = r->args.collections.at,
		.n_collections = r->args.collections.n,
		.k = (unsigned)r->args.k,
	};
}

char *rag_words(const struct rag *r, int first)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (int i = first; i < r->line.n_rest; i++)
		fprintf(f, "%s%s", i > first ? " " : "", r->line.rest[i]);
	fclose(f);
	return text;
}

int rag_show(struct rag *r, rag_call call)
{
	struct ragd_client *c;
	struct ragd_err err;
	json_t *root;
	char *text;
	int rc = rag_connect(r, &c);

	if (rc != 0)
		return rc;
	if (call(c, &text, &err) < 0) {
		rc = rag_fail(r, &err);
		ragd_client_close(c);
		return rc;
	}
	root = r->args.json ? NULL : json_loads(text, JSON_ALLOW_NUL, NULL);
	if (json_is_array(json_object_get(root, "data")))
		json_view_put(&r->out, json_object_get(root, "data"), 0);
	else if (root != NULL)
		json_view_put(&r->out, root, 0);
	else
		fprintf(r->out.f, "%s\n", text);
	json_decref(root);
	ragd_free(text);
	ragd_client_close(c);
	return EXIT_ANSWERED;
}
