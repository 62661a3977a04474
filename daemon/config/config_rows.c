#include "daemon/config/config_rows.h"

#include <string.h>

#include "daemon/config/config.h"

#define KIB    1024.0
#define MIB    (1024.0 * KIB)
#define SECOND 1000.0
#define DAY    (24 * 3600 * SECOND)

/* Where the value goes. */
#define INTO(struct_, member, as_) .as = as_, .offset = offsetof(struct struct_, member)

/* clang-format off */

static const struct config_row ragd_rows[] = {
	{ INTO(config, socket, CONFIG_AS_TEXT),
	  .option = { .name = "socket", .type = RAGD_OPT_PATH, .dflt = "",
		      .help = "Path of the Unix socket, at most 107 bytes. Not used with socket "
			      "activation." },
	  .fallback = "/run/ragd/ragd.sock; with --user $XDG_RUNTIME_DIR/ragd/ragd.sock" },
	{ INTO(config, socket_owner, CONFIG_AS_USER),
	  .option = { .name = "owner", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Owner of the socket: a name or a number." },
	  .fallback = "the daemon's user" },
	{ INTO(config, socket_group, CONFIG_AS_GROUP),
	  .option = { .name = "group", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Group of the socket: a name or a number." },
	  .fallback = "the daemon's group" },
	{ INTO(config, socket_mode, CONFIG_AS_MODE),
	  .option = { .name = "mode", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Mode of the socket, in octal: it says who may connect." },
	  .fallback = "0660; with --user 0600" },
	{ INTO(config, state_dir, CONFIG_AS_TEXT),
	  .option = { .name = "state_dir", .type = RAGD_OPT_PATH, .dflt = "",
		      .help = "Directory for everything that is kept: documents, indexes, "
			      "answers, ratings." },
	  .fallback = "/var/lib/ragd; with --user $XDG_STATE_HOME/ragd" },
	{ INTO(config, data_dir, CONFIG_AS_TEXT),
	  .option = { .name = "data_dir", .type = RAGD_OPT_PATH, .dflt = "",
		      .help = "Directory of the rules and policies that came with ragd." },
	  .fallback = "where ragd was installed" },
	{ INTO(config, plugin_dirs, CONFIG_AS_LIST),
	  .option = { .name = "plugin_dirs", .type = RAGD_OPT_LIST, .dflt = "",
		      .help = "Directories to search for modules; the first that has the module "
			      "wins. RAGD_PLUGIN_PATH and --plugin-dir are searched before them." },
	  .fallback = "where ragd was installed" },
	{ INTO(config, limits.hosts, CONFIG_AS_LIST),
	  .option = { .name = "allowed_hosts", .type = RAGD_OPT_LIST, .dflt = "",
		      .help = "Names that the Host of a request may have in addition to "
			      "localhost, ragd and IP addresses: those of a proxy in front of the "
			      "socket. Others: 403." },
	  .fallback = "none" },
	{ INTO(config, limits.origins, CONFIG_AS_LIST),
	  .option = { .name = "allowed_origins", .type = RAGD_OPT_LIST, .dflt = "",
		      .help = "Sites whose pages may make requests through a forwarder or proxy, "
			      "such as https://chat.example.org. Others: 403." },
	  .fallback = "none" },
	{ INTO(config, log_level, CONFIG_AS_LEVEL),
	  .option = { .name = "log_level", .type = RAGD_OPT_CHOICE, .dflt = "info",
		      .choices = "err|warn|info|debug",
		      .help = "How much is logged. Prompts and documents appear at debug only." } },
	{ INTO(config, drain_timeout_ms, CONFIG_AS_INT64),
	  .option = { .name = "drain_timeout", .type = RAGD_OPT_DURATION, .dflt = "10 s",
		      .min = 0, .max = DAY,
		      .help = "How long answers in progress may take to finish when the daemon "
			      "stops." } },
	{ INTO(config, n_threads, CONFIG_AS_UNSIGNED),
	  .option = { .name = "threads", .type = RAGD_OPT_INT, .dflt = "0",
		      .min = 0, .max = 1024,
		      .help = "Threads for retrieval and filters, not counting a reserve for "
			      "users who have no thread; 0: one for each processor, but at "
			      "least four." } },
	{ INTO(config, keep_answers_ms, CONFIG_AS_INT64),
	  .option = { .name = "keep_answers", .type = RAGD_OPT_DURATION, .dflt = "30 d",
		      .min = 0, .max = 36500 * DAY,
		      .help = "How long records of answers and ratings are kept; 0: forever." } },
	{ .option = { .name = NULL } },
};

static const struct config_row limits_rows[] = {
	{ INTO(config, limits.body, CONFIG_AS_SIZE),
	  .option = { .name = "body", .type = RAGD_OPT_SIZE, .dflt = "32 MiB",
		      .min = KIB, .max = 1024 * MIB,
		      .help = "Bytes of a request's body. Beyond it: 413." } },
	{ INTO(config, limits.headers, CONFIG_AS_SIZE),
	  .option = { .name = "headers", .type = RAGD_OPT_SIZE, .dflt = "16 KiB",
		      .min = KIB, .max = MIB,
		      .help = "Bytes of a request's line and headers. Beyond it: 431." } },
	{ INTO(config, limits.connections, CONFIG_AS_UNSIGNED),
	  .option = { .name = "connections", .type = RAGD_OPT_INT, .dflt = "4096",
		      .min = 1, .max = 1000000,
		      .help = "Open connections. Beyond it: 429." } },
	{ INTO(config, limits.connections_per_user, CONFIG_AS_UNSIGNED),
	  .option = { .name = "connections_per_user", .type = RAGD_OPT_INT, .dflt = "2048",
		      .min = 1, .max = 1000000,
		      .help = "Open connections of one user. Beyond it: 429." } },
	{ INTO(config, limits.bodies, CONFIG_AS_SIZE),
	  .option = { .name = "bodies", .type = RAGD_OPT_SIZE, .dflt = "0",
		      .min = 0, .max = 1024 * 1024 * MIB,
		      .help = "Bytes of the bodies of all requests held at one time; 0: 16 times "
			      "body. Beyond it: 429." } },
	{ INTO(config, limits.bodies_per_user, CONFIG_AS_SIZE),
	  .option = { .name = "bodies_per_user", .type = RAGD_OPT_SIZE, .dflt = "0",
		      .min = 0, .max = 1024 * 1024 * MIB,
		      .help = "The same for one user; 0: half of bodies. Beyond it: 429." } },
	{ INTO(config, limits.replies, CONFIG_AS_SIZE),
	  .option = { .name = "replies", .type = RAGD_OPT_SIZE, .dflt = "256 MiB",
		      .min = MIB, .max = 1024 * 1024 * MIB,
		      .help = "Bytes of all replies that wait to be read by their clients. Beyond "
			      "it: 429, or an answer in progress is cut off." } },
	{ INTO(config, limits.replies_per_user, CONFIG_AS_SIZE),
	  .option = { .name = "replies_per_user", .type = RAGD_OPT_SIZE, .dflt = "0",
		      .min = 0, .max = 1024 * 1024 * MIB,
		      .help = "The same for one user; 0: half of replies. Beyond it: as above." } },
	{ INTO(config, queue_max, CONFIG_AS_SIZE),
	  .option = { .name = "queue", .type = RAGD_OPT_INT, .dflt = "1024",
		      .min = 1, .max = 1000000,
		      .help = "Answers in progress or waiting, and as many other requests. A "
			      "sixteenth is kept for administrators. Beyond it: 429." } },
	{ INTO(config, user_share, CONFIG_AS_UNSIGNED),
	  .option = { .name = "user_share", .type = RAGD_OPT_INT, .dflt = "90",
		      .min = 1, .max = 100,
		      .help = "Percent of the queue that one user may fill while nobody else uses "
			      "it. Two users who take all they can get have about half each, "
			      "and some is left for the next. Does not apply to administrators. "
			      "Beyond it: 429." } },
	{ INTO(config, limits.request_timeout_ms, CONFIG_AS_INT64),
	  .option = { .name = "request_timeout", .type = RAGD_OPT_DURATION, .dflt = "30 s",
		      .min = SECOND, .max = DAY,
		      .help = "Time to send a whole request. Beyond it: 408." } },
	{ INTO(config, limits.idle_timeout_ms, CONFIG_AS_INT64),
	  .option = { .name = "idle_timeout", .type = RAGD_OPT_DURATION, .dflt = "5 min",
		      .min = SECOND, .max = DAY,
		      .help = "Time between requests. Beyond it the connection is closed." } },
	{ INTO(config, limits.write_timeout_ms, CONFIG_AS_INT64),
	  .option = { .name = "write_timeout", .type = RAGD_OPT_DURATION, .dflt = "60 s",
		      .min = SECOND, .max = DAY,
		      .help = "Time that a client may go without reading. Beyond it the "
			      "connection is closed." } },
	{ INTO(config, question_max, CONFIG_AS_SIZE),
	  .option = { .name = "question", .type = RAGD_OPT_SIZE, .dflt = "64 KiB",
		      .min = KIB, .max = 64 * MIB,
		      .help = "Bytes of the messages of a question. Beyond it: 400." } },
	{ .option = { .name = NULL } },
};

static const struct config_row plugin_rows[] = {
	{ INTO(config_plugin, module, CONFIG_AS_TEXT),
	  .option = { .name = "module", .type = RAGD_OPT_STRING,
		      .help = "The module: the name of its file without .so, or an absolute "
			      "path." } },
	{ INTO(config_plugin, on_failure, CONFIG_AS_FAILURE),
	  .option = { .name = "on_failure", .type = RAGD_OPT_CHOICE, .dflt = "closed",
		      .choices = "closed|open",
		      .help = "Safety only: whether a filter that fails blocks (closed) or lets "
			      "the text pass (open)." } },
	{ INTO(config_plugin, deadline_ms, CONFIG_AS_INT64),
	  .option = { .name = "deadline", .type = RAGD_OPT_DURATION, .dflt = "60 s",
		      .min = 1, .max = DAY,
		      .help = "Time for one call, after which it counts as failed." } },
	{ .option = { .name = NULL } },
};

static const struct config_row policy_rows[] = {
	{ INTO(config_policy, filters, CONFIG_AS_LIST),
	  .option = { .name = "filters", .type = RAGD_OPT_LIST, .dflt = "",
		      .help = "Names of safety plugins, at most 16, in the order in which they "
			      "check a text. One that grounds answers comes last wherever it "
			      "stands in the list." },
	  .fallback = "none" },
	{ INTO(config_policy, refusal, CONFIG_AS_TEXT),
	  .option = { .name = "refusal", .type = RAGD_OPT_STRING,
		      .dflt = "I can't help with that.",
		      .help = "What users are told when a filter blocks a text and has no message "
			      "of its own." } },
	{ INTO(config_policy, viewpoints, CONFIG_AS_TEXT),
	  .option = { .name = "viewpoints", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Added to the system prompt of every answer: how to treat contested "
			      "questions." } },
	{ .option = { .name = NULL } },
};

static const struct config_row collection_rows[] = {
	{ INTO(config_collection, owner, CONFIG_AS_USER),
	  .option = { .name = "owner", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Owner: a name or a number." },
	  .fallback = "the daemon's user" },
	{ INTO(config_collection, group, CONFIG_AS_GROUP),
	  .option = { .name = "group", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Group: a name or a number." },
	  .fallback = "the daemon's group" },
	{ INTO(config_collection, mode, CONFIG_AS_MODE),
	  .option = { .name = "mode", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Who may search and read (r), add and remove (w), octal as for "
			      "files." },
	  .fallback = "0664; with --user 0600" },
	{ .option = { .name = NULL } },
};

static const struct config_row assistant_rows[] = {
	{ INTO(config_assistant, description, CONFIG_AS_TEXT),
	  .option = { .name = "description", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "One line for people who choose between assistants." } },
	{ INTO(config_assistant, inference, CONFIG_AS_TEXT),
	  .option = { .name = "inference", .type = RAGD_OPT_STRING,
		      .help = "Name of the inference plugin that writes the answers." } },
	{ INTO(config_assistant, retrieval, CONFIG_AS_TEXT),
	  .option = { .name = "retrieval", .type = RAGD_OPT_STRING, .dflt = "",
		      .help = "Name of the retrieval plugin that finds passages." },
	  .fallback = "answers without documents" },
	{ INTO(config_assistant, policy, CONFIG_AS_TEXT),
	  .option = { .name = "policy", .type = RAGD_OPT_STRING,
		      .help = "Name of the policy whose filters guard it." } },
	{ INTO(config_assistant, collections, CONFIG_AS_LIST),
	  .option = { .name = "collections", .type = RAGD_OPT_LIST, .dflt = "",
		      .help = "Names of the collections it searches." },
	  .fallback = "all the caller may read" },
	{ INTO(config_assistant, grounded, CONFIG_AS_BOOL),
	  .option = { .name = "grounded", .type = RAGD_OPT_BOOL, .dflt = "yes",
		      .help = "Whether to drop sentences that no passage supports. Needs a "
			      "policy with a filter that grounds answers." } },
	{ INTO(config_assistant, system_prompt, CONFIG_AS_TEXT),
	  .option = { .name = "system_prompt", .type = RAGD_OPT_STRING,
		      .dflt = "Answer the question from the passages, briefly and in the language "
			      "of the question. Cite them by number. If they do not hold the "
			      "answer, say so.",
		      .help = "What the model is told before anything else." } },
	{ INTO(config_assistant, no_answer, CONFIG_AS_TEXT),
	  .option = { .name = "no_answer", .type = RAGD_OPT_STRING,
		      .dflt = "I don't know: nothing in the documents answers this.",
		      .help = "What users are told when nothing in the documents answers the "
			      "question." } },
	{ INTO(config_assistant, k, CONFIG_AS_UNSIGNED),
	  .option = { .name = "k", .type = RAGD_OPT_INT, .dflt = "8",
		      .min = 1, .max = 50,
		      .help = "Passages in a prompt." } },
	{ INTO(config_assistant, deadline_ms, CONFIG_AS_INT64),
	  .option = { .name = "deadline", .type = RAGD_OPT_DURATION, .dflt = "2 min",
		      .min = 1, .max = DAY,
		      .help = "Time for a whole answer. Beyond it: 504." } },
	{ INTO(config_assistant, sampling.max_tokens, CONFIG_AS_UNSIGNED),
	  .option = { .name = "max_tokens", .type = RAGD_OPT_INT, .dflt = "0",
		      .min = 0, .max = 1000000,
		      .help = "Most tokens in an answer; 0: the plugin's default." } },
	{ INTO(config_assistant, sampling.temperature, CONFIG_AS_FLOAT),
	  .option = { .name = "temperature", .type = RAGD_OPT_FLOAT, .dflt = "0.3",
		      .min = 0, .max = 2,
		      .help = "Sampling temperature; 0: always the likeliest token." } },
	{ INTO(config_assistant, sampling.top_p, CONFIG_AS_FLOAT),
	  .option = { .name = "top_p", .type = RAGD_OPT_FLOAT, .dflt = "0.95",
		      .min = 0, .max = 1,
		      .help = "Choose among the likeliest tokens that together have this "
			      "probability." } },
	{ INTO(config_assistant, sampling.min_p, CONFIG_AS_FLOAT),
	  .option = { .name = "min_p", .type = RAGD_OPT_FLOAT, .dflt = "0.05",
		      .min = 0, .max = 1,
		      .help = "Choose among tokens at least this likely, compared with the "
			      "likeliest." } },
	{ INTO(config_assistant, sampling.top_k, CONFIG_AS_UNSIGNED),
	  .option = { .name = "top_k", .type = RAGD_OPT_INT, .dflt = "0",
		      .min = 0, .max = 1000000,
		      .help = "Choose among this many of the likeliest tokens; 0: off." } },
	{ INTO(config_assistant, sampling.seed, CONFIG_AS_UINT64),
	  .option = { .name = "seed", .type = RAGD_OPT_INT, .dflt = "0",
		      .min = 0, .max = 4294967295.0,
		      .help = "The same seed gives the same text." } },
	{ INTO(config_assistant, sampling, CONFIG_AS_STOPS),
	  .option = { .name = "stop", .type = RAGD_OPT_LIST, .dflt = "",
		      .help = "Texts at which an answer ends." },
	  .fallback = "none" },
	{ .option = { .name = NULL } },
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
