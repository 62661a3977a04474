/*
 * The safety plugins of one policy as one filter: each text passes through them in order,
 * the strongest verdict holds, redactions add up. A filter that fails or overruns its
 * deadline blocks (on_failure = closed) or is left out (open); either way that is a
 * finding of its own, "filter_failure".
 */
#ifndef DAEMON_FILTERS_H
#define DAEMON_FILTERS_H

#include <ragd/plugin.h>

#include "base/arena.h"
#include "daemon/config/config.h"
#include "daemon/flow/findings.h"
#include "daemon/plugins/call.h"
#include "daemon/plugins/plugin_set.h"

/* The filters of `policy` in `set`; both must outlive it. */
struct filters {
	const struct config_policy *policy;
	const struct plugin *plugin[CONFIG_FILTERS_MAX]; /* those that ground come last */
	bool lost[CONFIG_FILTERS_MAX];                   /* see filters_lose */
	size_t n;
};

struct filters_verdict {
	enum ragd_action action;
	struct ragd_str text;    /* after redaction; the input itself if nothing was redacted */
	struct ragd_str note;    /* RAGD_STEER or stronger: for the system prompt; may be empty */
	struct ragd_str message; /* RAGD_BLOCK: what to tell the user; never empty then */
	float score;             /* the highest of the findings */
};

struct filters_release {
	enum ragd_action action;
	struct ragd_str text;
	const struct ragd_cite *cites;
	size_t n_cites;
	struct ragd_str message; /* RAGD_BLOCK: never empty */
	unsigned n_dropped;      /* sentences that nothing supports */
};

struct filters_stream;

/* -ENOENT if the set lacks one of the policy's filters. */
int filters_init(struct filters *f, const struct config_policy *policy,
		 const struct plugin_set *set, struct ragd_err *err);

/*
 * A call of this plugin did not return. Whatever was being done with these filters is started
 * again with a fresh call: the same filters_check, filters_quote, filters_stream_open, _feed or
 * _close continues after the lost call. From now on the plugin counts as failed wherever these
 * filters are used, without being called.
 */
void filters_lose(struct filters *f, const struct plugin *p);
/*
 * Check one whole text. Never fails: a failing filter yields a verdict. Results live in call's
 * arena, findings are appended to list.
 */
void filters_check(const struct filters *f, struct call *call, const struct ragd_screen *screen,
		   struct findings *list, struct filters_verdict *out);

/*
 * A text of the documents that leaves with an answer (a quote, a title): redacted as an answer
 * would be, empty if it may not leave at all. Lives in call's arena unless nothing was redacted.
 */
struct ragd_str filters_quote(const struct filters *f, struct call *call, struct ragd_str text);

/*
 * A response that arrives in pieces; screen (with the evidence) must outlive the stream. *out is
 * set before the first filter is called; if it is not NULL, it is a half-opened stream, and opening
 * goes on. -ENOMEM.
 */
int filters_stream_open(const struct filters *f, struct call *call,
			const struct ragd_screen *screen, struct findings *list,
			struct filters_stream **out);
/* What a piece lets out; lives in call's arena. After RAGD_BLOCK nothing more may be fed. */
void filters_stream_feed(struct filters_stream *s, struct call *call, struct ragd_str piece,
			 bool last, struct filters_release *out);
/* Whether some filter's stream still has to be closed. Accepts NULL. */
bool filters_stream_is_open(const struct filters_stream *s);
/*
 * Close the filters' streams, with calls like any other: if one does not return, calling this
 * again with a fresh call continues after it. The stream of a plugin that was given up is not
 * closed.
 */
void filters_stream_close(struct filters_stream *s, struct call *call);
/* Once none is open. Accepts NULL. */
void filters_stream_free(struct filters_stream *s);

/* The most bytes of an answer that the filters may hold back; SIZE_MAX: one may hold it all. */
size_t filters_holdback(const struct filters *f);

#endif
