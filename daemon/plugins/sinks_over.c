#include "daemon/plugins/sinks_over.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

/* Of the process: plugins, and with them their threads, are closed after everything else. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *kept[SINKS_OVER_MAX];
static size_t next;

void sinks_over_keep(void *sink)
{
	void *oldest;

	if (sink == NULL)
		return;
	pthread_mutex_lock(&lock);
	oldest = kept[next];
	kept[next] = sink;
	next = (next + 1) % SINKS_OVER_MAX;
	pthread_mutex_unlock(&lock);
	free(oldest);
}
