/* What tests/fuzz/test_driver.sh runs the driver on: crashes on input that holds a certain word. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (memmem(data, size, "BANG", 4) != NULL)
		abort();
	return 0;
}
