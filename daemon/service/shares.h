/*
 * Places in something that has a bound, and who holds them. A user may take a place while what it
 * holds is less than its share of those still free: one alone gets `share` percent of all, two
 * that take what they can get hold about half each, and however many there are, some are left for
 * the next. The last places are kept for administrators, who are held back by the bound alone.
 */
#ifndef DAEMON_SHARES_H
#define DAEMON_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <ragd/err.h>

struct shares_user;

/* All zeros: no place is taken. */
struct shares {
	size_t n;
	struct shares_user *users; /* owned: those that hold some */
};

/*
 * Of `max` places; share in percent, 1 to 100 (no bound but max). -EAGAIN when all are taken,
 * -EDQUOT when the user's share is; the sentence says of what.
 */
int shares_take(struct shares *s, uid_t uid, bool admin, size_t max, unsigned share,
		const char *what, struct ragd_err *err);
/* A place that the user holds. */
void shares_give(struct shares *s, uid_t uid);

#endif
