/*
 * The host validates what a plugin returned before anyone reads it: one function for each
 * operation, between every plugin and the daemon.
 *
 * Each takes the operation's return value `rc` and what it wrote, and returns
 *
 *   0          all of it is what the ABI says
 *   -EPROTO    something is not: the plugin's fault, which plugin_fault() has logged and counted
 *   another    the operation's own error, with a sentence in *err in any case
 *
 * On an error nothing that was returned may be used. `plugin` is the
 * instance's name; err may not be NULL.
 *
 * What cannot be checked in one process is whether a pointer that is there points to as many
 * bytes as it says: lengths are held against the most memory that a request may have, strings are
 * looked at no further than their bound.
 */
#ifndef DAEMON_VALIDATE_H
#define DAEMON_VALIDATE_H

#include <ragd/plugin.h>

/* What only succeeds or fails; `op` names it in the sentence. */
int validate_rc(const char *plugin, const char *op, int rc, struct ragd_err *err);

/* ---- safety ---- */

/*
 * What a stream released, and the end of it that stops inside a character: it waits for
 * the rest. Zeroed to begin with.
 */
struct validate_tail {
	size_t n_out; /* bytes released so far */
	char byte[4];
	size_t n;
};

int validate_verdict(const char *plugin, int rc, const struct ragd_screen *screen,
		     const struct ragd_verdict *v, struct ragd_err *err);
/*
 * n_fed: bytes fed to the stream so far, this piece included. On success r->text holds whole
 * characters: what a piece cuts is kept in *tail and stands at the beginning of the next.
 */
int validate_release(const char *plugin, int rc, const struct ragd_screen *screen,
		     const struct ragd_call *call, size_t n_fed, bool last,
		     struct validate_tail *tail, struct ragd_release *r, struct ragd_err *err);

/* ---- retrieval ---- */

int validate_collections(const char *plugin, int rc, const struct ragd_collection *list, size_t n,
			 struct ragd_err *err);
/* Before the call: a result that the plugin leaves out is found by it. */
void validate_puts_prepare(struct ragd_put_result *results, size_t n);
int validate_puts(const char *plugin, int rc, struct ragd_put_result *results, size_t n,
		  struct ragd_err *err);
int validate_documents(const char *plugin, int rc, const struct ragd_document_info *list, size_t n,
		       size_t limit, struct ragd_err *err);
int validate_document(const char *plugin, int rc, const struct ragd_document_info *info,
		      struct ragd_str content, struct ragd_err *err);
int validate_hits(const char *plugin, int rc, const struct ragd_query *query,
		  const struct ragd_hit *hits, size_t n, struct ragd_err *err);
/* It returns nothing: what is wrong is zeroed. */
void validate_stats(const char *plugin, struct ragd_retrieval_stats *stats);

/* ---- inference ---- */

/* It returns nothing: a card that is wrong is emptied, but for the name "unknown". */
void validate_card(const char *plugin, struct ragd_card *card);
/* Of n texts. Also what retrieval embeds. */
int validate_vectors(const char *plugin, int rc, const struct ragd_embeddings *v, size_t n,
		     struct ragd_err *err);
int validate_embed_card(const char *plugin, const struct ragd_embed_card *card);
/* Before the call: a score that the plugin leaves out is found by it. */
void validate_scores_prepare(struct ragd_score *scores, size_t n);
int validate_scores(const char *plugin, int rc, const struct ragd_score *scores, size_t n,
		    struct ragd_err *err);
/* The same for the scores of passages. */
void validate_ranks_prepare(double *scores, size_t n);
int validate_ranks(const char *plugin, int rc, const double *scores, size_t n,
		   struct ragd_err *err);
/* A piece of answer: whole characters. */
int validate_piece(const char *plugin, const char *text, size_t len, struct ragd_err *err);
/* What done() was told; given is what the plugin says of it, may be NULL. */
int validate_done(const char *plugin, int rc, enum ragd_finish finish,
		  const struct ragd_usage *usage, const struct ragd_err *given,
		  struct ragd_err *err);
/* text() or done() came after done(). */
int validate_after_done(const char *plugin, const char *op, struct ragd_err *err);

#endif
