/*
 * The daemon as a whole: what main() sets up and every request handler sees.
 */
#ifndef DAEMON_RAGD_H
#define DAEMON_RAGD_H

#include <uv.h>

#include "daemon/config/config.h"
#include "daemon/plugins/plugin_set.h"
#include "daemon/service/pool.h"
#include "daemon/service/shares.h"
#include "ipc/http/http.h"

/* One configuration with its opened plugins; flows hold the generation they began with. */
struct generation {
	struct config *cfg;
	struct plugin_set *plugins;
	unsigned n_refs; /* loop thread only */
	unsigned number; /* 1, 2, … */
	struct pool *pool;
	struct pool_work free_work; /* on it, once nobody holds it: closing plugins may block */
};

enum ragd_state { RAGD_STARTING, RAGD_READY, RAGD_DRAINING };

struct journal;
struct flow_table;
struct metrics;
struct reload;

struct ragd {
	uv_loop_t *loop;
	struct pool *pool;
	struct generation *current; /* NULL while starting */
	struct http_server *http;
	struct journal *journal;     /* answers and feedback, daemon/records/journal.h */
	struct flow_table *flows;    /* answers at work, daemon/flow/flow.h */
	struct metrics *metrics;     /* what happened so far, daemon/records/metrics.h */
	struct shares jobs;          /* other requests at work, daemon/api/job.h */
	struct config_source source; /* what the command line said, for reloads */
	struct reload *reload;       /* at work, NULL: none; daemon/service/reload.h */
	bool reload_again;           /* after that one */
	unsigned n_generations;      /* so far */
	enum ragd_state state;
	int64_t started_us;
};

struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);

/*
 * Read the configuration again and swap generations, all or nothing; done_cb runs on the loop. err
 * is NULL on success and borrowed otherwise. Used by SIGHUP and POST /v1/admin/reload. One at a
 * time: -EBUSY while another runs.
 */
int ragd_reload(struct ragd *d, void (*done_cb)(const struct ragd_err *err, void *arg), void *arg,
		struct ragd_err *err);

#endif
