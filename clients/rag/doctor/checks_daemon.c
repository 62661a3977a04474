/* The parts of `rag doctor` that every daemon has: who asks, its socket, what it serves. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/rag/doctor/checks.h"
#include "clients/rag/upload/encoding.h"

void checks_me(struct checks *x)
{
	const struct passwd *pw = getpwuid(geteuid());
	gid_t groups[64];
	int n = getgroups(64, groups);
	char list[240] = "";
	size_t len = 0;

	for (int i = 0; i < n && len < sizeof(list); i++) {
		const struct group *g = getgrgid(groups[i]);

		len += (size_t)(g != NULL ? snprintf(list + len, sizeof(list) - len, "%s%s",
						     i > 0 ? ", " : "", g->gr_name)
					  : snprintf(list + len, sizeof(list) - len, "%s%u",
						     i > 0 ? ", " : "", (unsigned)groups[i]));
	}
	checks_add(x, STYLE_GOOD, "you", "user %s (%u), groups %s",
		   pw != NULL ? pw->pw_name : "without a name", (unsigned)geteuid(),
		   list[0] != '\0' ? list : "none");
}

void checks_places(struct checks *x)
{
	struct ragd_place places[4];
	size_t n = ragd_client_places(places, ARRAY_LEN(places));
	bool used = false;

	if (x->r->args.socket != NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct ragd_place *p = &places[i];

		if (p->rc == 0)
			checks_add(x, STYLE_GOOD, "socket", "%s (%s) accepts connections%s",
				   p->path, p->from, used ? ", but an earlier one is used" : "");
		else
			checks_add(x, STYLE_WARN, "socket", "%s (%s): %s", p->path, p->from,
				   strerror(-p->rc));
		used |= p->rc == 0;
	}
}

bool checks_connect(struct checks *x)
{
	struct ragd_err err;

	if (ragd_client_open(x->r->args.socket, &x->c, &err) == 0) {
		checks_add(x, STYLE_GOOD, "connect", "%s", ragd_client_socket(x->c));
		return true;
	}
	checks_add(x, STYLE_BAD, "connect", "%s", err.msg);
	checks_add(
		x, STYLE_WARN, "config",
		"if ragd does not start, its log says why (a model that is missing, for instance), "
		"and ragd -t says what is wrong with its configuration");
	return false;
}

bool checks_daemon(struct checks *x)
{
	const char *version, *state, *opening;
	struct ragd_err err;
	bool starts;
	json_t *root;
	char *text;

	if (ragd_client_health(x->c, &text, &err) < 0) {
		checks_add(x, STYLE_BAD, "health", "%s", err.msg);
	} else {
		checks_add(x, STYLE_GOOD, "health", "the daemon is ready");
		ragd_free(text);
	}
	if (ragd_client_daemon(x->c, &text, &err) < 0) {
		checks_add(x, STYLE_BAD, "version", "%s", err.msg);
		return true;
	}
	root = json_loads(text, JSON_ALLOW_NUL, NULL);
	state = json_string_value(json_object_get(root, "state"));
	opening = json_string_value(json_object_get(root, "opening"));
	starts = state != NULL && strcmp(state, "starting") == 0;
	if (starts)
		checks_add(x, STYLE_BAD, "starting", "%s; look again in a moment",
			   opening != NULL ? opening : "it is opening its plugins");
	version = json_string_value(json_object_get(root, "version"));
	if (version != NULL && strcmp(version, ragd_client_version()) == 0)
		checks_add(x, STYLE_GOOD, "version", "daemon and client are %s", version);
	else
		checks_add(x, STYLE_WARN, "version", "the daemon is %s, this client %s",
			   version != NULL ? version : "unknown", ragd_client_version());
	json_decref(root);
	ragd_free(text);
	return !starts;
}

void checks_assistants(struct checks *x)
{
	json_t *root, *one;
	struct ragd_err err;
	char names[240] = "", *text;
	size_t i, len = 0;

	if (ragd_client_assistants(x->c, &text, &err) < 0) {
		checks_add(x, STYLE_BAD, "assistants", "%s", err.msg);
		return;
	}
	root = json_loads(text, JSON_ALLOW_NUL, NULL);
	json_array_foreach(json_object_get(root, "data"), i, one) {
		const char *id = json_string_value(json_object_get(one, "id"));

		if (id != NULL && len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						i > 0 ? ", " : "", id);
	}
	if (names[0] != '\0')
		checks_add(x, STYLE_GOOD, "assistants", "%s", names);
	else
		checks_add(x, STYLE_BAD, "assistants", "none: the configuration has no assistant");
	json_decref(root);
	ragd_free(text);
}

/* As of a file: the owner's bits, or the group's, or the others'. */
static bool may_write(const struct ragd_collection_row *row)
{
	const struct passwd *pw = getpwnam(row->owner);
	const struct group *g = getgrnam(row->group);
	uid_t owner = pw != NULL ? pw->pw_uid : (uid_t)strtoul(row->owner, NULL, 10);
	gid_t group = g != NULL ? g->gr_gid : (gid_t)strtoul(row->group, NULL, 10);
	unsigned long mode = strtoul(row->mode, NULL, 8);
	gid_t groups[256];
	int n = getgroups(256, groups);

	if (geteuid() == 0)
		return true;
	if (owner == geteuid())
		return mode & 0200;
	for (int i = 0; i < n; i++)
		if (groups[i] == group)
			return mode & 0020;
	return group == getegid() ? mode & 0020 : mode & 0002;
}

void checks_collections(struct checks *x)
{
	const struct ragd_collection_row *row;
	struct ragd_collections *l;
	unsigned long long n_documents = 0;
	struct ragd_err err;

	if (ragd_client_collections(x->c, &l, &err) < 0) {
		checks_add(x, STYLE_BAD, "collections", "%s", err.msg);
		return;
	}
	for (size_t i = 0; (row = ragd_collections_at(l, i)) != NULL; i++) {
		n_documents += row->documents;
		checks_add(x, STYLE_GOOD, "collection",
			   "%s: %llu documents, %llu passages; you may %s", row->name,
			   (unsigned long long)row->documents, (unsigned long long)row->passages,
			   may_write(row) ? "read and write" : "read");
	}
	if (n_documents == 0)
		checks_add(x, STYLE_WARN, "documents", "there are none yet: rag add FOLDER");
	ragd_collections_free(l);
}

void checks_search(struct checks *x)
{
	struct encoding e;
	struct ragd_err err;
	char time[64];

	if (encoding_read(x->c, &e, &err) < 0) {
		checks_add(x, STYLE_BAD, "search", "%s", err.msg);
		return;
	}
	encoding_time(time, sizeof(time), e.waiting_s);
	if (e.trouble[0] != '\0')
		checks_add(x, STYLE_WARN, "search", "by words alone: %s", e.trouble);
	else if (e.n_waiting > 0)
		checks_add(x, STYLE_GOOD, "search",
			   "by words and meaning; %llu of %llu passages by meaning in %s",
			   (unsigned long long)e.n_waiting, (unsigned long long)e.n_passages, time);
	else if (e.encoder[0] != '\0')
		checks_add(x, STYLE_GOOD, "search", "by words, and by meaning with '%s'",
			   e.encoder);
	else
		checks_add(x, STYLE_GOOD, "search",
			   "by words, and by vectors learned from the documents");
	/* Some are in any collection: quotations, tables, source code. */
	if (2 * e.n_foreign >= e.n_vectors && e.n_foreign > 0)
		checks_add(
			x, STYLE_WARN, "language",
			"%llu of %llu passages are in a language that '%s' hardly knows, and are "
			"found by their words rather than their meaning: docs/models.md says how "
			"to use an encoder for many languages, such as multilingual-e5-small",
			(unsigned long long)e.n_foreign, (unsigned long long)e.n_passages,
			e.encoder);
}

void checks_plugins(struct checks *x)
{
	struct ragd_err err;
	json_t *root;
	char *text;
	size_t n;

	if (ragd_client_plugins(x->c, &text, &err) < 0) {
		checks_add(x, err.code == -EACCES ? STYLE_WARN : STYLE_BAD, "plugins", "%s",
			   err.msg);
		return;
	}
	root = json_loads(text, JSON_ALLOW_NUL, NULL);
	n = json_array_size(json_object_get(root, "data"));
	checks_add(x, n > 0 ? STYLE_GOOD : STYLE_BAD, "plugins", "%zu loaded", n);
	json_decref(root);
	ragd_free(text);
}
