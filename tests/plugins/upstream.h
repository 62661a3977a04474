/* inference_upstream opened by the real host, with servers that do as they are told. */
#ifndef TESTS_PLUGINS_UPSTREAM_H
#define TESTS_PLUGINS_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/plugins/upstream_server.h"

#define UP_SERVERS_MAX 3

/* Short times; what is not about one of them has the rest of the options as it is. */
#define QUICK "retry_delay=1 ms", "health_interval=1 h"

/* What a good server does, and the answer that comes of it. */
#define ACT_FINE                                                                                   \
	{                                                                                          \
		HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0                 \
	}

struct up {
	struct world w;
	struct plugin_set *set;
	const struct plugin *plugin;
	struct server servers[UP_SERVERS_MAX];
	size_t n_servers;
	struct test_call call;
	struct test_sink sink;
	struct ragd_err err;
};

void up_init(struct up *t);
/* The plugin goes first: it may be at work with a server. */
void up_end(struct up *t);

/* One more server, on a Unix socket or on some port of 127.0.0.1. */
void up_server(struct up *t, bool on_unix, const struct act *acts, size_t n_acts);
/* Open the plugin on all servers that were started, with up to 8 more options. */
int up_try(struct up *t, const char *const *more);
#define up_open(t, ...)                                                                            \
	do {                                                                                       \
		if (up_try(t, (const char *const[]){ __VA_ARGS__, NULL }) < 0)                     \
			fail_msg("%s", (t)->err.msg);                                              \
	} while (0)

int up_generate_to(struct up *t, struct test_sink *sink);
/* Ask, and wait for the end. */
void up_ask(struct up *t);
const char *up_answer(const struct up *t);

/* A counter or gauge of /metrics. */
double up_metric(const char *name);
/* Wait for a gauge; tests that need more than TEST_HANG_S for it fail. */
void up_wait_metric(const char *name, double value);

#endif
