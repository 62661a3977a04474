/*
 * How to describe a request to libcurl, whoever drives the transfer. This file is not part of
 * libbase, which must not need libcurl: libupstream and libragd each compile it in.
 */
#ifndef BASE_CURL_EASY_H
#define BASE_CURL_EASY_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

/*
 * All of it is borrowed; url, unix_path and agent until easy_set_up() returns, the rest until the
 * end.
 */
struct easy_request {
	const char *url;
	const char *unix_path; /* NULL: over TCP; else without any proxy */
	const char *protocols; /* "http,https" */
	const char *agent;
	struct curl_slist *headers;
	const char *body; /* NULL: GET */
	size_t len;       /* bytes of the body */
	long timeout_ms;  /* of the whole transfer; 0: no bound here */
	curl_write_callback write;
	void *arg;
};

/* False: libcurl refuses it, or is out of memory. */
bool easy_set_up(CURL *easy, const struct easy_request *r);

/* Append a header to *list. False: out of memory, and the list is as it was. */
bool easy_header_add(struct curl_slist **list, const char *name, const char *value);
/* Wipes the lines, since one of them may hold a key. */
void easy_headers_free(struct curl_slist *list);

#endif
