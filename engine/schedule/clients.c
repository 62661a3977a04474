/* What each client has used: a short list, searched from the start. */
#include "engine/schedule/clients.h"

#include <math.h>

#define HALF_LIFE_US 30e6
#define FORGOTTEN    0.5 /* tokens: less than one is none */

static double used_now(const struct client *c, int64_t now_us)
{
	double age = (double)(now_us - c->at_us);

	return age > 0 ? c->used * exp2(-age / HALF_LIFE_US) : c->used;
}

double clients_used(const struct clients *c, uint64_t id, int64_t now_us)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].id == id)
			return used_now(&c->v[i], now_us);
	return 0;
}

/* The place of a client that is not in the list: a new one, or of the one that has used least. */
static struct client *place_for_new(struct clients *c, int64_t now_us)
{
	size_t least = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (used_now(&c->v[i], now_us) < FORGOTTEN)
			return &c->v[i];
		if (used_now(&c->v[i], now_us) < used_now(&c->v[least], now_us))
			least = i;
	}
	return c->n < CLIENTS_MAX ? &c->v[c->n++] : &c->v[least];
}

void clients_charge(struct clients *c, uint64_t id, size_t tokens, int64_t now_us)
{
	struct client *found = NULL;

	if (tokens == 0)
		return;
	for (size_t i = 0; i < c->n && found == NULL; i++)
		if (c->v[i].id == id)
			found = &c->v[i];
	if (found == NULL) {
		found = place_for_new(c, now_us);
		*found = (struct client){ .id = id, .at_us = now_us };
	}
	found->used = used_now(found, now_us) + (double)tokens;
	found->at_us = now_us;
}
