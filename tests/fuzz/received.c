/*
 * reaches: lib/received/mails.c:read_mails lib/received/mails.c:begins_mail
 * lib/received/received.c:take_date lib/received/received.c:take_host
 * lib/received/received.c:take_using lib/received/received.c:take_pairs
 * lib/received/received.c:take_colons lib/received/received.c:take_commas
 * lib/received/received.c:settle
 */
/*
 * Mails as tlspact-trace reads them, from the file to what each field says,
 * which must lie in bounds; and no field says of itself what it does not hold.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"
#include "mails.h"
#include "received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink;

static void
within(struct span field, struct span s)
{
	size_t i;

	if (s.n > 0 && (s.p < field.p || s.p + s.n > field.p + field.n))
		abort();
	for (i = 0; i < s.n; i++)
		sink += (unsigned char)s.p[i];
}

static void
check(struct span field)
{
	struct received r;

	received_parse(field, &r);
	within(field, r.greeting);
	within(field, r.name);
	within(field, r.address);
	within(field, r.by);
	within(field, r.with);
	within(field, r.cipher);
	sink += strlen(r.protocol) + strlen(received_tls_names[r.tls]);
	/* A broken one proves nothing, and what is not encrypted has no key. */
	if ((r.broken && r.tls != RECEIVED_UNKNOWN) ||
	    (r.tls != RECEIVED_ENCRYPTED && r.cipher.n + *r.protocol > 0))
		abort();
}

static bool
tell(const struct mail *m, void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < m->n; i++)
		check(m->received[i]);
	check(m->sender);
	check(m->author);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	struct err e;
	int fd = memfd_create("mail", 0);

	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mails_read(path, tell, NULL, &e) == -1)
		abort();
	(void)close(fd);
	check((struct span){(const char *)data, size});
	return 0;
}
