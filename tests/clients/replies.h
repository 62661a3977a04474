/* What a real daemon replies, for the tests of the client library and of rag. */
#ifndef TESTS_CLIENTS_REPLIES_H
#define TESTS_CLIENTS_REPLIES_H

#define CITATION_1                                                                                 \
	"{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":23,\"end_index\":26,"        \
	"\"title\":\"Thread "                                                                      \
	"pool\",\"url\":\"ragd:/collections/default/documents/threadpool.rst?start=412"            \
	"&end=434\"},\"ragd\":{\"n\":1,\"collection\":\"default\",\"document\":\"threadpool."      \
	"rst\","                                                                                   \
	"\"heading\":\"Size\",\"start\":412,\"end\":434,\"quote\":\"Its default size is 4\","      \
	"\"score\":0.93}}"

#define RAGD_PART                                                                                  \
	"{\"ai_generated\":true,\"grounded\":true,\"abstained\":false,\"blocked_by\":null,"        \
	"\"steered\":[],"                                                                          \
	"\"redactions\":[{\"stage\":\"response\",\"plugin\":\"basic\",\"category\":\"card_"        \
	"number\","                                                                                \
	"\"rule\":\"luhn\",\"action\":\"redact\",\"score\":1.0}],\"dropped_sentences\":2,"         \
	"\"sources\":[{\"n\":1,\"collection\":\"default\",\"document\":\"threadpool.rst\","        \
	"\"title\":\"Thread pool\",\"heading\":\"Size\"}]}"

#define ANSWER                                                                                     \
	"{\"id\":\"ans-1\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":"       \
	"\"default\","                                                                             \
	"\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"              \
	"\"assistant\","                                                                           \
	"\"refusal\":null,\"content\":\"The default size is 4. [1]\",\"annotations\":[" CITATION_1 \
	"]}}],"                                                                                    \
	"\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":7,\"total_tokens\":16},"             \
	"\"ragd\":" RAGD_PART "}"

#define BLOCKED                                                                                    \
	"{\"id\":\"ans-2\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":"       \
	"\"default\","                                                                             \
	"\"choices\":[{\"index\":0,\"finish_reason\":\"content_filter\",\"message\":{\"role\":"    \
	"\"assistant\",\"refusal\":\"I will not help with that.\",\"content\":"                    \
	"\"I will not help with that.\",\"annotations\":[]}}],\"ragd\":{\"ai_generated\":true,"    \
	"\"grounded\":false,\"abstained\":false,\"blocked_by\":{\"stage\":\"prompt\",\"plugin\":"  \
	"\"basic\","                                                                               \
	"\"category\":\"injection\",\"rule\":\"ignore-previous\",\"action\":\"block\",\"score\":"  \
	"0.9},"                                                                                    \
	"\"redactions\":[],\"dropped_sentences\":0,\"sources\":[]}}"

#define ABSTAINED                                                                                  \
	"{\"id\":\"ans-3\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":"       \
	"\"default\","                                                                             \
	"\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"              \
	"\"assistant\","                                                                           \
	"\"refusal\":null,\"content\":\"The documents do not say.\",\"annotations\":[]}}],"        \
	"\"ragd\":{\"ai_generated\":true,\"grounded\":true,\"abstained\":true,\"blocked_by\":"     \
	"null,"                                                                                    \
	"\"redactions\":[],\"dropped_sentences\":0,\"sources\":[]}}"

#define CHUNK(choice, more)                                                                        \
	"data: {\"id\":\"ans-1\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"     \
	"\"model\":\"default\",\"choices\":[" choice "]" more "}\n\n"

#define STREAM_BEGIN                                                                               \
	CHUNK("{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"The default \"},"      \
	      "\"finish_reason\":null}",                                                           \
	      "")                                                                                  \
	": a comment\n\n" CHUNK("{\"index\":0,\"delta\":{\"content\":\"size is 4. "                \
				"[1]\",\"annotations\":[" CITATION_1 "]},"                         \
				"\"finish_reason\":null}",                                         \
				"")

#define STREAM                                                                                     \
	STREAM_BEGIN                                                                               \
	CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}", ",\"ragd\":" RAGD_PART)     \
	CHUNK("", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":7,\"total_tokens\":16}")  \
	"data: [DONE]\n\n"

#define ERROR(code, message)                                                                       \
	"{\"error\":{\"code\":\"" code "\",\"type\":\"x\",\"message\":\"" message                  \
	"\",\"param\":null}}"

#endif
