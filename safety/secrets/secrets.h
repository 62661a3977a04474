/*
 * Secrets: keys and tokens that open something. Three ways to know one: the prefix its issuer gives
 * it, the block it stands in, and a word such as "password" in front of what looks random.
 */
#ifndef SAFETY_SECRETS_H
#define SAFETY_SECRETS_H

#include "safety/stream/scan.h"

extern const struct span_kind secret_token, secret_key, secret_password;

/* Tokens by their prefixes, PEM private keys, JSON web tokens. */
void secrets_scan_tokens(struct scanner *st, const struct scan_view *v, struct spans *out);
/* `password = ...`, `Authorization: Bearer ...`, `-u user:password`, `scheme://user:password@`. */
void secrets_scan_assigned(struct scanner *st, const struct scan_view *v, struct spans *out);

/* Whether s[0..len) stands where a secret will be: xxxx, <token>, ${VAR}, EXAMPLE, ... */
bool secrets_is_placeholder(const char *s, size_t len);

#endif
