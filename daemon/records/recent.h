/*
 * What the last answers said, in memory, for whoever rates them. One user holds at most half of
 * the places: however much one asks, the others' stay. No lock of its own.
 */
#ifndef DAEMON_RECENT_H
#define DAEMON_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <ragd/plugin.h>

#define RECENT_MAX 1024

struct recent;

/* NULL when out of memory. */
struct recent *recent_new(void);
void recent_free(struct recent *r);

/* Takes copies of the first 8 KiB of each text in place of what is oldest; returns where. */
size_t recent_add(struct recent *r, const char *id, uid_t uid, struct ragd_str question,
		  struct ragd_str answer);
/*
 * The answer that recent_add put there, if it is still there, could not be recorded, and so has no
 * row. lost: why.
 */
void recent_lose(struct recent *r, size_t at, const char *id, int lost);
/*
 * Why there is no row of this user's (an admin's: anybody's) answer;
 * 0: there is, or it is not known.
 */
int recent_lost(const struct recent *r, const char *id, uid_t uid, bool admin);
/* Copies of the texts, for free(); NULL if they are no longer here. */
void recent_texts(const struct recent *r, const char *id, char **question, char **answer);

#endif
