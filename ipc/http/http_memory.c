/* Memory that requests gave back to malloc, given on to the kernel in a quiet moment. */
#include "ipc/http/http_private.h"

#include <malloc.h>

/* Bytes given back to malloc before it is asked to give to the kernel, and how often it is. */
#define TRIM_AT    (8u << 20)
#define TRIM_MS    1000
#define TRIM_QUIET 8

/* At most once a second, and not while many requests are at work: they would ask for it again. */
static void trim_cb(uv_timer_t *timer)
{
	struct http_server *s = timer->data;

	if (s->stats.n_exchanges > TRIM_QUIET) {
		uv_timer_start(timer, trim_cb, TRIM_MS, 0);
		return;
	}
	s->freed = 0;
	malloc_trim(0);
}

void http_memory_freed(struct http_server *s, size_t n)
{
	s->freed += n;
	if (s->freed >= TRIM_AT && s->state < HTTP_STOPPING &&
	    !uv_is_active((uv_handle_t *)&s->trim))
		uv_timer_start(&s->trim, trim_cb, TRIM_MS, 0);
}
