/* How far the daemon is with the vectors of what it was given: until then words alone find it. */
#ifndef RAG_ENCODING_H
#define RAG_ENCODING_H

#include <stdint.h>

#include "clients/rag/rag.h"

/* Of all collections that the user may read. */
struct encoding {
	uint64_t n_passages;
	uint64_t n_vectors;
	uint64_t n_waiting;
	uint64_t waiting_s; /* about how long it takes; 0: not known */
	uint64_t n_foreign; /* in a language that the encoder hardly knows */
	char encoder[72];   /* "": vectors are learned from the documents */
	char trouble[240];  /* why there are no vectors at present; "" if there are */
};

int encoding_read(struct ragd_client *c, struct encoding *out, struct ragd_err *err);
/* Until no passage waits. -EIO with the daemon's sentence if there is trouble. */
int encoding_wait(struct ragd_client *c, struct ragd_err *err);
/* "about 2 minutes", "a moment". */
void encoding_time(char *out, size_t size, uint64_t seconds);

#endif
