/*
 * The journal: a record of every answer's decisions and of the feedback on them, in SQLite. Texts
 * of questions and answers are not recorded; the last few stay in memory, and those that their
 * owner rates are stored with the rating, for training.
 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <sys/types.h>

#include <ragd/plugin.h>

#include "daemon/records/steady.h"

struct journal;

#define JOURNAL_ID_MAX 40 /* of an answer or a rating, with its NUL */

/* One answer as it is recorded; all borrowed. */
struct journal_answer {
	const char *id;
	uid_t uid;
	int64_t at_s; /* Unix time */
	const char *assistant;
	const char *finish; /* "stop", "length", "content_filter", "error" */
	bool abstained;
	const char *findings; /* JSON, or NULL */
	const char *sources;  /* JSON, or NULL */
	uint32_t n_prompt;
	uint32_t n_output;
	int64_t first_us; /* from the request to the first text */
	int64_t total_us;
	struct ragd_str question; /* kept in memory for a while, see above */
	struct ragd_str answer;
};

struct journal_feedback {
	const char *answer_id;
	uid_t uid;
	bool admin;
	const char *rating; /* "up", "down" */
	const char *reason; /* may be NULL, as the next two */
	const char *comment;
	const char *better;
};

/*
 * keep_ms: how long records stay, 0: forever; their age is told by a clock of
 * their own (daemon/records/steady.h), which reads `now`: steady_read, except in
 * tests. The file is state_dir/journal.db.
 */
int journal_open(const char *state_dir, int64_t keep_ms, steady_read_fn *now, struct journal **out,
		 struct ragd_err *err);
/* Writes what waits, then closes; blocks. */
void journal_close(struct journal *j);

/* Never blocks; the record is written by the journal's thread. Any thread. */
void journal_add(struct journal *j, const struct journal_answer *a);

/*
 * Store a rating durably; blocks, any thread. id_out takes "fb-…". -ENOENT when
 * there is no such answer of this user (admins: of anybody); -ENOSPC when the disk is full, or
 * was when the answer should have been recorded.
 */
int journal_feedback(struct journal *j, const struct journal_feedback *fb,
		     char id_out[JOURNAL_ID_MAX], struct ragd_err *err);
/*
 * All ratings as JSON lines, oldest first, in chunks through sink;
 * blocks. sink returns 0 to go on.
 */
int journal_export(struct journal *j, int (*sink)(const char *line, size_t len, void *arg),
		   void *arg, struct ragd_err *err);

struct journal_stats {
	uint64_t n_written;
	uint64_t n_lost; /* the queue was full or the disk did not take them; also in the log */
};
void journal_stats(struct journal *j, struct journal_stats *out);

#endif
