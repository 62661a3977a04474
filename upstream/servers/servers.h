/*
 * The servers of an instance: what a request to one of them has in common with all others, which
 * are well, what is known of their models. The instance's thread's alone, unless it says otherwise.
 */
#ifndef UPSTREAM_SERVERS_SERVERS_H
#define UPSTREAM_SERVERS_SERVERS_H

#include <stdatomic.h>

#include "base/digest.h"
#include "upstream/servers/endpoint.h"
#include "upstream/servers/keyfile.h"
#include "upstream/servers/settings.h"
#include "upstream/wire/http.h"
#include "upstream/wire/reply.h"

struct servers {
	const struct ragd_host *host;
	struct settings settings;
	struct endpoint_rules rules;
	struct http *http; /* the thread opens and closes it */
	struct keyfile key;
	uint64_t random;
	uint8_t secret[32]; /* salts are made from it */
	struct endpoint endpoints[SETTINGS_SERVERS_MAX];
	char models[SETTINGS_SERVERS_MAX][REPLY_MODEL_MAX + 1]; /* the first that each lists */

	struct ragd_card first_card; /* before a server told more */
	struct ragd_card card;       /* written once, before card_known is set */
	atomic_bool card_known;
	char card_name[REPLY_MODEL_MAX + 1];
};

/* *v is zeroed; the settings are taken over. Needs servers_fini() whatever it returns. */
int servers_init(struct servers *v, const struct ragd_host *host, struct settings *settings,
		 struct ragd_err *err);
void servers_fini(struct servers *v);
/* Tell what can be told before any is asked: how many, and what is not safe about them. */
void servers_announce(struct servers *v);

/* A request to server i, as all of them are. */
struct exchange_request servers_request(struct servers *v, size_t i, const char *url);
void servers_ok(struct servers *v, size_t i);
void servers_failed(struct servers *v, size_t i, bool at_once, const struct ragd_err *why);
/*
 * What separates this caller's prompts from others' in a server's cache: not to be guessed, and the
 * same as long as the plugin is open.
 */
void servers_salt(const struct servers *v, const struct ragd_call *call, char out[DIGEST_HEX + 1]);
/* Put the key in no error, and cut none inside a character. Returns err->code. */
int servers_clean(const struct servers *v, struct ragd_err *err);
void servers_count(const struct servers *v, const char *name, uint64_t n);

/* What is known of the model; once. */
void servers_learn(struct servers *v, const struct reply_models *models);
/* Any thread. */
void servers_card(const struct servers *v, struct ragd_card *out);

#endif
