/*
 * reaches: policy/log/logrecord.c:logrecord_parse
 * policy/log/logrecord.c:take_text policy/log/logrecord.c:take_number
 * policy/log/logrecord.c:take_position policy/log/logrecord.c:logrecord_put
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "logrecord.h"
#include "netstring.h"

#define NOW 1795000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
known(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "acme") == 0;
}

/* What is taken can be said again, and is then taken for the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct logrecord_taken w, again;
	struct buf a = {0}, b = {0};
	const char *text;
	size_t len, used, i;
	struct err e;

	if (logrecord_parse(
		&w, (const char *)data, size, NOW, known, NULL, &e) == 0) {
		for (i = 0; i < w.batch.nfailures; i++)
			if (w.batch.failure[i].time > NOW)
				abort();
		logrecord_put(&a, &w.batch);
		if (netstring_take(a.data, a.len, LOGRECORD_MAX, &text, &len,
			&used) != NETSTRING_DONE ||
		    logrecord_parse(&again, text, len, NOW, known, NULL, &e) ==
			-1)
			abort();
		logrecord_put(&b, &again.batch);
		if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
			abort();
		logrecord_release(&again);
		buf_free(&a);
		buf_free(&b);
	}
	logrecord_release(&w);
	return 0;
}
