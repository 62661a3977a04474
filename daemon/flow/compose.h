/*
 * Composing the prompt. What stays the same from question to question comes first (policy, then the
 * conversation), what changes last (passages and the question), so that a model's cache of a
 * conversation's beginning stays useful.
 */
#ifndef DAEMON_COMPOSE_H
#define DAEMON_COMPOSE_H

#include "base/arena.h"
#include "daemon/config/config.h"
#include "daemon/flow/evidence.h"

struct compose {
	const struct config_assistant *assistant;
	const struct config_policy *policy;
	const struct ragd_message *messages; /* screened; the last is the question */
	size_t n_messages;
	const struct evidence *evidence;
	struct ragd_str note; /* what filters want said; may be empty */
};

/*
 * The whole prompt, in the arena: messages, n_messages and n_configured of out. The first message
 * is the configuration's words and nothing else. -ENOMEM.
 */
int compose_prompt(struct arena *arena, const struct compose *c, struct ragd_generate *out,
		   struct ragd_err *err);

/*
 * What to search for: the question, preceded by the one before it if it is too short to make sense
 * alone ("And on Windows?").
 */
struct ragd_str compose_query(struct arena *arena, const struct ragd_message *messages, size_t n);

#endif
