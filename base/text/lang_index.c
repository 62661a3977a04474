#include "base/text/lang_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text/lang.h"

#define SLOTS_MIN 64

int lang_index_init(struct lang_index *x)
{
	*x = (struct lang_index){ .slots = calloc(SLOTS_MIN, sizeof(*x->slots)),
				  .n_slots = SLOTS_MIN };
	return x->slots != NULL ? 0 : -ENOMEM;
}

void lang_index_fini(struct lang_index *x)
{
	free(x->slots);
	*x = (struct lang_index){ 0 };
}

static int index_grow(struct lang_index *x)
{
	struct lang_index more = { .n_slots = 2 * x->n_slots, .n_words = x->n_words };

	more.slots = calloc(more.n_slots, sizeof(*more.slots));
	if (more.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < x->n_slots; i++)
		if (x->slots[i].hash != 0)
			*lang_index_slot(&more, x->slots[i].hash) = x->slots[i];
	free(x->slots);
	*x = more;
	return 0;
}

int lang_index_add(struct lang_index *x, uint64_t hash, uint64_t bits)
{
	struct lang_slot *slot = lang_index_slot(x, hash);

	slot->bits |= bits;
	if (slot->hash == hash)
		return 0;
	slot->hash = hash;
	x->n_words++;
	return 2 * x->n_words < x->n_slots ? 0 : index_grow(x);
}

static int section_index(struct lang_index *x, const struct lang *l, const char *section,
			 uint64_t bits)
{
	size_t n_rows, len;
	const char *const *rows = lang_rows(l, section, &n_rows), *word;
	int rc = 0;

	for (size_t i = 0; i < n_rows; i++)
		for (const char *at = rows[i]; rc == 0 && (word = lang_word(&at, &len)) != NULL;)
			rc = lang_index_add(x, hash_bytes(word, len), bits);
	return rc;
}

int lang_index_fill(struct lang_index *x, const struct lang *l,
		    const struct lang_section_bits *sections, size_t n, struct ragd_err *err)
{
	const char *name;
	size_t k;

	for (size_t i = 0; (name = lang_section(l, i)) != NULL; i++) {
		for (k = 0; k < n && strcmp(sections[k].section, name) != 0;)
			k++;
		if (k == n)
			return ragd_err_set(err, -EINVAL, "%s: there is no section [%s]",
					    lang_path(l), name);
		if (sections[k].bits != 0 && section_index(x, l, name, sections[k].bits) < 0)
			return ragd_err_set(err, -ENOMEM, "%s: out of memory", lang_path(l));
	}
	return 0;
}
