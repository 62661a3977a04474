/* Matchers of numbers, each in the file of what it knows: cards.c, ids.c, phones.c. */
#ifndef SAFETY_NUMBERS_H
#define SAFETY_NUMBERS_H

#include "safety/pii/digits.h"

/* What the first groups are: the number of groups, 0 for none. */
size_t card_match(const struct scan_view *v, const struct digit_run *r);
size_t ssn_match(const struct scan_view *v, const struct digit_run *r);
size_t id_match(const struct scan_view *v, const struct digit_run *r);
size_t phone_match(const struct scan_view *v, const struct digit_run *r);

#endif
