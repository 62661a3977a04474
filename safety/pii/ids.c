/* National identity and tax numbers of digits, by their checksums. */
#include <string.h>

#include "base/util.h"
#include "base/text/ascii.h"
#include "safety/pii/numbers.h"

static unsigned digit_at(const char *d, size_t i)
{
	return (unsigned)(d[i] - '0');
}

/* Sum of digits times weights, modulo m. */
static unsigned weighted_sum(const char *d, const unsigned char *w, size_t n, unsigned m)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += digit_at(d, i) * w[i];
	return sum % m;
}

static bool all_same(const char *d, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (d[i] != d[0])
			return false;
	return true;
}

static bool day_ok(const char *mm_dd)
{
	unsigned m = digit_at(mm_dd, 0) * 10 + digit_at(mm_dd, 1);
	unsigned d = digit_at(mm_dd, 2) * 10 + digit_at(mm_dd, 3);

	return m >= 1 && m <= 12 && d >= 1 && d <= 31;
}

/* Brazil, CPF: two check digits modulo 11. */
static bool cpf_ok(const char *d)
{
	for (size_t n = 9; n <= 10; n++) {
		unsigned sum = 0, c;

		for (size_t i = 0; i < n; i++)
			sum += digit_at(d, i) * (unsigned)(n + 1 - i);
		c = sum * 10 % 11 % 10;
		if (c != digit_at(d, n))
			return false;
	}
	return !all_same(d, 11);
}

/* China, GB 11643: 17 digits with a date, then ISO 7064 MOD 11-2, whose tenth value is X. */
static bool china_ok(const char *d, char last)
{
	static const unsigned char w[17] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	unsigned year = digit_at(d, 6) * 10 + digit_at(d, 7);

	if (year < 19 || year > 20 || !day_ok(d + 10))
		return false;
	return ascii_to_lower(last) == "10x98765432"[weighted_sum(d, w, 17, 11)];
}

/* France, NIR: 13 digits and 97 minus their remainder. */
static bool nir_ok(const char *d)
{
	unsigned long long n = 0;
	unsigned month = digit_at(d, 3) * 10 + digit_at(d, 4);

	for (size_t i = 0; i < 13; i++)
		n = n * 10 + digit_at(d, i);
	return (d[0] == '1' || d[0] == '2') && month >= 1 && month <= 42 &&
	       97 - n % 97 == digit_at(d, 13) * 10 + digit_at(d, 14);
}

/* India, Aadhaar: Verhoeff's scheme in the dihedral group of the pentagon. */
static bool verhoeff_ok(const char *d, size_t n)
{
	static const unsigned char perm[8][10] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { 1, 5, 7, 6, 2, 8, 3, 0, 9, 4 },
		{ 5, 8, 0, 3, 7, 9, 6, 1, 4, 2 }, { 8, 9, 1, 6, 0, 4, 3, 5, 2, 7 },
		{ 9, 4, 5, 3, 1, 2, 6, 8, 7, 0 }, { 4, 2, 8, 6, 5, 7, 3, 9, 0, 1 },
		{ 2, 7, 9, 3, 8, 0, 6, 4, 1, 5 }, { 7, 0, 4, 6, 9, 1, 3, 2, 5, 8 },
	};
	unsigned c = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned a = c, b = perm[i % 8][digit_at(d, n - 1 - i)];

		/* a * b: rotations below 5, reflections from 5 on. */
		if (a < 5)
			c = b < 5 ? (a + b) % 5 : 5 + (a + b - 5) % 5;
		else
			c = b < 5 ? 5 + (a - 5 + 5 - b) % 5 : (a - b + 5) % 5;
	}
	return c == 0;
}

/* Germany, tax identification number: ISO 7064 MOD 11,10. */
static bool steuer_ok(const char *d)
{
	unsigned p = 10;

	for (size_t i = 0; i < 10; i++) {
		unsigned s = (digit_at(d, i) + p) % 10;

		p = (s == 0 ? 10 : s) * 2 % 11;
	}
	return d[0] != '0' && (11 - p) % 10 == digit_at(d, 10);
}

static bool pesel_ok(const char *d)
{
	static const unsigned char w[11] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1 };

	return weighted_sum(d, w, 11, 10) == 0;
}

static bool bsn_ok(const char *d)
{
	static const unsigned char w[9] = { 9, 8, 7, 6, 5, 4, 3, 2, 10 }; /* 10 is -1 modulo 11 */

	return weighted_sum(d, w, 9, 11) == 0 && !all_same(d, 9);
}

static bool nhs_ok(const char *d)
{
	static const unsigned char w[10] = { 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 };

	return weighted_sum(d, w, 10, 11) == 0 && !all_same(d, 10);
}

static bool tfn_ok(const char *d)
{
	static const unsigned char w[9] = { 1, 4, 3, 7, 5, 8, 6, 9, 10 };

	return weighted_sum(d, w, 9, 11) == 0 && !all_same(d, 9);
}

static bool luhn9_ok(const char *d)
{
	return luhn_ok(d, 9) && !all_same(d, 9);
}

static bool sweden_ok(const char *d)
{
	return day_ok(d + 2) && luhn_ok(d, 10);
}

static bool aadhaar_ok(const char *d)
{
	return d[0] >= '2' && verhoeff_ok(d, 12);
}

/* A number is taken in its own written shape, or in any where one of the words stands before it. */
static const struct id_rule {
	size_t n_digits;
	const char *shape; /* NULL: only by a word */
	char sep;
	const char *words;
	bool (*ok)(const char *digits);
} id_rules[] = {
	/* clang-format off */
	{ 11, NULL,            0,   "cpf",                                      cpf_ok     },
	{ 15, "1-2-2-2-3-3-2", ' ', "nir|insee|secu|securite sociale|numero de", nir_ok    },
	{ 12, NULL,            0,   "aadhaar|aadhar|uidai",                     aadhaar_ok },
	{ 11, NULL,            0,   "steuer|steueridentifikationsnummer|idnr",  steuer_ok  },
	{ 11, NULL,            0,   "pesel",                                    pesel_ok   },
	{  9, NULL,            0,   "bsn|burgerservicenummer|sofinummer",       bsn_ok     },
	{ 10, NULL,            0,   "nhs",                                      nhs_ok     },
	{  9, NULL,            0,   "sin|social insurance",                     luhn9_ok   },
	{  9, NULL,            0,   "tfn|tax file",                             tfn_ok     },
	{ 10, "6-4",           '-', "personnummer",                             sweden_ok  },
	/* clang-format on */
};

size_t id_match(const struct scan_view *v, const struct digit_run *r)
{
	size_t last = r->g[r->n - 1].end;

	if (r->joined || r->plus || r->paren)
		return 0;
	if (r->n == 1 && r->n_digits == 18 && china_ok(r->digits, r->digits[17]))
		return 1;
	if (r->n == 1 && r->n_digits == 17 && last < v->len && china_ok(r->digits, v->s[last]))
		return 1;
	if (r->n == 4 && digit_run_has_shape(r, "3-3-3-2", 0) && r->g[1].sep[0] == '.' &&
	    r->g[3].sep[0] == '-' && cpf_ok(r->digits))
		return 4;
	for (size_t i = 0; i < ARRAY_LEN(id_rules); i++) {
		const struct id_rule *rule = &id_rules[i];

		if (r->n_digits != rule->n_digits || !rule->ok(r->digits))
			continue;
		if (rule->shape != NULL && digit_run_has_shape(r, rule->shape, rule->sep))
			return r->n;
		if (scan_near(v->s, r->start, 40, rule->words))
			return r->n;
	}
	return 0;
}
