/* The rows of options and commands, for the manual pages and the completion. */
#ifndef RAG_MANUAL_H
#define RAG_MANUAL_H

#include <stdio.h>

#include "rag.h"

/*
 * Not for people, and so in no help:
 * rag --man-options COMMAND    the options of a command (or of `common`) as roff
 * rag --man-commands           the commands as roff
 * rag --man-complete WORDS…    what the last word may become: one a line, or `files` for any file
 */
int manual_main(int argc, char **argv);

/* words[n - 1] is the one to complete. */
void manual_complete(FILE *f, char *const *words, int n);

#endif
