#include "base/curl_easy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool easy_set_up(CURL *easy, const struct easy_request *r)
{
	bool ok = true;

	ok &= !curl_easy_setopt(easy, CURLOPT_URL, r->url);
	ok &= !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, r->protocols);
	ok &= !curl_easy_setopt(easy, CURLOPT_USERAGENT, r->agent);
	ok &= !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
	ok &= !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, r->write);
	ok &= !curl_easy_setopt(easy, CURLOPT_WRITEDATA, r->arg);
	ok &= !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, r->timeout_ms);
	ok &= !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* it is not the only thread */
	if (r->unix_path != NULL) {
		ok &= !curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_path);
		ok &= !curl_easy_setopt(easy, CURLOPT_PROXY, "");
	}
	if (r->body != NULL) {
		ok &= !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len);
		ok &= !curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
	}
	return ok;
}

bool easy_header_add(struct curl_slist **list, const char *name, const char *value)
{
	struct curl_slist *longer;
	char *line;

	/* libcurl takes "NAME:" as: do not send it. */
	if (asprintf(&line, "%s:%s%s", name, value[0] != '\0' ? " " : "", value) < 0)
		return false;
	longer = curl_slist_append(*list, line);
	explicit_bzero(line, strlen(line));
	free(line);
	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

void easy_headers_free(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l != NULL; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(list);
}
