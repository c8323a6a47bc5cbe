#include "certgroup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "names.h"

/* Rows with the same key are told as one. */
static void
put_key(const struct cert_row *x, size_t at, struct buf *key)
{
	buf_clear(key);
	/* Who was never looked at has no gateway to share. */
	if (*x->gateway == '\0' || x->ours != NULL)
		buf_printf(key, "%zu", at);
	else
		buf_printf(key,
		    "%s\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n%d %d %d",
		    x->gateway, x->issuer, x->fault, (int64_t)x->ends,
		    (int64_t)x->begins, (int)x->state, certs_demanded(x),
		    x->failed != 0);
}

static void
take(struct certgroup *g, const struct cert_row *x)
{
	if (g->partners == 0)
		g->row = *x;
	if (g->partners < CERTGROUP_NAMED)
		g->named[g->partners] = x->partner;
	g->partners++;
	if (x->seen > g->row.seen)
		g->row.seen = x->seen;
	if (x->failed > g->row.failed)
		g->row.failed = x->failed;
}

static void
name(struct certgroup *g, struct arena *arena)
{
	struct buf text = {0};
	size_t i;

	if (g->partners < 2)
		return;
	buf_printf(&text, "%zu partners: ", g->partners);
	for (i = 0; i < CERTGROUP_NAMED; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", g->named[i]);
	if (g->partners > CERTGROUP_NAMED)
		buf_printf(
		    &text, " and %zu more", g->partners - CERTGROUP_NAMED);
	g->row.partner = arena_copy(arena, text.data, text.len);
	buf_free(&text);
}

/* Whose each row is. */
static void
count(const struct certs *c, struct certgroups *out)
{
	struct names gateway = {0}, partner = {0};
	const struct cert_row *x;
	size_t rows = 0;

	for (x = c->v; x < c->v + c->n; x++) {
		if (x->ours != NULL) {
			out->ours += x->unread == NULL;
		} else if (*x->gateway == '\0') {
			out->never++;
		} else {
			(void)names_add(
			    &gateway, x->gateway, strlen(x->gateway));
			(void)names_add(
			    &partner, x->partner, strlen(x->partner));
			rows++;
		}
	}
	out->gateways = gateway.n;
	out->partners = partner.n;
	out->shared = rows > gateway.n;
	names_free(&gateway);
	names_free(&partner);
}

void
certgroup_make(const struct certs *c, struct certgroups *out)
{
	struct names group = {0};
	struct buf key = {0};
	size_t i;

	*out = (struct certgroups){.v = mem_zero(c->n + 1, sizeof(*out->v))};
	for (i = 0; i < c->n; i++) {
		if (c->v[i].unread != NULL)
			continue;
		put_key(&c->v[i], i, &key);
		take(&out->v[names_add(&group, key.data, key.len)], &c->v[i]);
	}
	out->n = group.n;
	for (i = 0; i < out->n; i++) {
		name(&out->v[i], &out->arena);
		if (*out->v[i].row.gateway != '\0')
			out->count[out->v[i].row.state]++;
	}
	count(c, out);
	names_free(&group);
	buf_free(&key);
}

void
certgroup_release(struct certgroups *g)
{
	free(g->v);
	arena_free(&g->arena);
	*g = (struct certgroups){0};
}
