/* Tokens that carry their issuer's prefix, and JSON web tokens. */
#include <string.h>

#include "base/util.h"
#include "base/text/ascii.h"
#include "safety/secrets/pem.h"
#include "safety/secrets/secrets.h"
#include "safety/secrets/secrets_rows.h"

enum {
	C_HEX = 1,
	C_LOWER = 2, /* a-z 0-9 */
	C_UPPER = 4, /* A-Z 0-9 */
	C_ALNUM = C_HEX | C_LOWER | C_UPPER,
	C_BAR = 8,     /* _ */
	C_DASH = 16,   /* - */
	C_DOT = 32,    /* . */
	C_B64 = 64,    /* + / */
	C_EQ = 128,    /* = */
	C_TILDE = 256, /* ~ */
	C_TOKEN = C_ALNUM | C_BAR | C_DASH,
};

#define MIXED 1 /* digits and letters both */

/*
 * A token is the prefix and then at least `min` bytes of the class; exactly so many if `exact`. The
 * prefixes are what the issuers document, so that leaked tokens can be found.
 */
static const struct token_prefix {
	const char *prefix;
	const char *rule;
	unsigned short cls;
	unsigned char min;
	bool exact;
	unsigned char need; /* MIXED */
	float entropy;      /* bits per byte of the first `min` bytes, at least */
} tokens[] = {
	/* clang-format off */
	{ "4b1d",            "clickhouse",     C_ALNUM, 38, true,  MIXED, 3.0f },
	{ "A3-",             "1password-key",  C_UPPER | C_DASH, 33, false, MIXED, 3.5f },
	{ "ABIA",            "aws",            C_UPPER, 16, true,  0,     3.0f },
	{ "ABSK",            "aws-bedrock",    C_ALNUM | C_B64 | C_EQ, 100, false, 0, 2.5f },
	{ "ACCA",            "aws",            C_UPPER, 16, true,  0,     3.0f },
	{ "AGE-SECRET-KEY-1","age",            C_UPPER, 58, true,  MIXED, 3.0f },
	{ "AIza",            "google",         C_TOKEN, 35, true,  MIXED, 3.5f },
	{ "AKCp",            "artifactory",    C_ALNUM, 69, true,  MIXED, 3.5f },
	{ "AKIA",            "aws",            C_UPPER, 16, true,  0,     3.0f },
	{ "API-",            "octopus",        C_UPPER, 26, true,  MIXED, 3.0f },
	{ "AQVN",            "yandex",         C_TOKEN, 35, false, MIXED, 3.5f },
	{ "ASIA",            "aws",            C_UPPER, 16, true,  0,     3.0f },
	{ "ATATT3",          "atlassian",      C_TOKEN | C_EQ, 100, false, MIXED, 3.5f },
	{ "CLOJARS_",        "clojars",        C_ALNUM, 60, true,  MIXED, 3.0f },
	{ "EAA",             "facebook",       C_ALNUM, 80, false, MIXED, 3.5f },
	{ "EAAA",            "square",         C_TOKEN, 22, false, MIXED, 3.5f },
	{ "EZAK",            "easypost",       C_ALNUM, 54, true,  MIXED, 3.5f },
	{ "EZTK",            "easypost",       C_ALNUM, 54, true,  MIXED, 3.5f },
	{ "FLWSECK-",        "flutterwave",    C_TOKEN, 32, false, MIXED, 2.5f },
	{ "FLWSECK_TEST-",   "flutterwave",    C_TOKEN, 12, false, MIXED, 2.5f },
	{ "FLWPUBK_TEST-",   "flutterwave",    C_TOKEN, 32, false, MIXED, 2.5f },
	{ "GOCSPX-",         "google-oauth",   C_TOKEN, 28, true,  0,     3.0f },
	{ "GR1348941",       "gitlab",         C_TOKEN, 20, false, MIXED, 3.5f },
	{ "HRKU-AA",         "heroku",         C_TOKEN, 58, true,  MIXED, 3.5f },
	{ "LTAI",            "alibaba",        C_ALNUM, 20, true,  MIXED, 3.0f },
	{ "NRAK-",           "new-relic",      C_ALNUM, 27, true,  MIXED, 3.0f },
	{ "NRII-",           "new-relic",      C_TOKEN, 32, true,  MIXED, 3.0f },
	{ "NRJS-",           "new-relic",      C_ALNUM, 19, true,  MIXED, 3.0f },
	{ "PMAK-",           "postman",        C_HEX | C_DASH, 59, true, MIXED, 3.0f },
	{ "SG.",             "sendgrid",       C_TOKEN | C_DOT | C_EQ, 60, false, MIXED, 3.5f },
	{ "SK",              "twilio",         C_HEX, 32, true,  MIXED, 3.0f },
	{ "api_org_",        "huggingface",    C_LOWER | C_UPPER, 34, true, 0, 3.0f },
	{ "atlasv1.",        "terraform",      C_TOKEN | C_EQ, 58, false, MIXED, 3.5f },
	{ "cmVmd",           "artifactory",    C_ALNUM, 59, true,  MIXED, 3.5f },
	{ "dapi",            "databricks",     C_HEX, 32, false, MIXED, 3.0f },
	{ "dnkey-",          "defined",        C_TOKEN | C_EQ, 40, false, MIXED, 3.0f },
	{ "doo_v1_",         "digitalocean",   C_HEX, 64, true,  MIXED, 2.8f },
	{ "dop_v1_",         "digitalocean",   C_HEX, 64, true,  MIXED, 2.8f },
	{ "dor_v1_",         "digitalocean",   C_HEX, 64, true,  MIXED, 2.8f },
	{ "dp.ct.",          "doppler",        C_ALNUM, 40, false, MIXED, 3.0f },
	{ "dp.pt.",          "doppler",        C_ALNUM, 40, false, MIXED, 3.0f },
	{ "dp.st.",          "doppler",        C_TOKEN | C_DOT, 40, false, MIXED, 3.0f },
	{ "duffel_live_",    "duffel",         C_TOKEN | C_EQ, 43, false, MIXED, 3.0f },
	{ "duffel_test_",    "duffel",         C_TOKEN | C_EQ, 43, false, MIXED, 3.0f },
	{ "fio-u-",          "frameio",        C_TOKEN | C_EQ, 60, false, MIXED, 3.0f },
	{ "fm1_", "fly", C_ALNUM | C_B64 | C_EQ | C_BAR, 80, false, MIXED, 3.5f },
	{ "fm2_", "fly", C_ALNUM | C_B64 | C_EQ | C_BAR, 80, false, MIXED, 3.5f },
	{ "fo1_",            "fly",            C_TOKEN, 43, true,  MIXED, 3.5f },
	{ "gho_",            "github",         C_ALNUM, 36, false, 0,     3.0f },
	{ "ghp_",            "github",         C_ALNUM, 36, false, 0,     3.0f },
	{ "ghr_",            "github",         C_ALNUM, 36, false, 0,     3.0f },
	{ "ghs_",            "github",         C_ALNUM, 36, false, 0,     3.0f },
	{ "ghu_",            "github",         C_ALNUM, 36, false, 0,     3.0f },
	{ "github_pat_",     "github",         C_ALNUM | C_BAR, 36, false, 0, 3.0f },
	{ "gitlab_session=", "gitlab",         C_ALNUM, 32, true,  MIXED, 3.0f },
	{ "glagent-",        "gitlab",         C_TOKEN, 50, false, 0,     3.0f },
	{ "glc_",            "grafana",        C_ALNUM | C_B64 | C_EQ, 32, false, MIXED, 3.0f },
	{ "glcbt-",          "gitlab",         C_TOKEN, 20, false, 0,     3.0f },
	{ "gldt-",           "gitlab",         C_TOKEN, 20, false, 0,     3.0f },
	{ "glffct-",         "gitlab",         C_TOKEN, 20, false, 0,     3.0f },
	{ "glft-",           "gitlab",         C_TOKEN, 20, false, 0,     3.0f },
	{ "glimt-",          "gitlab",         C_TOKEN, 25, false, 0,     3.0f },
	{ "gloas-",          "gitlab",         C_TOKEN, 50, false, 0,     3.0f },
	{ "glpat-",          "gitlab",         C_TOKEN | C_DOT, 20, false, 0, 3.0f },
	{ "glptt-",          "gitlab",         C_HEX, 40, true,  MIXED, 2.8f },
	{ "glrt-",           "gitlab",         C_TOKEN | C_DOT, 20, false, 0, 3.0f },
	{ "glsa_",           "grafana",        C_ALNUM | C_BAR, 41, false, MIXED, 3.0f },
	{ "glsoat-",         "gitlab",         C_TOKEN, 20, false, 0,     3.0f },
	{ "gsk_",            "groq",           C_ALNUM, 40, false, MIXED, 3.5f },
	{ "hf_",             "huggingface",    C_LOWER | C_UPPER, 34, true, 0, 3.2f },
	{ "hooks.slack.com/services/",  "slack-hook", C_ALNUM | C_B64, 30, false, MIXED, 3.0f },
	{ "hooks.slack.com/triggers/",  "slack-hook", C_ALNUM | C_B64, 30, false, MIXED, 3.0f },
	{ "hooks.slack.com/workflows/", "slack-hook", C_ALNUM | C_B64, 30, false, MIXED, 3.0f },
	{ "hvb.",            "vault",          C_TOKEN, 60, false, MIXED, 3.5f },
	{ "hvs.",            "vault",          C_TOKEN, 24, false, MIXED, 3.5f },
	{ "ico-",            "infracost",      C_ALNUM, 32, true,  MIXED, 3.2f },
	{ "lin_api_",        "linear",         C_ALNUM, 40, true,  MIXED, 3.0f },
	{ "npm_",            "npm",            C_ALNUM, 36, true,  0,     3.0f },
	{ "ntn_",            "notion",         C_ALNUM, 46, true,  MIXED, 3.5f },
	{ "ops_eyJ",         "1password",      C_ALNUM | C_B64 | C_EQ, 60, false, 0, 3.5f },
	{ "p8e-",            "adobe",          C_ALNUM, 32, true,  MIXED, 3.0f },
	{ "pat",             "airtable",       C_ALNUM | C_DOT, 79, true, MIXED, 3.0f },
	{ "pnu_",            "prefect",        C_ALNUM, 36, true,  MIXED, 3.0f },
	{ "pplx-",           "perplexity",     C_ALNUM, 48, true,  MIXED, 3.5f },
	{ "pscale_oauth_",   "planetscale",    C_TOKEN | C_DOT | C_EQ, 32, false, 0, 3.0f },
	{ "pscale_pw_",      "planetscale",    C_TOKEN | C_DOT | C_EQ, 32, false, 0, 3.0f },
	{ "pscale_tkn_",     "planetscale",    C_TOKEN | C_DOT | C_EQ, 32, false, 0, 3.0f },
	{ "pubkey-",         "mailgun",        C_HEX, 32, true,  MIXED, 2.8f },
	{ "pul-",            "pulumi",         C_HEX, 40, true,  MIXED, 2.8f },
	{ "pypi-AgEIcHlwaS5vcmc", "pypi",      C_TOKEN, 50, false, 0,     3.0f },
	{ "rdme_",           "readme",         C_ALNUM, 70, true,  MIXED, 3.0f },
	{ "rk_live_",        "stripe",         C_ALNUM, 10, false, 0,     2.5f },
	{ "rk_prod_",        "stripe",         C_ALNUM, 10, false, 0,     2.5f },
	{ "rk_test_",        "stripe",         C_ALNUM, 10, false, 0,     2.5f },
	{ "rubygems_",       "rubygems",       C_HEX, 48, true,  MIXED, 2.8f },
	{ "s-s4t2af-",       "intra42",        C_HEX, 64, true,  MIXED, 2.8f },
	{ "s-s4t2ud-",       "intra42",        C_HEX, 64, true,  MIXED, 2.8f },
	{ "s.",              "vault",          C_ALNUM, 24, true,  MIXED, 3.6f },
	{ "secret_",         "notion",         C_ALNUM, 43, true,  MIXED, 3.5f },
	{ "sgp_",            "sourcegraph",    C_HEX | C_BAR, 40, false, MIXED, 2.8f },
	{ "sgp_local_",      "sourcegraph",    C_HEX, 40, true,  MIXED, 2.8f },
	{ "sha256~",         "openshift",      C_TOKEN, 43, false, MIXED, 3.5f },
	{ "shippo_live_",    "shippo",         C_HEX, 40, true,  MIXED, 2.8f },
	{ "shippo_test_",    "shippo",         C_HEX, 40, true,  MIXED, 2.8f },
	{ "shpat_",          "shopify",        C_HEX, 32, true,  MIXED, 2.8f },
	{ "shpca_",          "shopify",        C_HEX, 32, true,  MIXED, 2.8f },
	{ "shppa_",          "shopify",        C_HEX, 32, true,  MIXED, 2.8f },
	{ "shpss_",          "shopify",        C_HEX, 32, true,  MIXED, 2.8f },
	{ "sk-",             "openai",         C_ALNUM, 40, false, MIXED, 3.5f },
	{ "sk-admin-",       "openai",         C_TOKEN, 40, false, MIXED, 3.5f },
	{ "sk-ant-admin01-", "anthropic",      C_TOKEN, 95, true,  MIXED, 3.5f },
	{ "sk-ant-api03-",   "anthropic",      C_TOKEN, 95, true,  MIXED, 3.5f },
	{ "sk-ant-oat01-",   "anthropic",      C_TOKEN, 90, false, MIXED, 3.5f },
	{ "sk-or-v1-",       "openrouter",     C_HEX, 64, true,  MIXED, 2.8f },
	{ "sk-proj-",        "openai",         C_TOKEN, 40, false, MIXED, 3.5f },
	{ "sk-svcacct-",     "openai",         C_TOKEN, 40, false, MIXED, 3.5f },
	{ "sk_live_",        "stripe",         C_ALNUM, 10, false, 0,     2.5f },
	{ "sk_prod_",        "stripe",         C_ALNUM, 10, false, 0,     2.5f },
	{ "sk_test_",        "stripe",         C_ALNUM, 10, false, 0,     2.5f },
	{ "sm_aat_",         "settlemint",     C_ALNUM, 16, true,  0,     2.8f },
	{ "sm_pat_",         "settlemint",     C_ALNUM, 16, true,  0,     2.8f },
	{ "sm_sat_",         "settlemint",     C_ALNUM, 16, true,  0,     2.8f },
	{ "sntrys_eyJ",      "sentry",         C_ALNUM | C_B64 | C_EQ | C_BAR, 60, false, 0, 3.5f },
	{ "sntryu_",         "sentry",         C_HEX, 64, true,  MIXED, 2.8f },
	{ "sq0atp-",         "square",         C_TOKEN, 22, true,  0,     3.0f },
	{ "sq0csp-",         "square",         C_TOKEN, 43, true,  0,     3.0f },
	{ "tfp_",            "typeform",       C_TOKEN | C_DOT | C_EQ, 59, true, MIXED, 3.0f },
	{ "tk-us-",          "scalingo",       C_TOKEN, 48, true,  MIXED, 3.0f },
	{ "v1.0-",           "cloudflare",     C_HEX | C_DASH, 120, false, MIXED, 2.8f },
	{ "whsec_",          "stripe",         C_ALNUM | C_B64 | C_EQ, 32, false, 0, 3.0f },
	{ "xapp-",           "slack",          C_ALNUM | C_DASH, 24, false, MIXED, 3.0f },
	{ "xkeysib-",        "brevo",          C_ALNUM | C_DASH, 64, false, MIXED, 2.8f },
	{ "xoxa-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxb-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxe-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxe.xoxb-",      "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxe.xoxp-",      "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxo-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxp-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxr-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "xoxs-",           "slack",          C_ALNUM | C_DASH, 14, false, MIXED, 2.8f },
	{ "ya29.",           "google-oauth",   C_TOKEN, 30, false, MIXED, 3.5f },
	/* clang-format on */
};

#define JWT_LOOK 160 /* the header of a web token ends within so many bytes */

static bool in_class(char c, unsigned cls)
{
	if (ascii_is_digit(c))
		return cls & (C_HEX | C_LOWER | C_UPPER);
	if (ascii_is_lower(c))
		return cls & C_LOWER || (cls & C_HEX && c <= 'f');
	if (ascii_is_upper(c))
		return cls & C_UPPER || (cls & C_HEX && c <= 'F');
	switch (c) {
	case '_':
		return cls & C_BAR;
	case '-':
		return cls & C_DASH;
	case '.':
		return cls & C_DOT;
	case '=':
		return cls & C_EQ;
	case '~':
		return cls & C_TILDE;
	case '+':
	case '/':
		return cls & C_B64;
	default:
		return false;
	}
}

static bool is_mixed(const char *s, size_t len)
{
	bool digit = false, letter = false;

	for (size_t i = 0; i < len; i++) {
		digit = digit || ascii_is_digit(s[i]);
		letter = letter || ascii_is_alpha(s[i]);
	}
	return digit && letter;
}

/* One row of the table at s[i). `body` is where the prefix ends, when YES. */
static enum outcome token_try(const struct scan_view *v, size_t i, const struct token_prefix *t,
			      size_t *body)
{
	size_t have = v->len - i, n, p, q;

	/* Most words end here; the first letter is that of the row. */
	if (have > 1 && v->s[i + 1] != t->prefix[1])
		return NO;
	n = strlen(t->prefix);
	if (have < n)
		return memcmp(v->s + i, t->prefix, have) == 0 && !v->end ? MORE : NO;
	if (memcmp(v->s + i, t->prefix, n) != 0)
		return NO;
	p = i + n;
	for (q = p; q < v->len && q - p <= t->min && in_class(v->s[q], t->cls); q++)
		;
	if (q - p < t->min + (t->exact ? 1u : 0u) && q == v->len && !v->end)
		return MORE;
	if (q - p < t->min || (t->exact && q - p > t->min))
		return NO;
	if (t->need == MIXED && !is_mixed(v->s + p, t->min))
		return NO;
	if (scan_entropy(v->s + p, t->min) < t->entropy || secrets_is_placeholder(v->s + p, t->min))
		return NO;
	*body = p + t->min;
	return YES;
}

/* Header, dot, payload: three parts of base64url, the first two of JSON objects. */
static enum outcome jwt_try(const struct scan_view *v, size_t i, size_t *body)
{
	size_t p = i + 3;

	if (v->s[i] != 'e')
		return NO;
	if (v->len - i < 3)
		return memcmp(v->s + i, "eyJ", v->len - i) == 0 && !v->end ? MORE : NO;
	if (memcmp(v->s + i, "eyJ", 3) != 0)
		return NO;
	while (p < v->len && p - i < JWT_LOOK && in_class(v->s[p], C_TOKEN))
		p++;
	if (p + 4 > v->len && !v->end && p - i < JWT_LOOK)
		return MORE;
	if (p - i < 10 || p + 4 > v->len || memcmp(v->s + p, ".eyJ", 4) != 0)
		return NO;
	*body = p + 4;
	return YES;
}

/* Azure's client secrets have their mark in the middle: abc8Q~ and 31 to 34 more. */
static enum outcome azure_try(const struct scan_view *v, size_t i, size_t *body)
{
	const char *s = v->s + i;
	const unsigned cls = C_TOKEN | C_DOT | C_TILDE;
	size_t have = v->len - i, n = 0;

	if (have > 5 && (s[4] != 'Q' || s[5] != '~' || !ascii_is_digit(s[3])))
		return NO;
	while (n < have && n < 38 && in_class(s[n], cls))
		n++;
	if ((n > 3 && !ascii_is_digit(s[3])) || (n > 4 && s[4] != 'Q') || (n > 5 && s[5] != '~'))
		return NO;
	if (n == have && !v->end && n < 37)
		return MORE;
	if (n < 37 || secrets_is_placeholder(s + 6, 31) || scan_entropy(s, 37) < 3.3f)
		return NO;
	*body = i + 37;
	return YES;
}

static enum outcome any_try(const struct scan_view *v, size_t i, size_t *body, unsigned *cls,
			    const char **rule)
{
	enum outcome rc, all = NO;
	char c = v->s[i];

	for (size_t k = SECRETS_FROM(tokens, c); k < ARRAY_LEN(tokens) && tokens[k].prefix[0] == c;
	     k++) {
		rc = token_try(v, i, &tokens[k], body);
		if (rc == MORE)
			all = MORE;
		if (rc != YES)
			continue;
		/*
		 * A longer prefix could still be the better name, but the bytes are the same: what
		 * is removed does not depend on it.
		 */
		*cls = tokens[k].exact ? 0 : tokens[k].cls;
		*rule = tokens[k].rule;
		return YES;
	}
	rc = jwt_try(v, i, body);
	if (rc == YES) {
		*cls = C_TOKEN | C_DOT | C_EQ;
		*rule = "jwt";
		return YES;
	}
	all = rc == MORE ? MORE : all;
	rc = azure_try(v, i, body);
	if (rc == YES) {
		*cls = C_TOKEN | C_DOT | C_TILDE;
		*rule = "azure";
		return YES;
	}
	return rc == MORE ? MORE : all;
}

/* An open token goes on as long as its class does. False once it has ended. */
static bool token_go_on(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	while (st->from < v->len && in_class(v->s[st->from], st->detail))
		st->from++;
	if (st->from == v->len && !v->end)
		return true;
	st->found.end = st->from;
	st->open = false;
	spans_add(out, &st->found);
	return false;
}

/* Where a token may begin: after anything but a letter or digit. */
static bool may_begin(const char *s, size_t i)
{
	return (i == 0 || !ascii_is_alnum(s[i - 1])) &&
	       (ascii_is_alnum(s[i]) || s[i] == '_' || s[i] == '-' || s[i] == '.' || s[i] == '~');
}

/* A key or token that begins at s[i) is now open; nothing more is held for it. */
static enum outcome open_at(struct scanner *st, const struct scan_view *v, size_t i)
{
	unsigned cls = 0;
	const char *rule = "pem";
	size_t body = 0;
	enum outcome rc = pem_try(v, i, &body);

	st->found = (struct text_span){ .start = i, .kind = &secret_key, .score = 1.0f };
	if (rc == NO) {
		rc = any_try(v, i, &body, &cls, &rule);
		st->found.kind = &secret_token;
		st->found.score = 0.98f;
	}
	if (rc != YES)
		return rc;
	st->found.rule = rule;
	st->open = true;
	st->detail = cls;
	st->from = body;
	return YES;
}

void secrets_scan_tokens(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	for (;;) {
		if (st->open) {
			bool key = st->found.kind == &secret_key;

			if (key ? pem_go_on(st, v, out) : token_go_on(st, v, out))
				return;
		}
		while (st->from < v->len && !may_begin(v->s, st->from))
			st->from++;
		if (st->from == v->len)
			return;
		switch (open_at(st, v, st->from)) {
		case MORE:
			return;
		case NO:
			st->from++;
			break;
		case YES:
			break;
		}
	}
}
