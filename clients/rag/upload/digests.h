/* What a collection holds already. */
#ifndef RAG_DIGESTS_H
#define RAG_DIGESTS_H

#include <jansson.h>

#include <ragd/client.h>

/*
 * An object of id to digest, for the caller to json_decref(); empty if there is no such collection
 * yet.
 */
int digests_fetch(struct ragd_client *c, const char *collection, json_t **out,
		  struct ragd_err *err);

#endif
