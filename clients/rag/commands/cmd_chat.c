/* rag chat: questions and answers in turn, with what was said before. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/rag/answer/answer_view.h"
#include "clients/rag/answer/conversation.h"
#include "clients/rag/commands/commands.h"
#include "clients/rag/terminal/editor.h"

static const struct args_opt chat_opts[] = {
	OPT_COLLECTIONS("answer from this collection only"),
	OPT_ASSISTANT,
	OPT_PASSAGES(50, "how many passages an answer may rest on, 1 to 50"),
	{ .name = "no-history",
	  .help = "do not save what you type",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, no_history) },
	{ .name = NULL },
};

/* One conversation. */
struct chat_session {
	struct rag *r;
	struct ragd_client *c;
	struct conversation said;
	struct ragd_answer *last; /* NULL before the first */
	bool failed;              /* some question got no answer */
};

/* For the signal handler: the client at work on an answer, or NULL at the prompt. */
static struct ragd_client *volatile asking;

static void on_interrupt(int sig)
{
	struct ragd_client *c = asking;

	(void)sig;
	if (c != NULL)
		ragd_client_cancel(c);
	else
		editor_interrupt();
}

static void chat_ask(struct chat_session *chat, const char *question)
{
	struct rag *r = chat->r;
	struct ragd_events events;
	struct ragd_ask ask = rag_ask(r, question);
	struct ragd_answer *a;
	struct ragd_err err;
	struct answer_view v;
	int rc;

	ask.turns = conversation_turns(&chat->said, &ask.n_turns);
	answer_view_init(&v, &r->out, r->args.verbose);
	events = answer_view_events(&v);
	asking = chat->c;
	rc = ragd_client_ask(chat->c, &ask, r->args.json ? NULL : &events, &a, &err);
	asking = NULL;
	if (rc == -ECANCELED && ferror(r->out.f) == 0) {
		answer_view_break(&v);
		fputs("(stopped)\n", r->out.f);
		return;
	}
	if (rc < 0) {
		answer_view_break(&v);
		rag_fail(r, &err);
		chat->failed = true;
		return;
	}
	if (r->args.json)
		fprintf(r->out.f, "%s\n", ragd_answer_json(a));
	/* What a filter stopped must not be repeated to the next one. */
	if (ragd_answer_blocked_by(a) == NULL)
		conversation_add(&chat->said, question, ragd_answer_text(a));
	ragd_answer_free(chat->last);
	chat->last = a;
}

/* ---- what begins with a slash ---- */

static void chat_new(struct chat_session *chat, const char *rest)
{
	(void)rest;
	conversation_fini(&chat->said);
	fputs("A new conversation.\n", chat->r->out.f);
}

static void chat_sources(struct chat_session *chat, const char *rest)
{
	const struct ragd_citation *c;
	struct out *o = &chat->r->out;

	(void)rest;
	for (size_t i = 0; (c = ragd_answer_citation(chat->last, i)) != NULL; i++) {
		out_printf(o, STYLE_MARK, "[%u]", c->n);
		out_printf(o, STYLE_PLAIN, " %s in %s, bytes %llu-%llu: \"%s\"\n", c->document,
			   c->collection, (unsigned long long)c->start, (unsigned long long)c->end,
			   c->quote);
	}
	if (ragd_answer_citation(chat->last, 0) == NULL)
		fputs("The last answer cites nothing.\n", o->f);
}

static void chat_rate(struct chat_session *chat, const char *rating, const char *comment)
{
	struct ragd_feedback f = { .answer_id = ragd_answer_id(chat->last), .rating = rating };
	struct ragd_err err;

	f.comment = comment[0] != '\0' ? comment : NULL;
	if (ragd_client_feedback(chat->c, &f, NULL, &err) < 0)
		rag_fail(chat->r, &err);
	else
		fputs("Noted, thank you.\n", chat->r->out.f);
}

static void chat_up(struct chat_session *chat, const char *rest)
{
	chat_rate(chat, "up", rest);
}

static void chat_down(struct chat_session *chat, const char *rest)
{
	chat_rate(chat, "down", rest);
}

static void chat_help(struct chat_session *chat, const char *rest);

static const struct chat_row {
	const char *name;
	const char *help;
	void (*run)(struct chat_session *chat, const char *rest); /* NULL ends the chat */
	bool needs_answer;
} chat_rows[] = {
	{ "/new", "forget what was said and begin again", chat_new, false },
	{ "/sources", "what the last answer rests on, word for word", chat_sources, true },
	{ "/up", "the last answer was good; a comment may follow", chat_up, true },
	{ "/down", "the last answer was bad; a comment may follow", chat_down, true },
	{ "/help", "this list", chat_help, false },
	{ "/quit", "leave, as Ctrl-D does; Ctrl-C stops an answer", NULL, false },
};

static void chat_help(struct chat_session *chat, const char *rest)
{
	(void)rest;
	for (size_t i = 0; i < ARRAY_LEN(chat_rows); i++)
		fprintf(chat->r->out.f, "  %-10s%s\n", chat_rows[i].name, chat_rows[i].help);
}

/* false: leave. */
static bool chat_slash(struct chat_session *chat, const char *line)
{
	size_t len = strcspn(line, " \t");
	const char *rest = line + len + strspn(line + len, " \t");

	for (size_t i = 0; i < ARRAY_LEN(chat_rows); i++) {
		const struct chat_row *row = &chat_rows[i];

		if (strlen(row->name) != len || strncmp(row->name, line, len) != 0)
			continue;
		if (row->run == NULL)
			return false;
		if (row->needs_answer && chat->last == NULL)
			fputs("There is no answer yet.\n", chat->r->out.f);
		else
			row->run(chat, rest);
		return true;
	}
	fprintf(chat->r->out.f, "There is no command '%.*s'; /help lists them.\n", (int)len, line);
	return true;
}

static void chat_loop(struct chat_session *chat, struct editor *ed)
{
	bool tty = editor_is_tty(ed);
	char *line;

	while (ferror(chat->r->out.f) == 0 && (line = editor_line(ed)) != NULL) {
		bool go_on = true;

		if (line[0] == '/')
			go_on = chat_slash(chat, line);
		else if (line[0] != '\0')
			chat_ask(chat, line);
		if (tty && line[0] != '\0')
			fputc('\n', chat->r->out.f);
		fflush(chat->r->out.f);
		if (!go_on)
			break;
	}
}

static int chat_run(struct rag *r)
{
	struct sigaction act = { .sa_handler = on_interrupt }, old;
	struct chat_session chat = { .r = r };
	struct editor *ed;
	struct ragd_err err;
	int rc = rag_connect(r, &chat.c);

	if (rc != 0)
		return rc;
	if (editor_open(!r->args.no_history, &ed, &err) < 0) {
		ragd_client_close(chat.c);
		return rag_fail(r, &err);
	}
	if (editor_is_tty(ed)) {
		out_printf(&r->out, STYLE_DIM,
			   "An AI answers from your documents; check its sources. "
			   "/help lists commands, Ctrl-D leaves.\n\n");
		fflush(r->out.f);
		sigaction(SIGINT, &act, &old);
	}
	chat_loop(&chat, ed);
	if (editor_is_tty(ed))
		sigaction(SIGINT, &old, NULL);
	editor_close(ed);
	conversation_fini(&chat.said);
	ragd_answer_free(chat.last);
	ragd_client_close(chat.c);
	return chat.failed ? EXIT_FAILED : EXIT_ANSWERED;
}

const struct rag_command chat_command = {
	.args = { .name = "chat",
		  .usage = "",
		  .summary = "hold a conversation: questions and answers in turn",
		  .opts = chat_opts },
	.run = chat_run,
};
