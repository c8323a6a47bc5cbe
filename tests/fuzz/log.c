/*
 * reaches: lib/maillog/logfile.c:logfile_next
 * lib/maillog/logprefix.c:logprefix_parse
 * lib/maillog/logprefix.c:logprefix_whole
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct logprefix_parts parts = {0};
	struct buf scratch = {0};
	struct logjoin_stats stats = {0};
	struct logjoin *j;
	struct logprefix p;
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
		j = logjoin_new(1795435200, &stats, told, NULL);
		while (logfile_next(f, &line, &e) == LOGFILE_LINE)
			if (logprefix_whole(&parts, &line) &&
			    logprefix_parse(line, &scratch, &p) == 0)
				(void)logjoin_line(j, &p);
		if (logfile_rest(f, &line) &&
		    logprefix_parse(line, &scratch, &p) == 0)
			(void)logjoin_line(j, &p);
		if (f->plain && f->offset > size)
			abort();
		logjoin_free(j, true);
		logfile_close(f);
	}
	logprefix_parts_free(&parts);
	buf_free(&scratch);
	(void)close(fd);
	return 0;
}
