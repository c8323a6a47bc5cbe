/*
 * reaches: lib/postfix/policyproto.c:policyproto_take lib/event/conn.c:serve
 *     lib/event/conn.c:hold policy/serve/service.c:judge_once
 *     policy/serve/service.c:judge_recipient
 * policy/serve/decide.c:decide_inbound policy/serve/decide.c:check_name
 * policy/serve/decide.c:check_key policy/map/lookup.c:lookup_client
 * policy/map/lookup.c:gateway_rule
 */
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each answer is one action that is known, printable, and an empty line. */
static void
check_answers(const char *p, size_t len)
{
	static const char *const words[] = {"DUNNO\n",
	    "WARN tlspact: ", "450 4.7.10 ", "550 5.7.10 ", "450 4.7.5 ",
	    "550 5.7.5 "};
	const char *end = p + len;
	size_t i;

	while (p < end) {
		if (end - p < 9 || memcmp(p, "action=", 7) != 0)
			abort();
		p += 7;
		for (i = 0; i < 6; i++)
			if (strncmp(p, words[i], strlen(words[i])) == 0)
				break;
		if (i == 6)
			abort();
		for (; *p != '\n'; p++)
			if (*p < ' ' || *p > '~')
				abort();
		if (end - p < 2 || p[1] != '\n')
			abort();
		p += 2;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conversation c;
	static struct buf out;

	if (c.base == NULL) {
		conversation_start(&c);
		service_protocol(&c.service, SERVICE_POLICY, &c.protocol);
	}
	if (size == 0)
		return 0;
	conversation_try(&c, data, size, &out);
	check_answers(out.data, out.len);
	return 0;
}
