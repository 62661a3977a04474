/*
 * A plugin in a process of its own, behind the same operations: what goes in and out is copied as
 * bytes, and the child takes every argument's memory away as soon as the contract lets it, so that
 * a plugin that kept a pointer crashes. This is no worker of the daemon, but it shows that one
 * needs nothing more.
 */
#ifndef TESTS_PLUGINS_REMOTE_H
#define TESTS_PLUGINS_REMOTE_H

#include <ragd/plugin.h>

#include "tests/plugins/support.h"

/* Operations and what they work on, wherever they run. */
struct subject {
	const struct ragd_plugin *descriptor;
	void *self;
	union {
		struct ragd_inference_ops inference;
		struct ragd_retrieval_ops retrieval;
		struct ragd_safety_ops safety;
	} ops; /* NULL where the plugin has none */
};

/*
 * Start a process that opens w and serves its plugin number i. Call it while this process has no
 * other threads. Fails the test when it cannot.
 */
void remote_start(struct subject *s, struct world *w, size_t i);
/* End it; fails the test if it crashed, or did not end well. */
void remote_stop(struct subject *s);

/* For a plugin that breaks the contract: calls into a dead process return -EPIPE from now on. */
void remote_may_die(struct subject *s);
/* End it; did it die before? */
bool remote_died(struct subject *s);

#endif
