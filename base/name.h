/*
 * What a name may look like: two rules for all names that ragd assigns or accepts. Names become
 * parts of paths, URLs, metrics and log lines, so both rules are narrower than any of these needs.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_LEN_MAX 64

/* [a-z][a-z0-9_]*: options, metrics, modules. */
bool name_is_identifier(const char *s, size_t len);

/* [a-z0-9][a-z0-9._-]*: collections, and the sections of a configuration. */
bool name_is_collection(const char *s, size_t len);

#endif
