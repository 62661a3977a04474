/* A progress bar on a terminal: bytes, rate, time left. */
#ifndef RAG_PROGRESS_H
#define RAG_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *f;
	bool shown;     /* nothing is written otherwise */
	uint64_t total; /* bytes; 0: not known */
	uint64_t done;
	int64_t began_us, drawn_us;
};

/* shown: wanted at all; it also takes a terminal. */
void progress_init(struct progress *p, FILE *f, bool shown, uint64_t total);
/* n more bytes; draws ten times a second at most. */
void progress_add(struct progress *p, uint64_t n);
/* Take the bar away, so that a line may be written. */
void progress_clear(struct progress *p);

/* "  [#####     ]  50%  1.0 MiB  2.0 MiB/s  0:01 left" after elapsed_us. */
void progress_line(char *out, size_t size, uint64_t done, uint64_t total, int64_t elapsed_us);
/* "1.5 MiB" */
void progress_bytes(char *out, size_t size, double n);

#endif
