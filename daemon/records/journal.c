#include "daemon/records/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file/private.h"
#include "base/json_writer.h"
#include "base/util.h"
#include "daemon/records/journal_file.h"
#include "daemon/records/recent.h"
#include "daemon/service/log.h"

#define QUEUE_MAX     65536 /* records that wait for the disk */
#define PURGE_EVERY_S (60 * 60)
#define TELL_EVERY_MS (60 * 1000) /* of what was lost, in the log */

/* One answer on its way to the disk; the strings follow in one allocation. */
struct journal_entry {
	struct journal_entry *next;
	struct journal_answer a;
	size_t at; /* of its texts, among the recent */
	int lost;  /* 0, or why the disk did not take it */
};

struct journal {
	sqlite3 *db;
	sqlite3_stmt *insert;
	int64_t keep_ms;
	steady_read_fn *now;
	struct steady clock; /* under db_lock, as the next */
	int64_t purged_s;
	uint64_t n_told; /* of those lost, in the log; the writer's, as the next */
	int64_t told_ms;

	pthread_t writer;
	pthread_mutex_t lock;   /* all below */
	pthread_cond_t more;    /* something was queued, or the end */
	pthread_cond_t written; /* a batch is on the disk */
	struct journal_entry *head, **tail;
	size_t n_queued;
	uint64_t n_added;   /* entries queued ever */
	uint64_t n_flushed; /* of those, written or lost */
	bool stop;
	struct recent *recent;
	struct journal_stats stats;

	pthread_mutex_t db_lock; /* one statement at a time: the writer's batches and feedback */
};

static int db_err(struct journal *j, struct ragd_err *err, const char *what)
{
	int rc = journal_file_code(j->db);

	return ragd_err_set(err, rc, "journal: %s: %s", what,
			    rc == -ENOSPC ? "the disk is full" : sqlite3_errmsg(j->db));
}

/* ---- the writer ----------------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *st, int i, const char *s)
{
	if (s != NULL)
		sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, i);
}

static bool write_one(struct journal *j, const struct journal_answer *a, int64_t steady)
{
	sqlite3_stmt *st = j->insert;
	int rc;

	bind_text(st, 1, a->id);
	sqlite3_bind_int64(st, 2, a->uid);
	sqlite3_bind_int64(st, 3, a->at_s);
	bind_text(st, 4, a->assistant);
	bind_text(st, 5, a->finish);
	sqlite3_bind_int(st, 6, a->abstained);
	bind_text(st, 7, a->findings);
	bind_text(st, 8, a->sources);
	sqlite3_bind_int64(st, 9, a->n_prompt);
	sqlite3_bind_int64(st, 10, a->n_output);
	sqlite3_bind_int64(st, 11, a->first_us);
	sqlite3_bind_int64(st, 12, a->total_us);
	sqlite3_bind_int64(st, 13, steady);
	rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE;
}

/* ---- the age of rows; the caller holds db_lock --------------------------------------------- */

static int64_t clock_now(struct journal *j)
{
	struct steady_now now;

	j->now(&now);
	return steady_s(&j->clock, &now);
}

static void journal_purge(struct journal *j, int64_t now_s)
{
	static const char *const sql[] = { "DELETE FROM answers WHERE steady < ?",
					   "DELETE FROM feedback WHERE steady < ?" };
	sqlite3_stmt *st;

	if (j->purged_s != 0 && now_s - j->purged_s < PURGE_EVERY_S)
		return;
	j->purged_s = now_s;
	journal_clock_save(j->db, &j->clock);
	for (size_t i = 0; j->keep_ms > 0 && i < ARRAY_LEN(sql); i++) {
		if (sqlite3_prepare_v2(j->db, sql[i], -1, &st, NULL) != SQLITE_OK)
			return;
		sqlite3_bind_int64(st, 1, now_s - j->keep_ms / 1000);
		sqlite3_step(st);
		sqlite3_finalize(st);
	}
}

/*
 * Write a batch in one transaction; each entry learns whether it was lost. Returns how many the
 * disk took, and why it did not take the others.
 */
static size_t write_batch(struct journal *j, struct journal_entry *batch, struct ragd_err *why)
{
	int64_t now_s;
	size_t n = 0;
	int rc = 0; /* of the whole batch */

	pthread_mutex_lock(&j->db_lock);
	now_s = clock_now(j);
	errno = 0;
	if (sqlite3_exec(j->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		rc = db_err(j, why, "begin");
	for (struct journal_entry *e = batch; rc == 0 && e != NULL; e = e->next) {
		e->lost = write_one(j, &e->a, now_s) ? 0 : db_err(j, why, "write");
		if (sqlite3_get_autocommit(j->db)) /* SQLite has taken all of it back */
			rc = e->lost;
	}
	if (rc == 0 && sqlite3_exec(j->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		rc = db_err(j, why, "commit");
	if (rc != 0)
		sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	for (struct journal_entry *e = batch; e != NULL; e = e->next) {
		e->lost = rc != 0 ? rc : e->lost;
		n += e->lost == 0;
	}
	journal_purge(j, now_s);
	pthread_mutex_unlock(&j->db_lock);
	return n;
}

/* At most one line a minute, and one at the end. On the writer's thread. */
static void tell_losses(struct journal *j, const struct ragd_err *why, bool last)
{
	int64_t now_ms = clock_ms();
	uint64_t n_lost;

	pthread_mutex_lock(&j->lock);
	n_lost = j->stats.n_lost;
	pthread_mutex_unlock(&j->lock);
	if (n_lost == j->n_told ||
	    (!last && j->told_ms != 0 && now_ms - j->told_ms < TELL_EVERY_MS))
		return;
	log_err("event=journal-lost answers=%llu total=%llu error=%s",
		(unsigned long long)(n_lost - j->n_told), (unsigned long long)n_lost,
		LOG_TEXT(why->msg));
	j->n_told = n_lost;
	j->told_ms = now_ms;
}

static void *writer_main(void *arg)
{
	struct ragd_err why = { .msg = "journal: more answers wait for the disk than it keeps" };
	struct journal *j = arg;
	struct journal_entry *batch, *next;
	size_t n, n_written;

	pthread_mutex_lock(&j->lock);
	while (!j->stop || j->head != NULL) {
		if (j->head == NULL) {
			pthread_cond_wait(&j->more, &j->lock);
			continue;
		}
		batch = j->head;
		n = j->n_queued;
		j->head = NULL;
		j->tail = &j->head;
		j->n_queued = 0;
		pthread_mutex_unlock(&j->lock);
		n_written = write_batch(j, batch, &why);
		pthread_mutex_lock(&j->lock);
		for (; batch != NULL; batch = next) {
			next = batch->next;
			if (batch->lost != 0)
				recent_lose(j->recent, batch->at, batch->a.id, batch->lost);
			free(batch);
		}
		j->n_flushed += n;
		j->stats.n_written += n_written;
		j->stats.n_lost += n - n_written;
		pthread_cond_broadcast(&j->written);
		pthread_mutex_unlock(&j->lock);
		tell_losses(j, &why, false);
		pthread_mutex_lock(&j->lock);
	}
	pthread_mutex_unlock(&j->lock);
	tell_losses(j, &why, true);
	return NULL;
}

/* ---- open and close ------------------------------------------------------------------------ */

int journal_open(const char *state_dir, int64_t keep_ms, steady_read_fn *now, struct journal **out,
		 struct ragd_err *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	char path[4096];
	int fd, rc = 0;

	if (j == NULL || (j->recent = recent_new()) == NULL) {
		free(j);
		return ragd_err_set(err, -ENOMEM, "journal: out of memory");
	}
	j->keep_ms = keep_ms;
	j->now = now;
	j->tail = &j->head;
	pthread_mutex_init(&j->lock, NULL);
	pthread_mutex_init(&j->db_lock, NULL);
	pthread_cond_init(&j->more, NULL);
	pthread_cond_init(&j->written, NULL);
	snprintf(path, sizeof(path), "%s/journal.db", state_dir);
	fd = private_open(path, O_RDWR, err); /* its log gets the same mode */
	if (fd >= 0)
		close(fd); /* before SQLite holds locks on it, which this would drop */
	if (fd < 0) {
		rc = fd;
	} else if (sqlite3_open_v2(path, &j->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				   NULL) != SQLITE_OK ||
		   !journal_tables_make(j->db) || !journal_clock_load(j->db, now, &j->clock) ||
		   sqlite3_prepare_v3(j->db,
				      "INSERT INTO answers VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
				      SQLITE_PREPARE_PERSISTENT, &j->insert, NULL) != SQLITE_OK) {
		rc = ragd_err_set(err, -EIO, "journal '%s': %s; move it away to begin a new one",
				  path, j->db != NULL ? sqlite3_errmsg(j->db) : "out of memory");
	} else if (pthread_create(&j->writer, NULL, writer_main, j) != 0) {
		rc = ragd_err_set(err, -EAGAIN, "journal: cannot start its thread");
	}
	if (rc < 0) {
		sqlite3_finalize(j->insert);
		sqlite3_close(j->db);
		recent_free(j->recent);
		free(j);
		return rc;
	}
	*out = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_signal(&j->more);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->writer, NULL);
	recent_free(j->recent);
	clock_now(j);
	journal_clock_save(j->db, &j->clock);
	sqlite3_finalize(j->insert);
	sqlite3_close(j->db);
	pthread_cond_destroy(&j->more);
	pthread_cond_destroy(&j->written);
	pthread_mutex_destroy(&j->lock);
	pthread_mutex_destroy(&j->db_lock);
	free(j);
}

/* ---- answers ------------------------------------------------------------------------------- */

static size_t text_room(const char *s)
{
	return s != NULL ? strlen(s) + 1 : 0;
}

/* Copy s to *at and move on; NULL stays NULL. */
static const char *text_put(char **at, const char *s)
{
	char *to = *at;

	if (s == NULL)
		return NULL;
	*at = stpcpy(to, s) + 1;
	return to;
}

static struct journal_entry *entry_new(const struct journal_answer *a)
{
	struct journal_entry *e = malloc(sizeof(*e) + text_room(a->id) + text_room(a->assistant) +
					 text_room(a->findings) + text_room(a->sources));
	char *at;

	if (e == NULL)
		return NULL;
	at = (char *)(e + 1);
	*e = (struct journal_entry){ .a = *a };
	e->a.id = text_put(&at, a->id);
	e->a.assistant = text_put(&at, a->assistant);
	e->a.findings = text_put(&at, a->findings);
	e->a.sources = text_put(&at, a->sources);
	return e; /* finish is a literal */
}

void journal_add(struct journal *j, const struct journal_answer *a)
{
	struct journal_entry *e = entry_new(a);
	size_t at;

	pthread_mutex_lock(&j->lock);
	at = recent_add(j->recent, a->id, a->uid, a->question, a->answer);
	if (e == NULL || j->n_queued >= QUEUE_MAX) {
		j->stats.n_lost++;
		recent_lose(j->recent, at, a->id, -EBUSY);
		pthread_mutex_unlock(&j->lock);
		free(e);
		return;
	}
	e->at = at;
	*j->tail = e;
	j->tail = &e->next;
	j->n_queued++;
	j->n_added++;
	/* While the writer is at a batch it need not be woken: it looks again. */
	if (j->n_queued == 1)
		pthread_cond_signal(&j->more);
	pthread_mutex_unlock(&j->lock);
}

/* ---- feedback ------------------------------------------------------------------------------ */

/* Wait until what was added before is on the disk (or lost). */
static void journal_flush(struct journal *j)
{
	uint64_t upto;

	pthread_mutex_lock(&j->lock);
	upto = j->n_added;
	while (j->n_flushed < upto)
		pthread_cond_wait(&j->written, &j->lock);
	pthread_mutex_unlock(&j->lock);
}

/* Was there such an answer, whose row was lost? Says why. */
static int answer_lost(struct journal *j, const struct journal_feedback *fb, struct ragd_err *err)
{
	int lost;

	pthread_mutex_lock(&j->lock);
	lost = recent_lost(j->recent, fb->answer_id, fb->uid, fb->admin);
	pthread_mutex_unlock(&j->lock);
	if (lost == 0)
		return 0;
	return ragd_err_set(err, lost, "answer '%s' was not recorded, so it cannot be rated: %s",
			    fb->answer_id,
			    lost == -ENOSPC  ? "the disk was full"
			    : lost == -EBUSY ? "too many answers waited for the disk"
					     : "the disk failed");
}

/* Does this user have (or may this admin see) that answer? */
static int answer_find(struct journal *j, const struct journal_feedback *fb, struct ragd_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(j->db, "SELECT uid FROM answers WHERE id = ?", -1, &st, NULL) !=
	    SQLITE_OK)
		return db_err(j, err, "feedback");
	sqlite3_bind_text(st, 1, fb->answer_id, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && (fb->admin || (uid_t)sqlite3_column_int64(st, 0) == fb->uid))
		rc = 0;
	else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = ragd_err_set(err, -ENOENT, "you have no answer '%s' to rate", fb->answer_id);
	else
		rc = db_err(j, err, "feedback");
	sqlite3_finalize(st);
	return rc;
}

static int feedback_write(struct journal *j, const struct journal_feedback *fb, const char *id,
			  const char *question, const char *answer, struct ragd_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(
		    j->db,
		    "INSERT INTO feedback VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)"
		    " ON CONFLICT(answer_id) DO UPDATE SET id=?1, uid=?3, at=?4, rating=?5,"
		    " reason=?6, comment=?7, better=?8, steady=?11",
		    -1, &st, NULL) != SQLITE_OK)
		return db_err(j, err, "feedback");
	bind_text(st, 1, id);
	bind_text(st, 2, fb->answer_id);
	sqlite3_bind_int64(st, 3, fb->uid);
	sqlite3_bind_int64(st, 4, (int64_t)time(NULL));
	bind_text(st, 5, fb->rating);
	bind_text(st, 6, fb->reason);
	bind_text(st, 7, fb->comment);
	bind_text(st, 8, fb->better);
	bind_text(st, 9, question);
	bind_text(st, 10, answer);
	sqlite3_bind_int64(st, 11, clock_now(j));
	/*
	 * A person waits for this one and may never repeat it: on the
	 * disk before it is thanked for.
	 */
	sqlite3_exec(j->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	errno = 0;
	rc = sqlite3_step(st) == SQLITE_DONE ? 0 : db_err(j, err, "feedback");
	sqlite3_exec(j->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	sqlite3_finalize(st);
	return rc;
}

int journal_feedback(struct journal *j, const struct journal_feedback *fb,
		     char id_out[JOURNAL_ID_MAX], struct ragd_err *err)
{
	unsigned char random[10] = { 0 };
	char *question, *answer;
	char id[JOURNAL_ID_MAX] = "fb-";
	int rc;

	if (getrandom(random, sizeof(random), 0) < 0)
		return ragd_err_sys(err, "feedback: random bytes");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(id + 3 + 2 * i, 3, "%02x", random[i]);
	journal_flush(j);
	pthread_mutex_lock(&j->lock);
	recent_texts(j->recent, fb->answer_id, &question, &answer);
	pthread_mutex_unlock(&j->lock);
	rc = answer_lost(j, fb, err);
	pthread_mutex_lock(&j->db_lock);
	if (rc == 0)
		rc = answer_find(j, fb, err);
	if (rc == 0)
		rc = feedback_write(j, fb, id, question, answer, err);
	pthread_mutex_unlock(&j->db_lock);
	free(question);
	free(answer);
	if (rc == 0)
		strcpy(id_out, id);
	return rc;
}

/* A row of the export as a line. */
static void row_write(struct buf *b, sqlite3_stmt *st)
{
	static const char *const names[] = { "id",       "answer_id", "rating",   "reason",
					     "comment",  "better",    "question", "answer",
					     "findings", "sources",   "assistant" };
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		jsonw_key_str(&w, names[i]);
		jsonw_cstr(&w, (const char *)sqlite3_column_text(st, (int)i));
	}
	jsonw_member_int(&w, "at", sqlite3_column_int64(st, ARRAY_LEN(names)));
	jsonw_object_end(&w);
}

int journal_export(struct journal *j, int (*sink)(const char *line, size_t len, void *arg),
		   void *arg, struct ragd_err *err)
{
	sqlite3_stmt *st;
	struct buf line = BUF_INIT;
	int step, rc = 0;

	pthread_mutex_lock(&j->db_lock);
	if (sqlite3_prepare_v2(j->db,
			       "SELECT f.id, f.answer_id, f.rating, f.reason, f.comment, f.better,"
			       " f.question, f.answer, a.findings, a.sources, a.assistant, f.at"
			       " FROM feedback f LEFT JOIN answers a ON a.id = f.answer_id"
			       " ORDER BY f.steady, f.rowid",
			       -1, &st, NULL) != SQLITE_OK) {
		rc = db_err(j, err, "export");
		pthread_mutex_unlock(&j->db_lock);
		return rc;
	}
	while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW) {
		buf_clear(&line);
		row_write(&line, st);
		if (buf_failed(&line))
			rc = ragd_err_set(err, -ENOMEM, "journal: export: out of memory");
		else if (sink(line.data, line.len, arg) != 0)
			rc = ragd_err_set(err, -ECANCELED, "journal: export: stopped");
	}
	buf_fini(&line);
	if (rc == 0 && step != SQLITE_DONE)
		rc = db_err(j, err, "export");
	sqlite3_finalize(st);
	pthread_mutex_unlock(&j->db_lock);
	return rc;
}

void journal_stats(struct journal *j, struct journal_stats *out)
{
	pthread_mutex_lock(&j->lock);
	*out = j->stats;
	pthread_mutex_unlock(&j->lock);
}
