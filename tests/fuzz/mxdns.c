/*
 * reaches: lib/dns/mxdns.c:note_mx lib/dns/dname.c:nexthop_parse
 *
 * First byte: what the records are (0 MX, 1 A, 2 AAAA, 3 TLSA, 4 a next-hop
 * in text). Then records, each with a byte for its length in front.
 */
/* For its inner functions; in quotes it would be this file. */
#include <mxdns.c>

#define RECORDS_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_nexthop(const uint8_t *data, size_t size)
{
	struct nexthop n;
	char text[400];

	if (size >= sizeof(text))
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (nexthop_parse(text, &n) == 0 && n.len == 0 &&
	    !nexthop_is_host(n.name))
		abort();
}

static void
check(const struct mxdns_result *r, const struct mxdns_host *h)
{
	size_t i;

	for (i = 0; i < r->nhost; i++)
		if (!nexthop_is_host(r->host[i].name) &&
		    !dname_is_address(r->host[i].name) &&
		    strcmp(r->host[i].name, "(bad name)") != 0)
			abort();
	for (i = 1; i < r->nhost; i++)
		if (r->host[i - 1].pref > r->host[i].pref)
			abort();
	if (r->nhost > MXDNS_MAX_HOSTS || h->naddr > MXDNS_MAX_ADDRS ||
	    h->ntlsa > MXDNS_MAX_TLSA)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *records[RECORDS_MAX + 1] = {NULL};
	int lens[RECORDS_MAX + 1] = {0};
	struct ub_result ub = {.data = records, .len = lens, .havedata = 1};
	struct mxdns_result r = {.status = MXDNS_OK};
	struct mxdns_host h = {.name = "mx.example"};
	struct arena mem = {0};
	size_t at = 1, n = 0, len;

	if (size < 1)
		return 0;
	if (data[0] == 4) {
		fuzz_nexthop(data + 1, size - 1);
		return 0;
	}
	/* Copies of the exact size, so that a byte too far is noticed. */
	while (at < size && n < RECORDS_MAX) {
		len = data[at++];
		if (len > size - at)
			len = size - at;
		records[n] = malloc(len == 0 ? 1 : len);
		memcpy(records[n], data + at, len);
		lens[n++] = (int)len;
		at += len;
	}
	if (data[0] == 0)
		(void)note_mx(&mem, &r, &ub);
	else if (data[0] == 3)
		note_tlsa(&mem, &h, &ub);
	else
		note_addrs(
		    &mem, &h, 25, data[0] == 1 ? TYPE_A : TYPE_AAAA, &ub);
	check(&r, &h);
	arena_free(&mem);
	while (n-- > 0)
		free(records[n]);
	return 0;
}
