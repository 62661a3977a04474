/* The list of architectures. */
#include "engine/model/arch/arch.h"

#include "base/util.h"

static const struct arch *const list[] = {
	&arch_llama, &arch_qwen2, &arch_qwen3, &arch_bert, &arch_nomic_bert,
};

const struct arch *arch_at(size_t i)
{
	return i < ARRAY_LEN(list) ? list[i] : NULL;
}
