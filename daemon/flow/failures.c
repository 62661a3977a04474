#include "daemon/flow/failures.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/abi_words.h"
#include "base/clock.h"
#include "daemon/flow/findings.h"
#include "daemon/service/log.h"

/* By the instance's name, as a reload may replace the instance. */
struct failing {
	char plugin[64];
	uint64_t n;
	struct log_limit limit;
};

/* Of the process: filters are those of many flows at once, and of requests without a flow. */
static struct {
	pthread_mutex_t lock;
	struct failing v[FAILURES_MAX];
} failures = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct failing *failing_find(const char *plugin)
{
	struct failing *f = failures.v;

	while (f < &failures.v[FAILURES_MAX - 1] && f->plugin[0] != '\0' &&
	       strncmp(f->plugin, plugin, sizeof(f->plugin) - 1) != 0)
		f++;
	if (f->plugin[0] == '\0')
		snprintf(f->plugin, sizeof(f->plugin), "%s", plugin);
	return f;
}

void failures_tell(const struct plugin *p, enum ragd_stage stage, const struct ragd_err *err)
{
	char left_out[LOG_LEFT_LEN];
	struct failing *f;
	uint64_t n;
	bool told;

	pthread_mutex_lock(&failures.lock);
	f = failing_find(p->name);
	n = ++f->n;
	told = log_limit_pass(&f->limit, clock_ms(), left_out);
	pthread_mutex_unlock(&failures.lock);
	if (told)
		log_warn("event=filter-failed plugin=%s stage=%s on_failure=%s count=%llu "
			 "error=%s%s",
			 p->name, abi_stage_name(stage),
			 p->on_failure == CONFIG_OPEN ? "open" : "closed", (unsigned long long)n,
			 LOG_TEXT(err->msg), left_out);
}
