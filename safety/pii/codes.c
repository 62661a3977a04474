/* Numbers with letters in them: IBAN, identity codes of some countries, MAC and IPv6 addresses. */
#include <string.h>

#include "base/util.h"
#include "base/text/ascii.h"
#include "safety/pii/digits.h"
#include "safety/pii/pii.h"

#define TOKEN_MAX 36 /* the longest code is an IBAN of 34 */
#define COLON_MAX 48 /* an IPv6 address has at most 45 bytes */

/* ISO 13616 registry: country, length. */
static const char iban_lengths[] =
	"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES"
	"24"
	"FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC"
	"32"
	"LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO"
	"24"
	"RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

static size_t iban_length(const char *cc)
{
	for (size_t i = 0; i + 4 < sizeof(iban_lengths); i += 4)
		if (memcmp(iban_lengths + i, cc, 2) == 0)
			return (size_t)(iban_lengths[i + 2] - '0') * 10 +
			       (size_t)(iban_lengths[i + 3] - '0');
	return 0;
}

/* ISO 7064 MOD 97-10 with the first four characters moved to the end. */
static bool iban_ok(const char *code, size_t n)
{
	unsigned rem = 0;

	for (size_t i = 0; i < n; i++) {
		char c = code[(i + 4) % n];

		if (ascii_is_digit(c))
			rem = (rem * 10 + (unsigned)(c - '0')) % 97;
		else
			rem = (rem * 100 + (unsigned)(c - 'A') + 10) % 97;
	}
	return rem == 1;
}

/* The end of an IBAN at s[i), 0 for none, -1 (as ssize_t) if more text is needed. */
static ssize_t iban_match(const struct scan_view *v, size_t i)
{
	const char *s = v->s;
	char code[40], sep;
	size_t want = iban_length(s + i), n = 0, p = i;
	ssize_t rc;

	while (n < want) {
		if (p == v->len)
			return v->end ? 0 : -1;
		if (ascii_is_digit(s[p]) || ascii_is_upper(s[p])) {
			code[n++] = s[p++];
			continue;
		}
		rc = n % 4 == 0 ? digit_run_wide_sep(v, p, &sep) : 0;
		if (rc < 0)
			return -1;
		p += (size_t)rc;
		if (rc == 0 || p == v->len || !ascii_is_alnum(s[p]))
			return 0;
	}
	if (p == v->len && !v->end)
		return -1;
	if (want == 0 || (p < v->len && ascii_is_alnum(s[p])) || !iban_ok(code, n))
		return 0;
	return (ssize_t)p;
}

static unsigned parse_number(const char *s, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)(s[i] - '0');
	return v;
}

static bool has_shape(const char *s, const char *shape)
{
	for (; *shape != '\0'; s++, shape++)
		if (*shape == '9' ? !ascii_is_digit(*s) : !ascii_is_upper(*s))
			return false;
	return true;
}

/* Spain: DNI is eight digits and a letter of their remainder by 23; NIE has X, Y, Z for 0, 1, 2. */
static bool spain_ok(const char *s)
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";

	if (has_shape(s, "99999999A"))
		return s[8] == letters[parse_number(s, 8) % 23];
	if (has_shape(s, "A9999999A") && s[0] >= 'X')
		return s[8] ==
		       letters[((unsigned)(s[0] - 'X') * 10000000 + parse_number(s + 1, 7)) % 23];
	return false;
}

/* Italy, codice fiscale: the sixteenth character from tables for odd and even places. */
static bool italy_ok(const char *s)
{
	static const unsigned char odd[26] = { 1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
					       20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23 };
	unsigned sum = 0;

	if (!has_shape(s, "AAAAAA99A99A999A"))
		return false;
	for (size_t i = 0; i < 15; i++) {
		unsigned val =
			ascii_is_digit(s[i]) ? (unsigned)(s[i] - '0') : (unsigned)(s[i] - 'A');

		sum += i % 2 == 0 ? odd[val] : val;
	}
	return s[15] == (char)('A' + sum % 26);
}

/* United Kingdom, National Insurance: no checksum, but letters that are never given out. */
static bool britain_ok(const char *s)
{
	return has_shape(s, "AA999999A") && s[8] <= 'D' && strchr("DFIQUV", s[0]) == NULL &&
	       strchr("DFIQUVO", s[1]) == NULL;
}

static bool code_ok(const char *s, size_t n)
{
	return (n == 9 && (spain_ok(s) || britain_ok(s))) || (n == 16 && italy_ok(s));
}

/* aa:bb:cc:dd:ee:ff with one separator; neither all zeros nor all ones. */
static bool mac_ok(const char *s, size_t n)
{
	bool varied = false;

	if (n != 17 || (s[2] != ':' && s[2] != '-'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i % 3 == 2 ? s[i] != s[2] : !ascii_is_hex(s[i]))
			return false;
		if (i % 3 != 2 && s[i] != s[0])
			varied = true;
	}
	return varied;
}

/* A global IPv6 address (2000::/3 but 2001:db8::/32): groups of hex, one "::" at most. */
static bool ip6_ok(const char *s, size_t n)
{
	size_t groups = 0, digits = 0, gaps = 0;

	if (n < 6 || (s[0] != '2' && s[0] != '3') || (n > 9 && memcmp(s, "2001:db8:", 9) == 0) ||
	    (n > 9 && memcmp(s, "2001:DB8:", 9) == 0) || s[4] != ':')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ':') {
			groups += digits > 0;
			if (digits == 0 && i > 0)
				gaps++;
			digits = 0;
		} else if (++digits > 4) {
			return false;
		}
	}
	groups += digits > 0;
	return gaps == 1 ? groups < 8 && groups >= 2 : gaps == 0 && groups == 8;
}

/* What stands at s[i], the start of a word whose end is at `end`. As iban_match. */
static ssize_t code_match(const struct scan_view *v, size_t i, size_t end,
			  const struct span_kind **kind)
{
	const char *s = v->s;
	size_t p = end, n = end - i;

	if (n >= 4 && n <= 34 && has_shape(s + i, "AA99")) {
		ssize_t rc = iban_match(v, i);

		*kind = &pii_iban;
		if (rc != 0)
			return rc;
	}
	if (n <= 4 && end < v->len && (s[end] == ':' || s[end] == '-')) {
		if (i > 0 && (s[i - 1] == ':' || s[i - 1] == '-' || s[i - 1] == '.'))
			return 0;
		for (size_t j = i; j < end; j++)
			if (!ascii_is_hex(s[j]))
				return 0;
		while (p < v->len && p - i < COLON_MAX && (ascii_is_hex(s[p]) || s[p] == s[end]))
			p++;
		if (p == v->len && !v->end && p - i < COLON_MAX)
			return -1;
		while (p > end && s[p - 1] == s[end])
			p--;
		if (p < v->len && (ascii_is_alnum(s[p]) || s[p] == '_'))
			return 0;
		if (mac_ok(s + i, p - i)) {
			*kind = &pii_mac;
			return (ssize_t)p;
		}
		*kind = &pii_ip;
		return s[end] == ':' && ip6_ok(s + i, p - i) ? (ssize_t)p : 0;
	}
	*kind = &pii_id;
	return code_ok(s + i, n) ? (ssize_t)end : 0;
}

void pii_scan_codes(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	const char *s = v->s;
	size_t i = st->from;

	while (i < v->len) {
		const struct span_kind *kind = NULL;
		size_t end = i;
		ssize_t rc;

		if (!ascii_is_alnum(s[i]) ||
		    (i > 0 && (ascii_is_alnum(s[i - 1]) || s[i - 1] == '_'))) {
			i++;
			continue;
		}
		while (end < v->len && end - i < TOKEN_MAX && ascii_is_alnum(s[end]))
			end++;
		if (end == v->len && end - i < TOKEN_MAX && !v->end)
			break;
		rc = 0;
		if (end - i < TOKEN_MAX)
			rc = code_match(v, i, end, &kind);
		if (rc < 0)
			break;
		if (rc > 0)
			spans_add(out, &(struct text_span){ .start = i,
							    .end = (size_t)rc,
							    .kind = kind,
							    .score = 0.95f });
		i = rc > 0 ? (size_t)rc : end;
	}
	st->from = i;
}
