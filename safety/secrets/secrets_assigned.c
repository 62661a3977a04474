/*
 * Secrets by what stands in front of them. At each place where a value may begin: is there an
 * assignment before it, and before that a name of a credential? Only then is the value read.
 */
#include <string.h>

#include "base/util.h"
#include "base/text/ascii.h"
#include "safety/secrets/pem.h"
#include "safety/secrets/secrets.h"
#include "safety/secrets/secrets_rows.h"

#define NAME_MAX_BACK 56 /* bytes before the value that are looked at */
#define VALUE_MAX     96 /* bytes of the value that decide; it may be longer */

enum credential_pattern {
	NO_CREDENTIAL,
	PASSWORD, /* anything that is not a plain word */
	TOKEN,    /* something long and random */
	VENDOR,   /* the same, longer: the name alone says little */
	USERPASS, /* user:password */
};

/* Names in lower case, by first letter; '-' stands for "", "-", "_", "." or a blank. */
static const struct name {
	const char *text;
	enum credential_pattern pattern;
} names[] = {
	/* clang-format off */
	{ "api-key", TOKEN }, { "access-key", TOKEN }, { "auth-key", TOKEN },
	{ "account-key", TOKEN }, { "authorization", TOKEN }, { "adafruit", VENDOR },
	{ "adobe", VENDOR }, { "airtable", VENDOR }, { "algolia", VENDOR }, { "alibaba", VENDOR },
	{ "asana", VENDOR }, { "atlassian", VENDOR }, { "aws", VENDOR }, { "azure", VENDOR },
	{ "bearer", TOKEN }, { "beamer", VENDOR }, { "bitbucket", VENDOR }, { "bittrex", VENDOR },
	{ "contrasena", PASSWORD }, { "credential", TOKEN }, { "client-key", TOKEN },
	{ "cloudflare", VENDOR }, { "codecov", VENDOR }, { "coinbase", VENDOR },
	{ "confluent", VENDOR }, { "contentful", VENDOR }, { "datadog", VENDOR },
	{ "discord", VENDOR }, { "droneci", VENDOR }, { "dropbox", VENDOR },
	{ "encryption-key", TOKEN }, { "etsy", VENDOR }, { "fastly", VENDOR },
	{ "finicity", VENDOR }, { "finnhub", VENDOR }, { "flickr", VENDOR },
	{ "freshbooks", VENDOR }, { "freemius", VENDOR }, { "gitter", VENDOR },
	{ "gocardless", VENDOR }, { "heroku", VENDOR }, { "hubspot", VENDOR },
	{ "intercom", VENDOR }, { "jfrog", VENDOR }, { "jira", VENDOR }, { "kraken", VENDOR },
	{ "kucoin", VENDOR }, { "license-key", TOKEN }, { "launchdarkly", VENDOR },
	{ "linear", VENDOR }, { "linkedin", VENDOR }, { "lob", VENDOR }, { "looker", VENDOR },
	{ "mot-de-passe", PASSWORD }, { "mailchimp", VENDOR }, { "mailgun", VENDOR },
	{ "mapbox", VENDOR }, { "mattermost", VENDOR }, { "maxmind", VENDOR },
	{ "meraki", VENDOR }, { "message-bird", VENDOR }, { "netlify", VENDOR },
	{ "new-relic", VENDOR }, { "nytimes", VENDOR }, { "okta", VENDOR },
	{ "password", PASSWORD }, { "passwd", PASSWORD }, { "passphrase", PASSWORD },
	{ "pwd", PASSWORD }, { "passwort", PASSWORD }, { "private-key", TOKEN },
	{ "plaid", VENDOR }, { "private-ai", VENDOR }, { "rapidapi", VENDOR },
	{ "secret", TOKEN }, { "secret-key", TOKEN }, { "signing-key", TOKEN },
	{ "sendbird", VENDOR }, { "sentry", VENDOR }, { "snyk", VENDOR }, { "sonar", VENDOR },
	{ "sourcegraph", VENDOR }, { "squarespace", VENDOR }, { "sumo", VENDOR },
	{ "token", TOKEN }, { "telegr", VENDOR }, { "travis", VENDOR }, { "trello", VENDOR },
	{ "twilio", VENDOR }, { "twitch", VENDOR }, { "twitter", VENDOR }, { "yandex", VENDOR },
	{ "zendesk", VENDOR },
	/* clang-format on */
};

/* What after the name says that the value is something else. */
static const char *const not_secret[] = { "id",      "ids",    "name",  "file",  "url",    "uri",
					  "path",    "type",   "size",  "len",   "length", "tag",
					  "select",  "store",  "class", "hint",  "field",  "count",
					  "date",    "time",   "expir", "limit", "max",    "min",
					  "version", "policy", "reset", "host" };

/*
 * What may stand in a value: what is printed, but nothing that encloses or separates values. What
 * may stand between it and its name. Looked up, since it is asked for every byte.
 */
enum { V = 1, B = 2, VB = V | B };
/* clang-format off */
static const unsigned char value_class[256] = {
	['\t'] = B, ['\n'] = B, ['\r'] = B,
	/*        !  "  #  $  %  &  '  (  )  *  +   ,  -  .  / */
	[' '] = B, V, B, V, V, V, V, B, B, 0, V, V,  B, V, V, V,
	/* 0  1  2  3  4  5  6  7  8  9   :  ;  <   =  >   ? */
	   V, V, V, V, V, V, V, V, V, V, VB, 0, 0, VB, B, VB,
	/* @  A .. O */
	   V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	/* P .. Z                          [  \  ]  ^  _ */
	   V, V, V, V, V, V, V, V, V, V, V, B, 0, 0, V, V,
	/* `  a .. o */
	   B, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	/* p .. z                          {  |  }  ~ */
	   V, V, V, V, V, V, V, V, V, V, V, B, B, 0, V,
};
/* clang-format on */

static bool is_value(char c)
{
	return (value_class[(unsigned char)c] & V) != 0;
}

static bool is_operator(char c)
{
	return c == '=' || c == ':' || c == '>' || c == '|';
}

static bool is_between(char c)
{
	return (value_class[(unsigned char)c] & B) != 0;
}

static bool word_before(const char *s, size_t i, const char *word, size_t n)
{
	if (i < n || ascii_to_lower(s[i - 1]) != word[n - 1] ||
	    (i > n && ascii_is_alnum(s[i - n - 1])))
		return false;
	for (size_t j = 0; j < n; j++)
		if (ascii_to_lower(s[i - n + j]) != word[j])
			return false;
	return true;
}

#define WORD_BEFORE(s, i, word) word_before(s, i, word, sizeof(word) - 1)

/* The bytes that `name` takes at s[0..len), 0 if it is not there. */
static size_t name_at(const char *s, size_t len, const char *name)
{
	size_t i = 0;

	for (; *name != '\0'; name++) {
		if (*name == '-') {
			if (i < len && strchr("-_. ", s[i]) != NULL)
				i++;
			continue;
		}
		if (i == len || ascii_to_lower(s[i]) != *name)
			return 0;
		i++;
	}
	return i;
}

/* Between the name and the operator: a few bytes of identifier, none of which denies the secret. */
static bool tail_ok(const char *s, size_t len)
{
	if (len > 16)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!ascii_is_alnum(s[i]) && strchr("_-. ", s[i]) == NULL)
			return false;
		for (size_t k = 0; k < ARRAY_LEN(not_secret); k++) {
			size_t n = name_at(s + i, len - i, not_secret[k]);

			/* At the start of a part of the identifier: ...Id, ..._id, ... id. */
			if (n > 0 && (i == 0 || !ascii_is_alpha(s[i - 1]) || ascii_is_upper(s[i])))
				return false;
		}
	}
	return true;
}

/* The strongest pattern in the name s[lo..hi); the last one wins among equals. */
static enum credential_pattern credential_pattern_of(const char *s, size_t lo, size_t hi)
{
	enum credential_pattern found = NO_CREDENTIAL;

	for (size_t i = lo; i < hi; i++) {
		char c = ascii_to_lower(s[i]);

		if (!ascii_is_lower(c))
			continue;
		for (size_t k = SECRETS_FROM(names, c);
		     k < ARRAY_LEN(names) && names[k].text[0] == c; k++) {
			size_t n;

			n = name_at(s + i, hi - i, names[k].text);
			if (n == 0 || (found != NO_CREDENTIAL && names[k].pattern > found))
				continue;
			/* A short vendor's name must be a word of its own. */
			if (names[k].pattern == VENDOR && i > 0 && ascii_is_alpha(s[i - 1]) &&
			    n < 6)
				continue;
			if (tail_ok(s + i + n, hi - i - n))
				found = names[k].pattern;
		}
	}
	return found;
}

/* What the text before says of a value that begins at s[i). */
static enum credential_pattern credential_pattern_before(const char *s, size_t i)
{
	size_t p = i, lo = i > NAME_MAX_BACK ? i - NAME_MAX_BACK : 0, hi;
	bool assigned = false;

	if (i == 0 || !is_between(s[i - 1]))
		return NO_CREDENTIAL;
	for (; p > lo && i - p < 12 && is_between(s[p - 1]); p--)
		assigned = assigned || is_operator(s[p - 1]);
	if (WORD_BEFORE(s, p, "bearer") ||
	    ((WORD_BEFORE(s, p, "basic") || WORD_BEFORE(s, p, "token")) &&
	     scan_near(s, i, 40, "authorization")))
		return TOKEN;
	if (p > 1 && (WORD_BEFORE(s, p, "-u") || WORD_BEFORE(s, p, "--user")))
		return USERPASS;
	if (!assigned && (WORD_BEFORE(s, p, "is") || WORD_BEFORE(s, p, "est") ||
			  WORD_BEFORE(s, p, "ist") || WORD_BEFORE(s, p, "es"))) {
		while (p > lo && ascii_is_alpha(s[p - 1]))
			p--;
		while (p > lo && s[p - 1] == ' ')
			p--;
		assigned = true;
	}
	/* <add key="Password" value="..."/> */
	if (assigned && WORD_BEFORE(s, p, "value") && p - lo > 12) {
		for (p -= 5;
		     p > lo && (ascii_is_space(s[p - 1]) || s[p - 1] == '"' || s[p - 1] == '\'');
		     p--)
			;
	}
	if (!assigned || p == lo)
		return NO_CREDENTIAL;
	hi = p;
	while (p > lo && hi - p < 40 &&
	       (ascii_is_alnum(s[p - 1]) || strchr("_-. ", s[p - 1]) != NULL))
		p--;
	return credential_pattern_of(s, p, hi);
}

struct traits {
	size_t n_digits;
	size_t n_letters;
	size_t n_upper;
	size_t n_other;
	size_t n_dots;
	size_t n_slashes;
};

static struct traits traits_of(const char *s, size_t len)
{
	struct traits t = { 0 };

	for (size_t i = 0; i < len; i++) {
		t.n_digits += ascii_is_digit(s[i]);
		t.n_letters += ascii_is_alpha(s[i]);
		t.n_upper += ascii_is_upper(s[i]);
		t.n_other += !ascii_is_alnum(s[i]);
		t.n_dots += s[i] == '.';
		t.n_slashes += s[i] == '/';
	}
	return t;
}

/* Names of files, hosts, versions and constants have digits too. */
static bool is_identifier(const char *s, size_t len, const struct traits *t)
{
	if (memchr(s, ':', len) != NULL || memchr(s, '@', len) != NULL ||
	    memchr(s, '%', len) != NULL)
		return true;
	if (t->n_dots >= 2 || (t->n_slashes >= 2 && t->n_digits * 8 < len))
		return true;
	if (t->n_upper == t->n_letters && memchr(s, '_', len) != NULL)
		return true;                             /* K8S_CRED */
	return t->n_digits <= 2 && t->n_other * 6 > len; /* sales-results-2 */
}

static bool is_token(const char *s, size_t len, size_t least, float entropy)
{
	struct traits t = traits_of(s, len);

	return len >= least && t.n_digits > 0 && t.n_letters > 0 &&
	       !secrets_is_placeholder(s, len) && !is_identifier(s, len, &t) &&
	       scan_entropy(s, len) >= entropy;
}

static bool is_password(const char *s, size_t len)
{
	struct traits t = traits_of(s, len);

	if (len < 6 || s[0] == '$' || s[0] == '%' || secrets_is_placeholder(s, len))
		return false;
	if (t.n_letters == 0 || t.n_digits + t.n_other == 0 || scan_entropy(s, len) < 2.0f)
		return false;
	/* "pass-word" or "self.password" is code or prose, "p@ssword" is not. */
	if (t.n_digits == 0)
		for (size_t i = 0; i < len; i++)
			if (!ascii_is_alpha(s[i]) && strchr("-._/:=!?*", s[i]) != NULL)
				return false;
	return !(t.n_digits == 0 && t.n_other < 2 && !ascii_is_alnum(s[len - 1]));
}

static bool is_userpass(const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t n;

	if (colon == NULL)
		return false;
	n = len - (size_t)(colon - s) - 1;
	return n >= 6 && colon[1] != '$' && is_password(colon + 1, n);
}

static bool credential_matches(enum credential_pattern pattern, const char *s, size_t len)
{
	/* A full stop or the like ends the sentence, not the secret. */
	while (len > 0 && strchr(".!?:", s[len - 1]) != NULL && pattern != PASSWORD)
		len--;
	switch (pattern) {
	case PASSWORD:
		return is_password(s, len);
	case TOKEN:
		return is_token(s, len, 16, 2.9f) || is_token(s, len, 11, 3.3f);
	case VENDOR:
		return is_token(s, len, 16, 3.3f);
	case USERPASS:
		return is_userpass(s, len);
	default:
		return false;
	}
}

/* user:password between "://" and "@": s[i) is behind the slashes. *end is the '@'. */
static enum outcome url_try(const struct scan_view *v, size_t i, size_t *end)
{
	const char *s = v->s;
	size_t p = i, colon = 0;

	if (i < 3 || memcmp(s + i - 3, "://", 3) != 0)
		return NO;
	for (; p < v->len && p - i < VALUE_MAX && s[p] != '@'; p++) {
		if (s[p] == '/' || !is_value(s[p]))
			return NO;
		if (s[p] == ':' && colon == 0)
			colon = p;
	}
	if (p - i == VALUE_MAX || (p == v->len && v->end))
		return NO;
	if (p == v->len)
		return MORE;
	*end = p;
	if (colon == 0 || p - colon < 4 || secrets_is_placeholder(s + colon + 1, p - colon - 1))
		return NO;
	for (size_t k = colon + 1; k < p; k++)
		if (!ascii_is_alpha(s[k]))
			return YES;
	return p - colon > 8 && name_at(s + colon + 1, p - colon - 1, "pass") == 0 ? YES : NO;
}

static enum outcome assigned_try(const struct scan_view *v, size_t i, size_t *end)
{
	enum credential_pattern pattern = credential_pattern_before(v->s, i);
	size_t p = i;

	if (pattern == NO_CREDENTIAL)
		return url_try(v, i, end);
	while (p < v->len && p - i < VALUE_MAX && is_value(v->s[p]))
		p++;
	if (p == v->len && p - i < VALUE_MAX && !v->end)
		return MORE;
	*end = p;
	return credential_matches(pattern, v->s + i, p - i) ? YES : NO;
}

void secrets_scan_assigned(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	for (;;) {
		size_t i, end = 0;
		enum outcome rc;

		if (st->open) {
			while (st->detail && st->from < v->len && is_value(v->s[st->from]))
				st->from++;
			if (st->detail && st->from == v->len && !v->end)
				return;
			st->found.end = st->from;
			st->open = false;
			spans_add(out, &st->found);
		}
		i = MAX(st->from, MIN(v->len, 1u));
		while (i < v->len &&
		       !(is_value(v->s[i]) && (is_between(v->s[i - 1]) || v->s[i - 1] == '/')))
			i++;
		st->from = i;
		if (i == v->len)
			return;
		rc = assigned_try(v, i, &end);
		if (rc == MORE)
			return;
		if (rc == NO) {
			st->from = i + 1;
			continue;
		}
		st->open = true;
		st->detail = end - i == VALUE_MAX;
		st->from = end;
		st->found = (struct text_span){
			.start = i, .kind = &secret_password, .rule = "assigned", .score = 0.85f
		};
	}
}
