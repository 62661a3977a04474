/* The kinds of personal data, and mail addresses. */
#include "safety/pii/pii.h"

#include <string.h>
#include <strings.h>

#include "base/text/ascii.h"
#include "base/util.h"

#define LOCAL_MAX  64  /* RFC 5321, 4.5.3.1.1 */
#define DOMAIN_MAX 128 /* twice the longest that is in use */

const char *const pii_names[] = { "email", "role", "phone", "card", "iban",
				  "ssn",   "id",   "ip",    "mac",  NULL };

/* clang-format off */
const struct span_kind pii_email = { "pii.email", "[e-mail removed]", PII_EMAIL, RAGD_ALLOW };
const struct span_kind pii_role  = { "pii.role", "[e-mail removed]", PII_ROLE, RAGD_ALLOW };
const struct span_kind pii_phone = { "pii.phone", "[phone number removed]", PII_PHONE, RAGD_ALLOW };
const struct span_kind pii_card  = { "pii.card", "[card number removed]", PII_CARD, RAGD_ALLOW };
const struct span_kind pii_iban  = { "pii.iban", "[account number removed]", PII_IBAN, RAGD_ALLOW };
const struct span_kind pii_ssn   = { "pii.ssn", "[SSN removed]", PII_SSN, RAGD_ALLOW };
const struct span_kind pii_id    = { "pii.id", "[ID number removed]", PII_ID, RAGD_ALLOW };
const struct span_kind pii_ip    = { "pii.ip", "[IP address removed]", PII_IP, RAGD_ALLOW };
const struct span_kind pii_mac   = { "pii.mac", "[MAC address removed]", PII_MAC, RAGD_ALLOW };
/* clang-format on */

static bool is_local(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

static bool is_domain(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-';
}

/* Mailboxes that RFC 2142 and habit give to functions. */
static bool is_role(const char *s, size_t len)
{
	static const char *const roles[] = {
		"abuse",      "accounts",  "admin",
		"announce",   "billing",   "bugs",
		"careers",    "community", "contact",
		"dev",        "enquiries", "feedback",
		"ftp",        "git",       "hello",
		"help",       "helpdesk",  "hg",
		"hostmaster", "hr",        "info",
		"inquiries",  "it",        "jobs",
		"legal",      "licensing", "mail",
		"marketing",  "media",     "news",
		"noc",        "office",    "orders",
		"postmaster", "press",     "privacy",
		"root",       "sales",     "security",
		"service",    "services",  "staff",
		"subscribe",  "support",   "svn",
		"team",       "usenet",    "users",
		"webmaster",  "www",       "reception",
		"root",       "pr",        "customerservice",
	};

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strlen(roles[i]) == len && strncasecmp(s, roles[i], len) == 0)
			return true;
	/* no-reply, do-not-reply, list servers: users-request, gcc-patches-owner */
	for (size_t i = 0; i + 5 <= len; i++)
		if (strncasecmp(s + i, "reply", 5) == 0)
			return true;
	return false;
}

/* Names reserved for examples (RFC 2606, RFC 6761): nobody's mail. */
static bool is_example(const char *s, size_t len)
{
	static const char *const ends[] = { "example.com", "example.org", "example.net", ".example",
					    ".test",       ".invalid",    ".localhost" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len < n || strncasecmp(s + len - n, ends[i], n) != 0)
			continue;
		if (len == n || ends[i][0] == '.' || s[len - n - 1] == '.')
			return true;
	}
	return false;
}

/* The length of the domain at the start of s[0..len), a run of domain characters; 0: none. */
static size_t domain_len(const char *s, size_t len)
{
	size_t dot = 0;

	while (len > 0 && !ascii_is_alnum(s[len - 1]))
		len--;
	if (len == 0 || !ascii_is_alnum(s[0]))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (s[i] != '.')
			continue;
		if (s[i - 1] == '.')
			return 0;
		dot = i;
	}
	if (dot == 0 || len - dot < 3)
		return 0;
	for (size_t i = dot + 1; i < len; i++)
		if (ascii_is_digit(s[i]) && s[dot + 1] != 'x')
			return 0; /* no top-level domain has a digit, but for xn--... */
	return len;
}

/* The first byte of the local part that ends at s[at), not before `floor`; at if there is none. */
static size_t local_start(const char *s, size_t floor, size_t at)
{
	size_t i = at;

	while (i > floor && at - i < LOCAL_MAX && is_local(s[i - 1]))
		i--;
	while (i < at && !ascii_is_alnum(s[i]) && s[i] != '_')
		i++;
	return i;
}

void pii_scan_email(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	size_t i = st->from;

	for (;;) {
		const char *p = i < v->len ? memchr(v->s + i, '@', v->len - i) : NULL;
		size_t at, start, end, n;

		if (p == NULL)
			break;
		at = (size_t)(p - v->s);
		start = local_start(v->s, i, at);
		end = at + 1;
		while (end < v->len && end - at - 1 < DOMAIN_MAX && is_domain(v->s[end]))
			end++;
		if (end == v->len && !v->end && start < at && end - at - 1 < DOMAIN_MAX) {
			st->from = start;
			return;
		}
		n = start < at ? domain_len(v->s + at + 1, end - at - 1) : 0;
		if (n == 0) {
			i = at + 1;
			continue;
		}
		if (!is_example(v->s + at + 1, n))
			spans_add(out,
				  &(struct text_span){
					  .start = start,
					  .end = at + 1 + n,
					  .kind = is_role(v->s + start, at - start) ? &pii_role
										    : &pii_email,
					  .score = 1.0f,
				  });
		i = at + 1 + n;
	}
	st->from = v->end ? v->len : local_start(v->s, i, v->len);
}
