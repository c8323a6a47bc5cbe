#include "mxdns_answer.h"

#include "arena.h"
#include "nexthop.h"
#include "quote.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unbound.h>

#define RCODE_NOERROR 0
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define WHY_MAX 256 /* bytes of a shown reason */

const char *
mxdns_keep_text(struct arena *mem, const char *s)
{
	return arena_copy(mem, s, strlen(s));
}

static const char *
keep_shown(struct arena *mem, const char *s)
{
	char text[WHY_MAX];

	quote_show(text, sizeof(text), s, strlen(s));
	return mxdns_keep_text(mem, text);
}

/* What the answer is, apart from its records. */
void
mxdns_note_answer(struct arena *mem, struct mxdns_answer *a, int err,
    const struct ub_result *r)
{
	char text[32];

	memset(a, 0, sizeof(*a));
	if (err != 0 || r == NULL) {
		a->kind = err == UB_SERVFAIL ? MXDNS_SERVFAIL : MXDNS_BROKEN;
		a->why = mxdns_keep_text(mem, ub_strerror(err));
		return;
	}
	a->secure = r->secure != 0;
	a->ttl = r->ttl < 0 ? 0 : (unsigned)r->ttl;
	if (r->bogus) {
		a->kind = MXDNS_BOGUS;
		a->why =
		    keep_shown(mem, r->why_bogus == NULL ? "" : r->why_bogus);
	} else if (r->rcode == RCODE_NXDOMAIN || r->nxdomain)
		a->kind = MXDNS_NO_NAME;
	else if (r->rcode == RCODE_SERVFAIL)
		a->kind = MXDNS_SERVFAIL;
	else if (r->rcode != RCODE_NOERROR) {
		a->kind = MXDNS_BROKEN;
		(void)snprintf(text, sizeof(text), "DNS rcode %d", r->rcode);
		a->why = mxdns_keep_text(mem, text);
	} else
		a->kind = r->havedata ? MXDNS_FOUND : MXDNS_NO_DATA;
}

/*
 * A name in wire form (no compression: libunbound has undone it) as text,
 * lower case, without the last dot. False if it is broken or no host name.
 */
static bool
name_text(const char *p, int len, char out[NEXTHOP_MAX_NAME + 1])
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = len < 0 ? 0 : (size_t)len, i = 0, at = 0, j;

	while (i < n && u[i] != 0) {
		if (u[i] > 63 || i + 1 + u[i] >= n ||
		    at + u[i] + 1 > NEXTHOP_MAX_NAME)
			return false;
		if (at > 0)
			out[at++] = '.';
		for (j = 1; j <= u[i]; j++)
			out[at++] = u[i + j] >= 'A' && u[i + j] <= 'Z'
					? (char)(u[i + j] + ('a' - 'A'))
					: (char)u[i + j];
		i += 1 + (size_t)u[i];
	}
	out[at] = '\0';
	/* A NUL in a label would make two names of one. */
	return i + 1 == n && strlen(out) == at;
}

const char *
mxdns_canon(struct arena *mem, const struct ub_result *r)
{
	char name[NEXTHOP_MAX_NAME + 2];
	size_t len, i;

	if (r->canonname == NULL ||
	    (len = strlen(r->canonname)) >= sizeof(name))
		return NULL;
	for (i = 0; i <= len; i++)
		name[i] = (char)tolower((unsigned char)r->canonname[i]);
	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
	if (!nexthop_is_host(name) || strcasecmp(name, r->qname) == 0)
		return NULL;
	return mxdns_keep_text(mem, name);
}

void
mxdns_add_addr(
    struct arena *mem, struct mxdns_host *h, const void *sa, socklen_t len)
{
	if (h->addr == NULL)
		h->addr = arena_alloc(mem, MXDNS_MAX_ADDRS * sizeof(*h->addr));
	memset(&h->addr[h->naddr], 0, sizeof(h->addr[0]));
	memcpy(&h->addr[h->naddr].sa, sa, len);
	h->addr[h->naddr++].len = len;
}

/* IPv4 first, then by number: servers shuffle, and tables should not. */
static int
compare_addrs(const void *a, const void *b)
{
	const struct mxdns_addr *x = a, *y = b;
	struct sockaddr_in v4[2];
	struct sockaddr_in6 v6[2];

	if (x->sa.ss_family != y->sa.ss_family)
		return x->sa.ss_family == AF_INET ? -1 : 1;
	if (x->sa.ss_family == AF_INET) {
		memcpy(&v4[0], &x->sa, sizeof(v4[0]));
		memcpy(&v4[1], &y->sa, sizeof(v4[1]));
		return memcmp(
		    &v4[0].sin_addr, &v4[1].sin_addr, sizeof(v4[0].sin_addr));
	}
	memcpy(&v6[0], &x->sa, sizeof(v6[0]));
	memcpy(&v6[1], &y->sa, sizeof(v6[1]));
	return memcmp(
	    &v6[0].sin6_addr, &v6[1].sin6_addr, sizeof(v6[0].sin6_addr));
}

void
mxdns_note_addrs(struct arena *mem, struct mxdns_host *h, uint16_t port,
    int type, const struct ub_result *r)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	size_t before = h->naddr;
	int i;

	v4.sin_port = v6.sin6_port = htons(port);
	for (i = 0; r->data[i] != NULL; i++) {
		if (h->naddr - before == MXDNS_MAX_ADDRS / 2) {
			h->addr_cut = true;
			break;
		}
		if (type == MXDNS_TYPE_A && r->len[i] == 4) {
			memcpy(&v4.sin_addr, r->data[i], 4);
			mxdns_add_addr(mem, h, &v4, sizeof(v4));
		} else if (type == MXDNS_TYPE_AAAA && r->len[i] == 16) {
			memcpy(&v6.sin6_addr, r->data[i], 16);
			mxdns_add_addr(mem, h, &v6, sizeof(v6));
		}
	}
	if (h->naddr > 1)
		qsort(h->addr, h->naddr, sizeof(h->addr[0]), compare_addrs);
}

void
mxdns_note_tlsa(
    struct arena *mem, struct mxdns_host *h, const struct ub_result *r)
{
	struct mxdns_tlsa *t;
	int i;

	h->tlsa_rr = arena_alloc(mem, MXDNS_MAX_TLSA * sizeof(*h->tlsa_rr));
	for (i = 0; r->data[i] != NULL && h->ntlsa < MXDNS_MAX_TLSA; i++) {
		const unsigned char *u = (const unsigned char *)r->data[i];

		if (r->len[i] < 3 || r->len[i] - 3 > MXDNS_MAX_TLSA_LEN)
			continue;
		t = &h->tlsa_rr[h->ntlsa++];
		t->usage = u[0];
		t->selector = u[1];
		t->matching = u[2];
		t->len = (size_t)r->len[i] - 3;
		t->data = (uint8_t *)arena_copy(mem, r->data[i] + 3, t->len);
	}
}

struct mxdns_host *
mxdns_add_host(
    struct arena *mem, struct mxdns_result *r, const char *name, unsigned pref)
{
	struct mxdns_host *h;
	size_t i;

	if (r->host == NULL)
		r->host = arena_alloc(mem, MXDNS_MAX_HOSTS * sizeof(*r->host));
	for (i = r->nhost; i > 0; i--) {
		h = &r->host[i - 1];
		if (h->pref < pref ||
		    (h->pref == pref && strcmp(h->name, name) <= 0))
			break;
		/* The last one makes room for a better one. */
		if (i < MXDNS_MAX_HOSTS)
			r->host[i] = *h;
	}
	if (r->nhost == MXDNS_MAX_HOSTS)
		r->cut = true;
	else
		r->nhost++;
	if (i == MXDNS_MAX_HOSTS)
		return NULL;
	h = &r->host[i];
	memset(h, 0, sizeof(*h));
	h->name = mxdns_keep_text(mem, name);
	h->pref = pref;
	return h;
}

enum mxdns_status
mxdns_note_mx(
    struct arena *mem, struct mxdns_result *res, const struct ub_result *r)
{
	char name[NEXTHOP_MAX_NAME + 1];
	bool null_mx = false, whole;
	unsigned pref;
	int i;

	for (i = 0; r->data[i] != NULL; i++) {
		const unsigned char *u = (const unsigned char *)r->data[i];

		if (r->len[i] < 3)
			continue;
		pref = (unsigned)u[0] << 8 | u[1];
		whole = name_text(r->data[i] + 2, r->len[i] - 2, name);
		if (whole && name[0] == '\0') {
			null_mx = true;
			continue;
		}
		/* The host stays in the list: delivery would trip over it. */
		if (!whole || !nexthop_is_host(name))
			(void)snprintf(name, sizeof(name), "(bad name)");
		(void)mxdns_add_host(mem, res, name, pref);
	}
	if (res->nhost > 0)
		return MXDNS_OK;
	return null_mx ? MXDNS_NULL_MX : MXDNS_NO_ADDRESS;
}
