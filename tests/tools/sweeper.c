/*
 * sweeper: look at many servers with lib/sweep and count what was seen.
 *
 *	sweeper [-c PARALLEL] [-t STEP_MS] [-r PER_SECOND] [-s SNI] [-v]
 *	    ADDR:PORT[*COUNT]...
 *
 * Prints one line for each outcome with its number, then seconds of wall
 * clock and CPU and the peak of memory in kB; -v a line for each server.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "err.h"
#include "num.h"
#include "outcomes.h"
#include "starttls.h"
#include "sweep.h"

static unsigned counts[STARTTLS_LOCAL + 1];
static bool verbose;

static void
on_result(const struct starttls_result *r, void *arg)
{
	struct in_addr a;

	counts[r->outcome]++;
	if (!verbose)
		return;
	a.s_addr = (in_addr_t)(uintptr_t)arg;
	printf("%s %s %s %d %s %s %s %s %s certs=%d ms=%u\n", inet_ntoa(a),
	    outcome_name(r->outcome), starttls_phase_names[r->phase], r->code,
	    r->text, r->tls ? r->proto_name : "-", r->cipher, r->kex, r->sig,
	    r->chain == NULL ? 0 : sk_X509_num(r->chain), r->total_ms);
}

static unsigned
number(const char *s)
{
	uint64_t n;

	if (num_parse(s, 0, 1000000, &n) == -1) {
		fprintf(stderr, "sweeper: bad number %s\n", s);
		exit(64);
	}
	return (unsigned)n;
}

static void
add(struct sweep *w, struct starttls_ctx *ctx, char *spec, const char *sni)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	char *count = strchr(spec, '*'), *port;
	unsigned n = 1;

	if (count != NULL) {
		*count++ = '\0';
		n = number(count);
	}
	if ((port = strchr(spec, ':')) != NULL)
		*port++ = '\0';
	if (port == NULL || inet_pton(AF_INET, spec, &sa.sin_addr) != 1) {
		fprintf(stderr, "sweeper: bad address %s\n", spec);
		exit(64);
	}
	sa.sin_port = htons((uint16_t)number(port));
	for (; n > 0; n--) {
		sweep_add(w, ctx, (struct sockaddr *)&sa, sizeof(sa), sni,
		    on_result, (void *)(uintptr_t)sa.sin_addr.s_addr);
		sa.sin_addr.s_addr = htonl(ntohl(sa.sin_addr.s_addr) + 1);
	}
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

int
main(int argc, char *argv[])
{
	struct starttls_params params = {
	    .helo = "probe.example", .step_ms = 2000, .total_ms = 10000};
	struct sweep_limits limits = {.parallel = 256};
	struct timespec begin, end;
	struct starttls_ctx *ctx;
	struct event_base *base;
	struct err err = {0};
	const char *sni = NULL;
	struct rusage ru;
	struct sweep *w;
	int ch, i;

	while ((ch = getopt(argc, argv, "c:r:s:t:v")) != -1)
		switch (ch) {
		case 'c':
			limits.parallel = number(optarg);
			break;
		case 'r':
			limits.per_second = number(optarg);
			break;
		case 's':
			sni = optarg;
			break;
		case 't':
			params.step_ms = number(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 64;
		}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	base = event_base_new();
	if ((ctx = starttls_ctx_new(&params, &err)) == NULL) {
		fprintf(stderr, "sweeper: %s\n", err.text);
		return err.code;
	}
	w = sweep_new(base, &limits);
	for (; optind < argc; optind++)
		add(w, ctx, argv[optind], sni);
	event_base_dispatch(base);
	clock_gettime(CLOCK_MONOTONIC, &end);
	getrusage(RUSAGE_SELF, &ru);
	for (i = 0; i <= STARTTLS_LOCAL; i++)
		if (counts[i] > 0)
			printf("%s %u\n",
			    outcome_name((enum starttls_outcome)i), counts[i]);
	printf("wall %.3f\ncpu %.3f\npeak %ld\n",
	    (double)(end.tv_sec - begin.tv_sec) +
		(double)(end.tv_nsec - begin.tv_nsec) / 1e9,
	    seconds(&ru.ru_utime) + seconds(&ru.ru_stime), ru.ru_maxrss);
	sweep_free(w);
	starttls_ctx_free(ctx);
	event_base_free(base);
	return 0;
}
