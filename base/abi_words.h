/*
 * The words for the enumerations of <ragd/plugin.h>, as used in replies, logs, metrics,
 * rule files and messages.
 */
#ifndef BASE_ABI_WORDS_H
#define BASE_ABI_WORDS_H

#include <ragd/plugin.h>

/* "inference", "prompt", "allow"; "unknown" for a number that the enumeration doesn't have. */
const char *abi_kind_name(enum ragd_kind kind);
const char *abi_stage_name(enum ragd_stage stage);
/* "block", the strongest, for a number that it doesn't have. */
const char *abi_action_name(enum ragd_action action);

/* The other way round; false if it is none of the words. */
bool abi_stage_find(struct ragd_str word, enum ragd_stage *out);
bool abi_action_find(struct ragd_str word, enum ragd_action *out);

#endif
