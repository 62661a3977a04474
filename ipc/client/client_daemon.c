/* The daemon itself, and ratings of its answers. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

int ragd_client_feedback(struct ragd_client *c, const struct ragd_feedback *f, char **id,
			 struct ragd_err *err)
{
	struct client_reply reply;
	struct client_body b;
	char *copy;
	int rc;

	client_body_init(&b, err);
	client_body_text(&b, "answer_id", f->answer_id);
	client_body_text(&b, "rating", f->rating);
	client_body_text(&b, "reason", f->reason);
	client_body_text(&b, "comment", f->comment);
	client_body_text(&b, "better", f->better);
	rc = client_send(c, "POST", client_path("/v1/feedback"), &b, &reply);
	if (rc < 0 || id == NULL) {
		if (rc == 0)
			client_reply_fini(&reply);
		return rc;
	}
	copy = strdup(client_text(reply.root, "id"));
	client_reply_fini(&reply);
	if (copy == NULL)
		return client_no_memory(err);
	*id = copy;
	return 0;
}

static int get_text(struct ragd_client *c, const char *method, const char *path, char **out,
		    struct ragd_err *err)
{
	return ragd_client_request(c, method, path, NULL, NULL, 0, out, NULL, err);
}

int ragd_client_assistants(struct ragd_client *c, char **json, struct ragd_err *err)
{
	return get_text(c, "GET", "/v1/models", json, err);
}

int ragd_client_system_card(struct ragd_client *c, char **json, struct ragd_err *err)
{
	return get_text(c, "GET", "/v1/system-card", json, err);
}

int ragd_client_daemon(struct ragd_client *c, char **json, struct ragd_err *err)
{
	return get_text(c, "GET", "/v1/status", json, err);
}

int ragd_client_plugins(struct ragd_client *c, char **json, struct ragd_err *err)
{
	return get_text(c, "GET", "/v1/plugins", json, err);
}

int ragd_client_health(struct ragd_client *c, char **json, struct ragd_err *err)
{
	return get_text(c, "GET", "/healthz", json, err);
}

int ragd_client_metrics(struct ragd_client *c, char **text, struct ragd_err *err)
{
	return get_text(c, "GET", "/metrics", text, err);
}

int ragd_client_reload(struct ragd_client *c, char **json, struct ragd_err *err)
{
	return client_post(c, client_path("/v1/admin/reload"), json, err);
}
