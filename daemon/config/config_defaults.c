#include "daemon/config/config.h"

#include <config.h>

/*
 * Validated like any file; `ragd --print-defaults` shows it.
 * Sections a file lacks come from here.
 */
static const char defaults[] =
	"# What ragd runs where no configuration says otherwise. A file that has plugins,\n"
	"# policies, collections or assistants of its own replaces all of that kind.\n"
	"\n"
	"plugin \"extract\" {\n"
	"	module = \"inference_extract\"\n"
	"}\n"
	"plugin \"hybrid\" {\n"
	"	module = \"retrieval_hybrid\"\n"
#if WITH_ENCODER
	"	embedder = \"encoder\"\n"
#endif
	"}\n"
	"plugin \"basic\" {\n"
	"	module = \"safety_basic\"\n"
	"}\n"
	"plugin \"grounding\" {\n"
	"	module = \"safety_grounding\"\n"
	"}\n"
#if WITH_ENCODER
	"plugin \"encoder\" {\n"
	"	module = \"inference_gguf\"\n"
	"	model = \"ragd:encoders/all-MiniLM-L6-v2-Q8_0.gguf\"\n"
	"}\n"
#endif
	"\n"
	"policy \"balanced\" {\n"
	"	filters = { \"basic\", \"grounding\" }\n"
	"	viewpoints = \"Where reasonable people disagree, say so, give the main views "
	"fairly and"
	" do not take a side.\"\n"
	"}\n"
	"\n"
	"collection \"default\" {\n"
	"}\n"
	"\n"
	"assistant \"default\" {\n"
	"	description = \"Answers from your documents, with citations\"\n"
	"	inference = \"extract\"\n"
	"	retrieval = \"hybrid\"\n"
	"	policy = \"balanced\"\n"
	"	grounded = yes\n"
	"	k = 8\n"
	"}\n";

const char *config_defaults(void)
{
	return defaults;
}
