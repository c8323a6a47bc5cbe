/*
 * probed: a probe's result for the ledger, without a probe.
 *
 *	probed LEDGER PARTNER NEXTHOP HOST FAULT
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "ledger.h"

int
main(int argc, char *argv[])
{
	struct ledger_probe p = {.address = "192.0.2.1", .port = 25};
	struct ledger *l;
	struct err e;
	int rv = -1;

	if (argc != 6)
		return 64;
	p.time = time(NULL);
	p.partner = argv[2];
	p.nexthop = argv[3];
	p.host = argv[4];
	p.fault = argv[5];
	p.passed = strcmp(argv[5], "ok") == 0;
	if ((l = ledger_open(argv[1], LEDGER_WRITE, &e)) != NULL)
		rv = ledger_probe_add(l, &p, &e);
	if (rv == -1)
		(void)fprintf(stderr, "%s\n", e.text);
	ledger_close(l);
	return rv == 0 ? 0 : 1;
}
