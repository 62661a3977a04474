#include "rag.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

static void say(const char *sentence)
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
	say(err->msg);
	return EXIT_FAILED;
}

int rag_usage(struct rag *r, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(text);
	if (r->command != NULL)
		fprintf(stderr, "usage: rag %s [OPTION]… %s\nMore: rag %s --help\n",
			r->command->name, r->command->usage, r->command->name);
	else
		fputs("usage: rag COMMAND [OPTION]…\nMore: rag --help\n", stderr);
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
