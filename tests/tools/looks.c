/*
 * looks: looks at gateways for the evidence, without probes.
 *
 *	looks EVIDENCE GATEWAYS DAYS PER-DAY ODD
 *
 * Each gateway is looked at PER-DAY times a day, and ODD of these find nobody
 * there, each with other words. It shows a chain of its own, another one every
 * 90 days.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "evidence.h"

#define BEGIN 1767225600 /* 2026-01-01T00:00:00Z */
#define DAY 86400
#define RENEWED 90     /* days */
#define CHAIN_LEN 4000 /* bytes of PEM, leaf and intermediate */

static int
look(struct evidence *v, int gateway, time_t t, bool odd, struct err *e)
{
	static char chain[CHAIN_LEN + 1];
	char host[64], key[EVIDENCE_KEY], detail[64];
	long renewal = (t - BEGIN) / DAY / RENEWED;
	struct evidence_probe p = {.time = t,
	    .partner = host,
	    .nexthop = host,
	    .host = host,
	    .address = "192.0.2.1",
	    .port = 25,
	    .fault = odd ? "connect-timeout" : "ok",
	    .detail = odd ? detail : ""};

	(void)snprintf(host, sizeof(host), "mx1.partner%04d.example", gateway);
	(void)snprintf(detail, sizeof(detail),
	    "Nobody answers. It said: 421 try again, session %lld",
	    (long long)t);
	if (!odd) {
		(void)snprintf(
		    key, sizeof(key), "%032x%032lx", gateway, renewal);
		memset(chain, 'A', CHAIN_LEN);
		memcpy(chain, key, sizeof(key) - 1);
		p.protocol = "TLSv1.3";
		p.cipher = "TLS_AES_256_GCM_SHA384";
		p.kex = "X25519";
		p.not_after = BEGIN + (renewal + 1) * RENEWED * DAY;
		p.key = key;
		p.chain = chain;
		p.judged = EVIDENCE_BY_CA;
	}
	return evidence_probe_add(v, &p, NULL, e);
}

int
main(int argc, char *argv[])
{
	struct evidence *v;
	struct err e;
	int gateways, days, per_day, odd, d, i, g, rv = 0;

	if (argc != 6)
		return 64;
	gateways = atoi(argv[2]);
	days = atoi(argv[3]);
	per_day = atoi(argv[4]);
	odd = atoi(argv[5]);
	if ((v = evidence_open(argv[1], NULL, EVIDENCE_WRITE, &e)) == NULL)
		rv = -1;
	for (d = 0; rv == 0 && d < days; d++)
		for (i = 0; rv == 0 && i < per_day; i++)
			for (g = 0; rv == 0 && g < gateways; g++)
				rv = look(v, g,
				    BEGIN + (time_t)d * DAY + i * DAY / per_day,
				    i % 2 == 1 && i / 2 < odd, &e);
	if (rv == -1)
		(void)fprintf(stderr, "%s\n", e.text);
	evidence_close(v);
	return rv == 0 ? 0 : 1;
}
