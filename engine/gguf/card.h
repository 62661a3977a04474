/*
 * The model card: what a file says about itself, made fit for people and for the wire (valid UTF-8,
 * one line, bounded), and what can be counted rather than believed.
 */
#ifndef ENGINE_GGUF_CARD_H
#define ENGINE_GGUF_CARD_H

#include <ragd/plugin.h>

#include "engine/gguf/gguf.h"

/* Texts are owned by the card; NULL where the file says nothing. */
struct gguf_card {
	struct ragd_card brief;   /* as the ABI has it; its digest is left to gguf_digest() */
	const char *architecture; /* "llama" */
	const char *author;       /* or organisation */
	const char *base_model;   /* what it was made from: a name, else a repository */
	const char *licence_link;
	const char *source;      /* where it comes from */
	uint64_t n_weight_bytes; /* of all tensors */
	bool chat_template;      /* there is one: its text is not for cards */
};

/* `path` names the model if it does not name itself; may be NULL. -ENOMEM. */
int gguf_card_new(const struct gguf *g, const char *path, struct gguf_card **out,
		  struct ragd_err *err);
void gguf_card_free(struct gguf_card *c);

/* "sha256:" and 64 hexadecimal digits. */
#define GGUF_DIGEST_SIZE (7 + 64 + 1)

/*
 * SHA-256 of the file or, in their order, of all files: what `cat FILES | sha256sum` prints. Takes
 * a second or so for each gigabyte; so, if `cache_dir` is given, the result is kept there in a
 * small file and taken from it while device, inode, size and time of the files are the same. A
 * cache that cannot be read or written is no error. `cancelled` is asked now and then, may be NULL,
 * and ends it with -ECANCELED. A model that lies in memory is never cached.
 */
int gguf_digest(const struct gguf *g, const char *cache_dir, bool (*cancelled)(void *arg),
		void *arg, char out[GGUF_DIGEST_SIZE], struct ragd_err *err);

#endif
