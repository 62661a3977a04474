/*
 * Which sections of a language's file (base/text/lang.h) a word stands in: one look-up for all of
 * them, as bits whose meaning is their reader's.
 */
#ifndef BASE_LANG_INDEX_H
#define BASE_LANG_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

struct lang;

/* A section that the reader knows; 0: it takes the rows itself. */
struct lang_section_bits {
	const char *section;
	uint64_t bits;
};

struct lang_slot {
	uint64_t hash; /* 0: empty */
	uint64_t bits;
};

struct lang_index {
	struct lang_slot *slots;
	size_t n_slots; /* a power of two, more than twice n_words */
	size_t n_words;
};

/* An index of no words. Read-only once it is filled: any number of threads may use it. */
int lang_index_init(struct lang_index *x);
void lang_index_fini(struct lang_index *x);

/*
 * Add the words of all sections. -EINVAL: the file has a section that is not among these n: one
 * that is spelt wrong would be missed by nobody.
 */
int lang_index_fill(struct lang_index *x, const struct lang *l,
		    const struct lang_section_bits *sections, size_t n, struct ragd_err *err);
/* Add bits to those of a word, by its hash_bytes(). -ENOMEM. */
int lang_index_add(struct lang_index *x, uint64_t hash, uint64_t bits);

/* The slot of a word, or the empty one where it would be. */
static inline struct lang_slot *lang_index_slot(const struct lang_index *x, uint64_t hash)
{
	size_t at = hash & (x->n_slots - 1);

	while (x->slots[at].hash != 0 && x->slots[at].hash != hash)
		at = (at + 1) & (x->n_slots - 1);
	return &x->slots[at];
}

/* What was added for a word; 0: nothing. */
static inline uint64_t lang_index_find(const struct lang_index *x, uint64_t hash)
{
	return lang_index_slot(x, hash)->bits;
}

#endif
