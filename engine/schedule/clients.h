/*
 * What each client has used: tokens of prompts that were computed and tokens that were written,
 * halved every half minute. The client that has used least is served first, however much the others
 * ask.
 */
#ifndef ENGINE_SCHEDULE_CLIENTS_H
#define ENGINE_SCHEDULE_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#define CLIENTS_MAX 256 /* remembered; beyond, whoever has used least is forgotten */

/* All zero: nobody. */
struct clients {
	size_t n;
	struct client {
		uint64_t id;
		double used; /* tokens, as of at_us */
		int64_t at_us;
	} v[CLIENTS_MAX];
};

double clients_used(const struct clients *c, uint64_t id, int64_t now_us);
void clients_charge(struct clients *c, uint64_t id, size_t tokens, int64_t now_us);

#endif
