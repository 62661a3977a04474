#include "daemon/plugins/plugin_private.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/service/log.h"

#define LOG_EVERY_MS 2000

static struct {
	pthread_mutex_t lock;
	const struct ragd_host *host; /* the plugin that is being opened, or NULL */
	char what[64];
	int percent;
	int64_t logged_ms;
} opening = { .lock = PTHREAD_MUTEX_INITIALIZER };

void plugin_progress_set(const struct ragd_host *host, double done, const char *what)
{
	int percent = done > 0 ? (int)(MIN(done, 1.0) * 100) : 0;
	int64_t now = clock_ms();
	bool tell;

	pthread_mutex_lock(&opening.lock);
	tell = opening.host != host || strcmp(opening.what, what) != 0 ||
	       now - opening.logged_ms >= LOG_EVERY_MS;
	opening.host = host;
	opening.percent = percent;
	snprintf(opening.what, sizeof(opening.what), "%s", what);
	if (tell)
		opening.logged_ms = now;
	pthread_mutex_unlock(&opening.lock);
	if (tell)
		host->log(host, RAGD_LOG_INFO, "%s, %d %%", what, percent);
}

void plugin_progress_end(const struct ragd_host *host)
{
	pthread_mutex_lock(&opening.lock);
	if (opening.host == host)
		opening.host = NULL;
	pthread_mutex_unlock(&opening.lock);
}

bool plugin_progress(char *out, size_t room)
{
	bool known;

	pthread_mutex_lock(&opening.lock);
	known = opening.host != NULL;
	if (known)
		snprintf(out, room, "plugin '%s': %s, %d %%", opening.host->instance, opening.what,
			 opening.percent);
	pthread_mutex_unlock(&opening.lock);
	return known;
}
