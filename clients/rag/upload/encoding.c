#include "clients/rag/upload/encoding.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <jansson.h>

#define POLL_MS 200
/* An encoder that fails is asked again by the daemon, which is waited for this many times. */
#define TROUBLE_POLLS 25

static uint64_t member_uint(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void copy_member(const json_t *object, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(object, name));

	if (s != NULL && s[0] != '\0')
		snprintf(out, size, "%s", s);
}

int encoding_read(struct ragd_client *c, struct encoding *out, struct ragd_err *err)
{
	json_t *root, *one;
	char *text;
	size_t i;
	int rc = ragd_client_daemon(c, &text, err);

	if (rc < 0)
		return rc;
	*out = (struct encoding){ 0 };
	root = json_loads(text, JSON_ALLOW_NUL, NULL);
	json_array_foreach(json_object_get(root, "retrieval"), i, one) {
		out->n_passages += member_uint(one, "passages");
		out->n_vectors += member_uint(one, "vectors");
		out->n_waiting += member_uint(one, "waiting");
		out->n_foreign += member_uint(one, "foreign");
		out->waiting_s += member_uint(one, "waiting_s");
		copy_member(one, "embedder", out->encoder, sizeof(out->encoder));
		copy_member(one, "trouble", out->trouble, sizeof(out->trouble));
	}
	json_decref(root);
	ragd_free(text);
	return 0;
}

int encoding_wait(struct ragd_client *c, struct ragd_err *err)
{
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	unsigned n_trouble = 0;
	struct encoding e;
	int rc;

	for (;;) {
		rc = encoding_read(c, &e, err);
		if (rc < 0 || e.n_waiting == 0)
			return rc;
		n_trouble = e.trouble[0] != '\0' ? n_trouble + 1 : 0;
		if (n_trouble == TROUBLE_POLLS)
			return ragd_err_set(err, -EIO,
					    "%llu passages are found by words alone: %.160s",
					    (unsigned long long)e.n_waiting, e.trouble);
		nanosleep(&pause, NULL);
	}
}

void encoding_time(char *out, size_t size, uint64_t seconds)
{
	if (seconds < 5)
		snprintf(out, size, "a moment");
	else if (seconds < 90)
		snprintf(out, size, "about %llu seconds",
			 (unsigned long long)(seconds + 4) / 5 * 5);
	else if (seconds < 90 * 60)
		snprintf(out, size, "about %llu minutes", (unsigned long long)(seconds + 30) / 60);
	else
		snprintf(out, size, "about %llu hours",
			 (unsigned long long)(seconds + 1800) / 3600);
}
