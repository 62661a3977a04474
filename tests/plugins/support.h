/*
 * What tests of plugins share: a configuration without a file, a call, a sink.
 */
#ifndef TESTS_PLUGINS_SUPPORT_H
#define TESTS_PLUGINS_SUPPORT_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "base/buf.h"
#include "daemon/config/config.h"
#include "daemon/plugins/plugin_set.h"

#define WORLD_PLUGINS 8
#define TEST_HANG_S   200 /* what takes so long does not come, however slow the machine */

/* For requests that leave all of it to the plugin. */
extern const struct ragd_sampling plain_sampling;

/* A configuration of plugins with a fresh state directory. */
struct world {
	struct config cfg;
	struct config_plugin plugins[WORLD_PLUGINS];
	struct arena *arena;
	char dir[PATH_MAX];
};

/* Fails the test when it cannot. */
void world_init(struct world *w);
/* Removes the state directory. */
void world_fini(struct world *w);
/* The same state directory and no plugins, for the next generation. */
void world_next(struct world *w, const struct world *before);
/*
 * Add a plugin with options given as "name=value", "…", NULL; the rest have their defaults. module
 * is looked up in the build tree. Runs the plugin's check.
 */
int world_try(struct world *w, const char *instance, const char *module, const char *const *options,
	      struct ragd_err *err);
#define world_add(w, instance, module, ...)                                                        \
	do {                                                                                       \
		struct ragd_err world_err = { 0 };                                                 \
		if (world_try(w, instance, module, (const char *const[]){ __VA_ARGS__, NULL },     \
			      &world_err) < 0)                                                     \
			fail_msg("%s", world_err.msg);                                             \
	} while (0)

/* The option of module "peer" that has it write what it does to the world's journal. */
const char *world_journal(const struct world *w);
/* Opens the plugins of the world, or fails the test; previous as in plugin_set_open(). */
struct plugin_set *world_open(const struct world *w, struct plugin_set *previous);

/* A call whose memory is an arena of a few MiB; the caller is this process's user. */
struct test_call {
	struct ragd_call call;
	struct ragd_caller caller;
	struct arena *arena;
	atomic_bool is_cancelled;
};

void test_call_init(struct test_call *c);
void test_call_fini(struct test_call *c);

/* Collects an answer. */
struct test_sink {
	struct ragd_sink sink;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct buf text;
	unsigned n_pieces;
	unsigned stop_after; /* text() answers stop_code after this many pieces; 0: never */
	int stop_code;
	bool done;
	unsigned n_done;
	int rc;
	enum ragd_finish finish;
	struct ragd_usage usage;
	struct ragd_err err;
};

void test_sink_init(struct test_sink *s);
void test_sink_fini(struct test_sink *s);
/* Wait for done, for pieces. Fail the test after TEST_HANG_S. */
void test_sink_wait(struct test_sink *s);
void test_sink_wait_pieces(struct test_sink *s, unsigned n);

#endif
