/*
 * How much each user holds of what a server has a limited amount of: connections, bytes of bodies
 * that arrive, bytes of replies that wait. A user gets no more than stays free for the others: one
 * that takes all it can leaves a half, two leave a third, and so on. The reserve is for
 * administrators and for small requests. Plain counting, on one thread.
 */
#ifndef IPC_HTTP_SHARE_H
#define IPC_HTTP_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum share_kind { SHARE_CONNECTIONS, SHARE_BODIES, SHARE_REPLIES, SHARE_N_KINDS };

enum share_answer {
	SHARE_OK,
	SHARE_OWN_FULL, /* the user holds as much as one may */
	SHARE_FULL,     /* so do all users together */
};

/* In units of the kind. */
struct share_bounds {
	size_t all;
	size_t per_user;
	size_t reserve; /* of all */
};

struct share_user {
	uid_t uid;
	size_t held[SHARE_N_KINDS];
};

/*
 * Referenced by its server and by every body that outlives its request, so that what these hold is
 * counted until they go.
 */
struct share {
	unsigned n_refs;
	struct share_bounds bounds[SHARE_N_KINDS];
	size_t held[SHARE_N_KINDS];
	struct share_user *users; /* those that hold something; a machine has few at a time */
	size_t n_users, cap_users;
};

/* Bounds are 0; NULL when out of memory. */
struct share *share_new(void);
struct share *share_ref(struct share *s);
void share_unref(struct share *s);

/*
 * n more for uid. `reserved` opens the reserve, `admin` also lifts the rule of what stays free for
 * others. Out of memory is SHARE_FULL. What was taken is given back in any pieces.
 */
enum share_answer share_take(struct share *s, enum share_kind kind, uid_t uid, size_t n,
			     bool reserved, bool admin);
void share_give(struct share *s, enum share_kind kind, uid_t uid, size_t n);
/* What uid holds. */
size_t share_held(const struct share *s, enum share_kind kind, uid_t uid);

#endif
