/*
 * reaches: lib/maillog/logfile.c:logfile_next
 * lib/maillog/logprefix.c:logprefix_take
 * lib/maillog/logprefix.c:logprefix_time lib/maillog/logtext.c:logtext_delivery
 * lib/maillog/logtext.c:logtext_session policy/log/logjoin.c:logjoin_line
 * policy/log/logsmtpd.c:qmgr_line policy/log/logpartner.c:logpartner_find
 */
/*
 * A log as the program reads it, packed or not, from the file to what is
 * told of it. What is told must fit a ledger and lie in bounds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "logfile.h"
#include "logjoin.h"
#include "logpartner.h"
#include "logprefix.h"
#include "logtold.h"
#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "partner acme mode=enforced domain=acme.example,.acme.example "
    "gateway=mx1.acme.example contact=p@acme.example\n"
    "partner routed mode=opportunistic domain=[gw.routed.example]:2525\n";

static struct registry *registry;
static struct logpartner *who;
static volatile size_t sink;

static void
told(const struct attempt *a, void *arg)
{
	(void)arg;
	sink += logtold_check(a, who);
}

static void
take(struct logjoin *j, struct logprefix_reader *reader, struct span line)
{
	struct logprefix p;

	if (logprefix_take(reader, &line, &p) >= LOGPREFIX_OTHER)
		(void)logjoin_line(j, &p, 1795435200);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct logprefix_reader reader = {.next = 0};
	struct logjoin_stats stats = {0};
	struct logjoin j = {.told = {told, NULL, &stats}};
	struct logfile *f;
	struct span line;
	struct diags d = {0};
	struct err e;
	char path[64];
	int fd;

	if (registry == NULL) {
		registry =
		    registry_parse("fuzz", text, sizeof(text) - 1, 1, &d);
		who = logpartner_new(registry, "/none", "", &e);
	}
	fd = memfd_create("log", MFD_CLOEXEC);
	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	f = logfile_open(path, &e);
	if (f != NULL) {
		while (logfile_next(f, &line, &e) == LOGFILE_LINE)
			take(&j, &reader, line);
		if (logfile_rest(f, &line))
			take(&j, &reader, line);
		if (f->plain && f->offset > size)
			abort();
		logjoin_end(&j, true);
		logfile_close(f);
	}
	logprefix_release(&reader);
	(void)close(fd);
	return 0;
}
