/* Rows of a table, as the file has them or out of a packed matrix. */
#include "engine/model/weights.h"

void rows_read(const struct rows *r, size_t i, float *out)
{
	if (r->packed != NULL)
		pack_row(r->packed, i, out);
	else
		quant_unpack(r->type, r->data + i * quant_row_bytes(r->type, r->cols), out,
			     r->cols);
}
