/*
 * The key that servers ask for: read from a file, again whenever that changes, and never shown.
 */
#ifndef UPSTREAM_SERVERS_KEYFILE_H
#define UPSTREAM_SERVERS_KEYFILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <ragd/plugin.h>

#include "base/buf.h"

#define KEYFILE_MAX 4096 /* bytes of a key */

struct keyfile {
	const char *path; /* "": there is no key */
	struct stat
		seen; /* the file as it was when it was read last, whether or not that went well */
	bool missing;
	char key[KEYFILE_MAX + 1];
};

void keyfile_init(struct keyfile *k, const char *path);
/* Forgets the key. */
void keyfile_fini(struct keyfile *k);

/*
 * Read the file unless it is as it was. 1: there is a new key, 0: nothing changed. An error
 * (-EACCES where others may read or change the file, -EINVAL where it holds no key, …) is told once
 * for each state of the file; the key is then what it was.
 */
int keyfile_refresh(struct keyfile *k, struct ragd_err *err);

/* Put asterisks in the place of the key wherever it stands in the text. */
void keyfile_hide(const struct keyfile *k, char *text);

#endif
