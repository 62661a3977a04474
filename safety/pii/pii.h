/*
 * Personal data with a structure that can be checked: addresses for mail, telephone numbers, bank
 * and payment numbers with their checksums, national identity numbers, network addresses. Names and
 * street addresses are not looked for: that takes more than patterns.
 */
#ifndef SAFETY_PII_H
#define SAFETY_PII_H

#include "safety/stream/scan.h"

enum {
	PII_EMAIL = 1u << 0,
	PII_ROLE = 1u << 1, /* info@, support@: a function, not a person */
	PII_PHONE = 1u << 2,
	PII_CARD = 1u << 3,
	PII_IBAN = 1u << 4,
	PII_SSN = 1u << 5,
	PII_ID = 1u << 6, /* national identity and tax numbers of other countries */
	PII_IP = 1u << 7, /* public ones; never private, loopback or documentation ranges */
	PII_MAC = 1u << 8,
	PII_ALL = (1u << 9) - 1,
};

/* Names for options: "email", "phone", ..., in the order of the bits; NULL-ended. */
extern const char *const pii_names[];

extern const struct span_kind pii_email, pii_role, pii_phone, pii_card, pii_iban, pii_ssn, pii_id,
	pii_ip, pii_mac;

void pii_scan_email(struct scanner *st, const struct scan_view *v, struct spans *out);
/* Runs of digits: payment cards, telephone, social security and identity numbers, IPv4. */
void pii_scan_digits(struct scanner *st, const struct scan_view *v, struct spans *out);
/* Runs that mix letters and digits: IBAN, identity numbers, IPv6, MAC. */
void pii_scan_codes(struct scanner *st, const struct scan_view *v, struct spans *out);

#endif
