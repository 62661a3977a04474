/*
 * Extractive reader: an answer to a question from the sentences of the passages that were found for
 * it. It chooses and quotes; it knows nothing, concludes nothing, and invents no word.
 */
#ifndef ENGINE_EXTRACT_H
#define ENGINE_EXTRACT_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#define EXTRACT_MAX 5 /* sentences of an answer */

struct extract_options {
	unsigned max_sentences; /* 1 .. EXTRACT_MAX */
	double threshold;       /* 0 .. 1: how sure it must be that the passages answer at all */
};

/* A sentence of the answer: passages[passage].text[start .. end). */
struct extract_pick {
	uint32_t passage;
	uint32_t start, end;
};

struct extract_reader;
struct lexicon;

/*
 * One at a time uses it. The lexicon is borrowed. NULL when out of memory or Snowball does not know
 * the language.
 */
struct extract_reader *extract_new(const char *language, const struct lexicon *lexicon);
void extract_free(struct extract_reader *x);

/*
 * Choose the sentences that answer, in the order in which they should be read. Neither question nor
 * passages need be valid UTF-8. *sure is the estimate, 0 .. 1, that the threshold was compared
 * with. call may be NULL; if not, it is asked now and then whether it is still wanted. Returns the
 * number of sentences, 0 if the passages do not answer, or -ENOMEM, -ECANCELED, -ETIMEDOUT, -EFBIG
 * (a passage beyond 4 GiB).
 */
ssize_t extract_read(struct extract_reader *x, struct ragd_str question,
		     const struct ragd_passage *passages, size_t n,
		     const struct extract_options *options, const struct ragd_call *call,
		     struct extract_pick out[EXTRACT_MAX], double *sure);

#endif
