/*
 * What this machine can do at most, measured with the same threads as the model is: what its
 * figures are held against.
 */
#ifndef MODEL_MEASURE_H
#define MODEL_MEASURE_H

#include "engine/threads/threads.h"

struct measure;

/* Memory to read is allocated and written once. -ENOMEM. */
int measure_open(struct threads *t, struct measure **out, struct ragd_err *err);
void measure_close(struct measure *m);

/* Each takes some tenths of a second. */
double measure_read(struct measure *m); /* bytes a second from memory */
/* Operations a second on registers, multiplications and additions counted: 8-bit integers (0 where
 * there are no instructions for them that we know) and 32-bit floats. */
double measure_int8(struct measure *m);
double measure_f32(struct measure *m);

#endif
