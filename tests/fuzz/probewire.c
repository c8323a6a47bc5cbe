/*
 * reaches: policy/probe/probewire.c:probewire_parse
 *     policy/probe/probewire.c:take_row policy/probe/probewire.c:take_tlsa
 *     policy/probe/probewire.c:take_seen policy/probe/probewire.c:take_chain
 *     policy/probe/probewire.c:take_none policy/probe/probewire.c:probewire_put
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "netstring.h"
#include "probewire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken can be said again, and is then taken for the same. */
static void
say_again(const struct probewire *w)
{
	static struct probewire again;
	struct buf a = {0}, b = {0};
	const char *text;
	struct err e;
	size_t len, used;

	probewire_put(&a, w);
	if (netstring_take(a.data, a.len, PROBEWIRE_MAX * 2, &text, &len,
		&used) != NETSTRING_DONE ||
	    probewire_parse(&again, text, len, &e) == -1)
		abort();
	probewire_put(&b, &again);
	if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
		abort();
	probewire_release(&again);
	buf_free(&a);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct probewire w;
	struct err e;

	if (size > PROBEWIRE_MAX ||
	    probewire_parse(&w, (const char *)data, size, &e) == -1)
		return 0;
	if (w.kind == PROBEWIRE_NONE && w.fault == FAULT_OK)
		abort();
	if (strlen(w.host) >= sizeof(w.host) ||
	    strlen(w.seen.text) >= sizeof(w.seen.text) ||
	    w.ntlsa > MXDNS_MAX_TLSA)
		abort();
	say_again(&w);
	probewire_release(&w);
	return 0;
}
