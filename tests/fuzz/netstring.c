/*
 * reaches: lib/event/netstring.c:netstring_take lib/event/conn.c:serve
 *     lib/event/conn.c:hold policy/serve/service.c:answer_key
 *     policy/map/lookup.c:lookup_policy policy/map/lookup.c:get_record
 */
#include "conversation.h"

#include "netstring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Answers are netstrings and nothing else, of the words that Postfix knows. */
static void
check_answers(const char *p, size_t len)
{
	static const char *const words[] = {"OK ", "NOTFOUND ", "PERM "};
	const char *payload;
	size_t plen, used, i;

	for (; len > 0; p += used, len -= used) {
		if (netstring_take(p, len, SERVICE_ANSWER_MAX, &payload, &plen,
			&used) != NETSTRING_DONE)
			abort();
		for (i = 0; i < 3; i++)
			if (plen >= strlen(words[i]) &&
			    memcmp(payload, words[i], strlen(words[i])) == 0)
				break;
		if (i == 3 || (i == 0 && plen == 3))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conversation c;
	static struct buf out;

	if (c.base == NULL) {
		conversation_start(&c);
		service_protocol(&c.service, SERVICE_SOCKETMAP, &c.protocol);
	}
	if (size == 0)
		return 0;
	conversation_try(&c, data, size, &out);
	check_answers(out.data, out.len);
	return 0;
}
