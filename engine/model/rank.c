/*
 * The head of a model that ranks: the first token's row, through a dense layer with a tanh where
 * there is one, to one number. It reads few weights for each pair of texts, so it is computed in
 * full precision and by one thread.
 */
#include <math.h>

#include "engine/model/model.h"
#include "engine/model/weights.h"

/* Row i of the table times x. */
static double row_dot(const struct rows *table, size_t i, const float *x, float *row)
{
	double sum = 0;

	rows_read(table, i, row);
	for (size_t c = 0; c < table->cols; c++)
		sum += (double)row[c] * (double)x[c];
	return sum;
}

float run_rank(const struct model *m, const float *rows, float *scratch)
{
	size_t n = m->shape.n_embd;
	float *row = scratch, *dense = scratch + n;
	const float *x = rows;

	if (rows_there(&m->head)) {
		for (size_t i = 0; i < n; i++) {
			double bias = m->head_bias != NULL ? (double)m->head_bias[i] : 0;

			dense[i] = (float)tanh(row_dot(&m->head, i, rows, row) + bias);
		}
		x = dense;
	}
	return (float)(row_dot(&m->head_output, 0, x, row) +
		       (m->head_output_bias != NULL ? (double)m->head_output_bias[0] : 0));
}
