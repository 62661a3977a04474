#include "clients/rag/answer/answer_view.h"

#include <inttypes.h>
#include <string.h>

#include "clients/rag/rag.h"

void answer_view_init(struct answer_view *v, struct out *out, bool verbose)
{
	*v = (struct answer_view){ .out = out, .verbose = verbose };
	wrap_init(&v->wrap, out, 0);
}

static int on_citation(void *arg, const struct ragd_citation *c)
{
	struct answer_view *v = arg;

	wrap_mark(&v->wrap, c->mark_start, c->mark_end);
	return 0;
}

static int on_text(void *arg, const char *text, size_t len)
{
	struct answer_view *v = arg;

	wrap_text(&v->wrap, text, len);
	v->began = true;
	/* A pipe whose reader left: stop the daemon's work, too. */
	return fflush(v->out->f) == 0 ? 0 : -1;
}

const char *answer_view_heading(const char *title, const char *heading)
{
	size_t len = strlen(title);

	if (strncmp(heading, title, len) != 0)
		return heading;
	if (heading[len] == '\0')
		return "";
	return strncmp(heading + len, " > ", 3) == 0 ? heading + len + 3 : heading;
}

static void put_name(struct out *o, const struct ragd_source *s)
{
	const char *title = s->title[0] != '\0' ? s->title : s->document;
	const char *heading = answer_view_heading(title, s->heading);

	out_text(o, title, strlen(title));
	if (heading[0] != '\0')
		out_printf(o, STYLE_PLAIN, ", %s", heading);
}

static void put_ranges(struct out *o, const struct ragd_answer *a, unsigned n)
{
	const struct ragd_citation *c;
	bool first = true;

	for (size_t i = 0; (c = ragd_answer_citation(a, i)) != NULL; i++) {
		if (c->n != n)
			continue;
		fprintf(o->f, "%s%" PRIu64 "-%" PRIu64, first ? ", bytes " : ", ", c->start,
			c->end);
		first = false;
	}
}

static void put_quotes(struct out *o, const struct ragd_answer *a, unsigned n)
{
	const struct ragd_citation *c;
	struct wrap w;

	for (size_t i = 0; (c = ragd_answer_citation(a, i)) != NULL; i++) {
		if (c->n != n || c->quote[0] == '\0')
			continue;
		wrap_init(&w, o, 6);
		if (!o->tty)
			fputs("      ", o->f);
		wrap_text(&w, "\"", 1);
		wrap_text(&w, c->quote, strlen(c->quote));
		wrap_text(&w, "\"", 1);
		wrap_end(&w);
	}
}

static void put_sources(const struct answer_view *v, const struct ragd_answer *a)
{
	const struct ragd_source *s;
	struct out *o = v->out;

	for (size_t i = 0; (s = ragd_answer_source(a, i)) != NULL; i++) {
		if (i == 0)
			out_printf(o, STYLE_BOLD, "\nSources\n");
		out_printf(o, STYLE_MARK, "  [%u]", s->n);
		fputc(' ', o->f);
		put_name(o, s);
		out_style(o, STYLE_DIM);
		out_printf(o, STYLE_PLAIN, " (%s", s->document);
		if (strcmp(s->collection, "default") != 0)
			out_printf(o, STYLE_PLAIN, " in %s", s->collection);
		put_ranges(o, a, s->n);
		fputc(')', o->f);
		out_style(o, STYLE_PLAIN);
		fputc('\n', o->f);
		if (v->verbose)
			put_quotes(o, a, s->n);
	}
}

static void put_flag(struct out *o, const char *what, const struct ragd_flag *f)
{
	out_printf(o, STYLE_PLAIN, "%s %s (filter %s%s%s)", what, f->category, f->plugin,
		   f->rule[0] != '\0' ? ", rule " : "", f->rule);
	fputc('\n', o->f);
}

static const char *stage_name(const char *stage)
{
	return strcmp(stage, "prompt") == 0     ? "the question"
	       : strcmp(stage, "response") == 0 ? "the answer"
						: "a document";
}

static void put_filtering(const struct answer_view *v, const struct ragd_answer *a)
{
	const struct ragd_flag *f = ragd_answer_blocked_by(a);
	struct out *o = v->out;
	char what[64];

	if (f != NULL) {
		snprintf(what, sizeof(what), "\nBlocked by a filter: %s:", stage_name(f->stage));
		out_style(o, STYLE_BAD);
		put_flag(o, what, f);
		out_style(o, STYLE_PLAIN);
		return;
	}
	for (size_t i = 0; (f = ragd_answer_redaction(a, i)) != NULL; i++) {
		if (strcmp(f->action, "redact") != 0 && !v->verbose)
			continue;
		snprintf(what, sizeof(what), "%s%s in %s:", i == 0 ? "\n" : "",
			 strcmp(f->action, "redact") == 0 ? "Redacted" : "Found",
			 stage_name(f->stage));
		out_style(o, STYLE_WARN);
		put_flag(o, what, f);
		out_style(o, STYLE_PLAIN);
	}
}

static int on_done(void *arg, const struct ragd_answer *a)
{
	struct answer_view *v = arg;
	struct out *o = v->out;
	bool blocked = ragd_answer_blocked_by(a) != NULL;

	wrap_end(&v->wrap);
	v->began = false;
	if (strcmp(ragd_answer_finish(a), "length") == 0)
		out_printf(o, STYLE_WARN, "(cut off: the answer reached its limit)\n");
	put_sources(v, a);
	put_filtering(v, a);
	if (!blocked && ragd_answer_abstained(a))
		out_printf(o, STYLE_WARN,
			   "\nNo grounded answer: nothing in the documents supports one.\n");
	if (v->verbose && ragd_answer_dropped_sentences(a) > 0)
		out_printf(o, STYLE_DIM, "\n%u unsupported sentence%s left out.\n",
			   ragd_answer_dropped_sentences(a),
			   ragd_answer_dropped_sentences(a) == 1 ? " was" : "s were");
	if (!blocked && !ragd_answer_abstained(a))
		out_printf(o, STYLE_DIM, "\n%s\n",
			   ragd_answer_source(a, 0) != NULL ? ANSWER_LABEL : ANSWER_LABEL_BARE);
	if (v->verbose)
		out_printf(o, STYLE_DIM, "Rate it: rag feedback %s up|down\n", ragd_answer_id(a));
	return fflush(o->f) == 0 ? 0 : -1;
}

struct ragd_events answer_view_events(struct answer_view *v)
{
	return (struct ragd_events){ on_citation, on_text, on_done, v };
}

void answer_view_break(struct answer_view *v)
{
	if (v->began)
		wrap_end(&v->wrap);
	v->began = false;
	fflush(v->out->f);
}

int answer_view_exit_code(const struct ragd_answer *a)
{
	if (ragd_answer_blocked_by(a) != NULL)
		return EXIT_BLOCKED;
	return ragd_answer_abstained(a) ? EXIT_UNGROUNDED : EXIT_ANSWERED;
}
