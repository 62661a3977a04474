/* One vector of a text from the rows of its tokens. */
#include <math.h>

#include "engine/model/model.h"

void run_pool(const struct model_shape *s, enum model_pooling pooling, const float *rows, size_t n,
	      float *out)
{
	size_t dim = s->n_embd;
	const float *one = pooling == POOLING_LAST ? rows + (n - 1) * dim : rows;
	double square = 0, scale;

	for (size_t i = 0; i < dim; i++) {
		double sum = (double)one[i];

		if (pooling == POOLING_MEAN || pooling == POOLING_NONE) {
			for (size_t t = 1; t < n; t++)
				sum += (double)rows[t * dim + i];
			sum /= (double)n;
		}
		out[i] = (float)sum;
		square += sum * sum;
	}
	scale = square > 0 && isfinite(square) ? 1 / sqrt(square) : 0;
	for (size_t i = 0; i < dim; i++)
		out[i] = (float)((double)out[i] * scale);
}
