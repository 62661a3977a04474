/*
 * What is in the journal's file besides its rows: the tables, whichever format it began
 * with, and the clock that tells the age of the rows (daemon/records/steady.h). The
 * caller has the database to itself.
 */
#ifndef DAEMON_JOURNAL_FILE_H
#define DAEMON_JOURNAL_FILE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "daemon/records/steady.h"

/*
 * The code of what SQLite just failed at: -ENOSPC, also for a quota or a limit of file sizes,
 * else -EIO. SQLite 3.40 forgets the number of a failed write: what writes begins with errno 0.
 */
int journal_file_code(sqlite3 *db);

/* Tables as they are now; rows of an older format stay. False: sqlite3_errmsg says why not. */
bool journal_tables_make(sqlite3 *db);

/* The stored clock goes on; a file without one begins with the wall clock. False as above. */
bool journal_clock_load(sqlite3 *db, steady_read_fn *now, struct steady *clock);
/* What could not be stored is made up for by the time since boot. */
void journal_clock_save(sqlite3 *db, const struct steady *clock);

#endif
