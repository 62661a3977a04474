#include "base/abi_words.h"

#include "base/util.h"

static const char *const kinds[] = {
	[RAGD_KIND_INFERENCE] = "inference",
	[RAGD_KIND_RETRIEVAL] = "retrieval",
	[RAGD_KIND_SAFETY] = "safety",
};

static const char *const stages[] = {
	[RAGD_STAGE_PROMPT] = "prompt",
	[RAGD_STAGE_DOCUMENT] = "document",
	[RAGD_STAGE_RESPONSE] = "response",
};

static const char *const actions[] = {
	[RAGD_ALLOW] = "allow",
	[RAGD_STEER] = "steer",
	[RAGD_REDACT] = "redact",
	[RAGD_BLOCK] = "block",
};

/* Plugins may return any number. */
static const char *word_at(const char *const *words, size_t n, unsigned i, const char *unknown)
{
	return i < n && words[i] != NULL ? words[i] : unknown;
}

static bool word_find(const char *const *words, size_t n, struct ragd_str word, unsigned *out)
{
	for (unsigned i = 0; i < n; i++)
		if (words[i] != NULL && strlen(words[i]) == word.len &&
		    memcmp(words[i], word.s, word.len) == 0) {
			*out = i;
			return true;
		}
	return false;
}

const char *abi_kind_name(enum ragd_kind kind)
{
	return word_at(kinds, ARRAY_LEN(kinds), kind, "unknown");
}

const char *abi_stage_name(enum ragd_stage stage)
{
	return word_at(stages, ARRAY_LEN(stages), stage, "unknown");
}

const char *abi_action_name(enum ragd_action action)
{
	return word_at(actions, ARRAY_LEN(actions), action, actions[RAGD_BLOCK]);
}

bool abi_stage_find(struct ragd_str word, enum ragd_stage *out)
{
	unsigned i;

	if (!word_find(stages, ARRAY_LEN(stages), word, &i))
		return false;
	*out = (enum ragd_stage)i;
	return true;
}

bool abi_action_find(struct ragd_str word, enum ragd_action *out)
{
	unsigned i;

	if (!word_find(actions, ARRAY_LEN(actions), word, &i))
		return false;
	*out = (enum ragd_action)i;
	return true;
}
