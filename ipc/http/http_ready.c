/* The connections that get a turn before the loop waits. */
#include "ipc/http/http_private.h"

static void idle_cb(uv_idle_t *idle)
{
	(void)idle; /* being active is its work: the loop does not wait */
}

void http_conn_ready(struct http_conn *c)
{
	struct http_server *s = c->s;

	if (c->ready)
		return;
	c->ready = true;
	c->ready_next = NULL;
	c->ready_prev = s->ready_last;
	if (s->ready_last != NULL)
		s->ready_last->ready_next = c;
	else
		s->ready = c;
	s->ready_last = c;
	if (!uv_is_active((uv_handle_t *)&s->idle))
		uv_idle_start(&s->idle, idle_cb);
}

void http_conn_unready(struct http_conn *c)
{
	struct http_server *s = c->s;

	if (!c->ready)
		return;
	c->ready = false;
	if (c->ready_prev != NULL)
		c->ready_prev->ready_next = c->ready_next;
	else
		s->ready = c->ready_next;
	if (c->ready_next != NULL)
		c->ready_next->ready_prev = c->ready_prev;
	else
		s->ready_last = c->ready_prev;
}
