#include "daemon/config/config_rows.h"

#include <string.h>

#include "daemon/config/config.h"

#define KIB    1024.0
#define MIB    (1024.0 * KIB)
#define SECOND 1000.0
#define DAY    (24 * 3600 * SECOND)
#define END_OF_ROWS                                                                                \
	{                                                                                          \
		.option = {.name = NULL }                                                          \
	}

/* clang-format off */
#define ROW(struct_, member, as_, name_, type_, dflt_, min_, max_, choices_, fallback_, help_)     \
	{ .option = { name_, type_, dflt_, min_, max_, choices_, help_, false },                    \
	  .as = as_, .offset = offsetof(struct struct_, member), .fallback = fallback_ }

#define CFG(member, as, ...)    ROW(config, member, as, __VA_ARGS__)
#define PLUGIN(member, as, ...) ROW(config_plugin, member, as, __VA_ARGS__)
#define POLICY(member, as, ...) ROW(config_policy, member, as, __VA_ARGS__)
#define COLL(member, as, ...)   ROW(config_collection, member, as, __VA_ARGS__)
#define ASSIST(member, as, ...) ROW(config_assistant, member, as, __VA_ARGS__)

static const struct config_row ragd_rows[] = {
	CFG(socket, CONFIG_AS_TEXT, "socket", RAGD_OPT_PATH, "", 0, 0, NULL,
	    "/run/ragd/ragd.sock; with --user $XDG_RUNTIME_DIR/ragd/ragd.sock",
	    "Path of the Unix socket, at most 107 bytes. Not used with socket activation."),
	CFG(socket_owner, CONFIG_AS_USER, "owner", RAGD_OPT_STRING, "", 0, 0, NULL,
	    "the daemon's user", "Owner of the socket: a name or a number."),
	CFG(socket_group, CONFIG_AS_GROUP, "group", RAGD_OPT_STRING, "", 0, 0, NULL,
	    "the daemon's group", "Group of the socket: a name or a number."),
	CFG(socket_mode, CONFIG_AS_MODE, "mode", RAGD_OPT_STRING, "", 0, 0, NULL,
	    "0660; with --user 0600", "Mode of the socket, octal: who may connect."),
	CFG(state_dir, CONFIG_AS_TEXT, "state_dir", RAGD_OPT_PATH, "", 0, 0, NULL,
	    "/var/lib/ragd; with --user $XDG_STATE_HOME/ragd",
	    "Directory of everything that is kept: documents, indexes, answers, ratings."),
	CFG(data_dir, CONFIG_AS_TEXT, "data_dir", RAGD_OPT_PATH, "", 0, 0, NULL,
	    "where ragd was installed", "Directory of the rules and policies that came with ragd."),
	CFG(plugin_dirs, CONFIG_AS_LIST, "plugin_dirs", RAGD_OPT_LIST, "", 0, 0, NULL,
	    "where ragd was installed",
	    "Directories to look for modules in, the first that has it. RAGD_PLUGIN_PATH and "
	    "--plugin-dir come before them."),
	CFG(limits.hosts, CONFIG_AS_LIST, "allowed_hosts", RAGD_OPT_LIST, "", 0, 0, NULL, "none",
	    "Names, beside localhost, ragd and addresses, that the Host of a request may have: those "
	    "of a proxy before the socket. Others: 403."),
	CFG(limits.origins, CONFIG_AS_LIST, "allowed_origins", RAGD_OPT_LIST, "", 0, 0, NULL, "none",
	    "Sites whose pages may make requests through a forwarder or proxy, as "
	    "https://chat.example.org. Others: 403."),
	CFG(log_level, CONFIG_AS_LEVEL, "log_level", RAGD_OPT_CHOICE, "info", 0, 0,
	    "err|warn|info|debug", NULL,
	    "What is logged. Prompts and documents appear at debug only."),
	CFG(drain_timeout_ms, CONFIG_AS_INT64, "drain_timeout", RAGD_OPT_DURATION, "10 s", 0, DAY,
	    NULL, NULL, "How long answers at work may take to finish when the daemon stops."),
	CFG(n_threads, CONFIG_AS_UNSIGNED, "threads", RAGD_OPT_INT, "0", 0, 1024, NULL, NULL,
	    "Threads for retrieval and filters, beside a reserve for users that hold none; 0: four, or "
	    "one for each processor if these are more."),
	CFG(keep_answers_ms, CONFIG_AS_INT64, "keep_answers", RAGD_OPT_DURATION, "30 d", 0,
	    36500 * DAY, NULL, NULL,
	    "How long records of answers and ratings are kept; 0: for ever."),
	END_OF_ROWS,
};

static const struct config_row limits_rows[] = {
	CFG(limits.body, CONFIG_AS_SIZE, "body", RAGD_OPT_SIZE, "32 MiB", KIB, 1024 * MIB, NULL,
	    NULL, "Bytes of a request's body. Beyond it: 413."),
	CFG(limits.headers, CONFIG_AS_SIZE, "headers", RAGD_OPT_SIZE, "16 KiB", KIB, MIB, NULL,
	    NULL, "Bytes of a request's line and headers. Beyond it: 431."),
	CFG(limits.connections, CONFIG_AS_UNSIGNED, "connections", RAGD_OPT_INT, "4096", 1, 1000000,
	    NULL, NULL, "Open connections. Beyond it: 429."),
	CFG(limits.connections_per_user, CONFIG_AS_UNSIGNED, "connections_per_user", RAGD_OPT_INT,
	    "2048", 1, 1000000, NULL, NULL, "Open connections of one user. Beyond it: 429."),
	CFG(limits.bodies, CONFIG_AS_SIZE, "bodies", RAGD_OPT_SIZE, "0", 0, 1024 * 1024 * MIB, NULL,
	    NULL,
	    "Bytes of the bodies of all requests that are here at one time; 0: 16 times body. "
	    "Beyond it: 429."),
	CFG(limits.bodies_per_user, CONFIG_AS_SIZE, "bodies_per_user", RAGD_OPT_SIZE, "0", 0,
	    1024 * 1024 * MIB, NULL, NULL, "The same of one user; 0: half of bodies. Beyond it: 429."),
	CFG(limits.replies, CONFIG_AS_SIZE, "replies", RAGD_OPT_SIZE, "256 MiB", MIB,
	    1024 * 1024 * MIB, NULL, NULL,
	    "Bytes of all replies that wait for their clients to read them. Beyond it: 429, or an "
	    "answer under way is cut."),
	CFG(limits.replies_per_user, CONFIG_AS_SIZE, "replies_per_user", RAGD_OPT_SIZE, "0", 0,
	    1024 * 1024 * MIB, NULL, NULL,
	    "The same of one user; 0: half of replies. Beyond it: as above."),
	CFG(queue_max, CONFIG_AS_SIZE, "queue", RAGD_OPT_INT, "1024", 1, 1000000, NULL, NULL,
	    "Answers at work or waiting, and as many other requests. A sixteenth is kept for "
	    "administrators. Beyond it: 429."),
	CFG(user_share, CONFIG_AS_UNSIGNED, "user_share", RAGD_OPT_INT, "90", 1, 100, NULL, NULL,
	    "Percent of the queue for one user while nobody else is at it; of two that take what "
	    "they can get each has about half, and some is left for the next. Not for "
	    "administrators. Beyond it: 429."),
	CFG(limits.request_timeout_ms, CONFIG_AS_INT64, "request_timeout", RAGD_OPT_DURATION, "30 s",
	    SECOND, DAY, NULL, NULL, "Time to send a whole request. Beyond it: 408."),
	CFG(limits.idle_timeout_ms, CONFIG_AS_INT64, "idle_timeout", RAGD_OPT_DURATION, "5 min",
	    SECOND, DAY, NULL, NULL,
	    "Time between requests. Beyond it the connection is closed."),
	CFG(limits.write_timeout_ms, CONFIG_AS_INT64, "write_timeout", RAGD_OPT_DURATION, "60 s",
	    SECOND, DAY, NULL, NULL,
	    "Time without the client reading. Beyond it the connection is closed."),
	CFG(question_max, CONFIG_AS_SIZE, "question", RAGD_OPT_SIZE, "64 KiB", KIB, 64 * MIB, NULL,
	    NULL, "Bytes of the messages of a question. Beyond it: 400."),
	END_OF_ROWS,
};

static const struct config_row plugin_rows[] = {
	PLUGIN(module, CONFIG_AS_TEXT, "module", RAGD_OPT_STRING, NULL, 0, 0, NULL, NULL,
	       "The module: the name of its file without .so, or an absolute path."),
	PLUGIN(on_failure, CONFIG_AS_FAILURE, "on_failure", RAGD_OPT_CHOICE, "closed", 0, 0,
	       "closed|open", NULL,
	       "Safety only: whether a filter that fails blocks (closed) or lets pass (open)."),
	PLUGIN(deadline_ms, CONFIG_AS_INT64, "deadline", RAGD_OPT_DURATION, "60 s", 1, DAY, NULL,
	       NULL, "Time for one call, after which it counts as failed."),
	END_OF_ROWS,
};

static const struct config_row policy_rows[] = {
	POLICY(filters, CONFIG_AS_LIST, "filters", RAGD_OPT_LIST, "", 0, 0, NULL, "none",
	       "Names of safety plugins, in the order in which they look at a text. One that "
	       "grounds answers looks last wherever it stands."),
	POLICY(refusal, CONFIG_AS_TEXT, "refusal", RAGD_OPT_STRING,
	       "I can't help with that.", 0, 0, NULL, NULL,
	       "Said when a filter blocks and has no message of its own."),
	POLICY(viewpoints, CONFIG_AS_TEXT, "viewpoints", RAGD_OPT_STRING, "", 0, 0, NULL, NULL,
	       "Added to the system prompt of every answer: how to treat contested questions."),
	END_OF_ROWS,
};

static const struct config_row collection_rows[] = {
	COLL(owner, CONFIG_AS_USER, "owner", RAGD_OPT_STRING, "", 0, 0, NULL, "the daemon's user",
	     "Owner: a name or a number."),
	COLL(group, CONFIG_AS_GROUP, "group", RAGD_OPT_STRING, "", 0, 0, NULL,
	     "the daemon's group", "Group: a name or a number."),
	COLL(mode, CONFIG_AS_MODE, "mode", RAGD_OPT_STRING, "", 0, 0, NULL,
	     "0664; with --user 0600",
	     "Who may search and read (r), add and remove (w), octal as for files."),
	END_OF_ROWS,
};

static const struct config_row assistant_rows[] = {
	ASSIST(description, CONFIG_AS_TEXT, "description", RAGD_OPT_STRING, "", 0, 0, NULL, NULL,
	       "One line for people who choose between assistants."),
	ASSIST(inference, CONFIG_AS_TEXT, "inference", RAGD_OPT_STRING, NULL, 0, 0, NULL, NULL,
	       "Name of the inference plugin that writes the answers."),
	ASSIST(retrieval, CONFIG_AS_TEXT, "retrieval", RAGD_OPT_STRING, "", 0, 0, NULL,
	       "answers without documents", "Name of the retrieval plugin that finds passages."),
	ASSIST(policy, CONFIG_AS_TEXT, "policy", RAGD_OPT_STRING, NULL, 0, 0, NULL, NULL,
	       "Name of the policy whose filters guard it."),
	ASSIST(collections, CONFIG_AS_LIST, "collections", RAGD_OPT_LIST, "", 0, 0, NULL,
	       "all the caller may read", "Names of the collections it looks in."),
	ASSIST(grounded, CONFIG_AS_BOOL, "grounded", RAGD_OPT_BOOL, "yes", 0, 0, NULL, NULL,
	       "Whether a sentence leaves only if a passage supports it. Needs a policy with a "
	       "filter that grounds."),
	ASSIST(system_prompt, CONFIG_AS_TEXT, "system_prompt", RAGD_OPT_STRING,
	       "Answer the question from the passages, briefly and in the language of the question. "
	       "Cite them by number. If they do not hold the answer, say so.",
	       0, 0, NULL, NULL, "What the model is told before anything else."),
	ASSIST(no_answer, CONFIG_AS_TEXT, "no_answer", RAGD_OPT_STRING,
	       "I don't know: nothing in the documents answers this.", 0, 0, NULL, NULL,
	       "Said when nothing in the documents answers."),
	ASSIST(k, CONFIG_AS_UNSIGNED, "k", RAGD_OPT_INT, "8", 1, 50, NULL, NULL,
	       "Passages in a prompt."),
	ASSIST(deadline_ms, CONFIG_AS_INT64, "deadline", RAGD_OPT_DURATION, "2 min", 1, DAY, NULL,
	       NULL, "Time for a whole answer. Beyond it: 504."),
	ASSIST(sampling.max_tokens, CONFIG_AS_UNSIGNED, "max_tokens", RAGD_OPT_INT, "0", 0, 1000000,
	       NULL, NULL, "Tokens of an answer; 0: as the plugin likes."),
	ASSIST(sampling.temperature, CONFIG_AS_FLOAT, "temperature", RAGD_OPT_FLOAT, "0.3", 0, 2,
	       NULL, NULL, "Sampling temperature; 0: always the likeliest token."),
	ASSIST(sampling.top_p, CONFIG_AS_FLOAT, "top_p", RAGD_OPT_FLOAT, "0.95", 0, 1, NULL, NULL,
	       "Choose among the likeliest tokens that together have this probability."),
	ASSIST(sampling.min_p, CONFIG_AS_FLOAT, "min_p", RAGD_OPT_FLOAT, "0.05", 0, 1, NULL, NULL,
	       "Choose among tokens at least this likely, compared with the likeliest."),
	ASSIST(sampling.top_k, CONFIG_AS_UNSIGNED, "top_k", RAGD_OPT_INT, "0", 0, 1000000, NULL,
	       NULL, "Choose among this many of the likeliest tokens; 0: off."),
	ASSIST(sampling.seed, CONFIG_AS_UINT64, "seed", RAGD_OPT_INT, "0", 0, 4294967295.0, NULL,
	       NULL, "The same seed gives the same text."),
	ASSIST(sampling, CONFIG_AS_STOPS, "stop", RAGD_OPT_LIST, "", 0, 0, NULL, "none",
	       "Texts at which an answer ends."),
	END_OF_ROWS,
};
/* clang-format on */

static const struct config_row *const rows_of[CONFIG_N_SECTIONS] = {
	[CONFIG_RAGD] = ragd_rows,
	[CONFIG_LIMITS] = limits_rows,
	[CONFIG_PLUGIN] = plugin_rows,
	[CONFIG_POLICY] = policy_rows,
	[CONFIG_COLLECTION] = collection_rows,
	[CONFIG_ASSISTANT] = assistant_rows,
};

const struct config_row *config_rows(enum config_section kind)
{
	return rows_of[kind];
}

const struct config_row *config_row_find(enum config_section kind, const char *name)
{
	for (const struct config_row *r = rows_of[kind]; r->option.name != NULL; r++)
		if (strcmp(r->option.name, name) == 0)
			return r;
	return NULL;
}
