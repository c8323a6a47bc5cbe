/*
 * probed: a probe's result for the evidence, without a probe.
 *
 *	probed EVIDENCE PARTNER NEXTHOP HOST FAULT [KEY]
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "evidence.h"

int
main(int argc, char *argv[])
{
	struct evidence_probe p = {.address = "192.0.2.1", .port = 25};
	struct evidence *v;
	struct err e;
	int rv = -1;

	if (argc != 6 && argc != 7)
		return 64;
	p.time = time(NULL);
	p.partner = argv[2];
	p.nexthop = argv[3];
	p.host = argv[4];
	p.fault = argv[5];
	p.key = argv[6];
	p.judged =
	    strcmp(argv[5], "ok") == 0 ? EVIDENCE_BY_CA : EVIDENCE_FAILED;
	if ((v = evidence_open(argv[1], NULL, EVIDENCE_WRITE, &e)) != NULL)
		rv = evidence_probe_add(v, &p, NULL, &e);
	if (rv == -1)
		(void)fprintf(stderr, "%s\n", e.text);
	evidence_close(v);
	return rv == 0 ? 0 : 1;
}
