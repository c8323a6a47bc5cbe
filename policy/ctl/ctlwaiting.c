#include "ctlwaiting.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "ctlfacts.h"
#include "err.h"
#include "logsmtp.h"
#include "mem.h"
#include "registry.h"
#include "settings.h"

#define NAMED 3 /* partners that a line names */

/* Whose mail was met in the queue. */
struct met {
	const struct registry *r;
	bool *is;	   /* by partner */
	bool tls;	   /* only what waits for that is asked for */
	const char **name; /* of those, n */
	size_t n;
};

static bool
match_any(const char *domain, const char *reason, void *arg)
{
	struct met *m = arg;
	const uint32_t i = registry_covering(m->r, domain);

	if (i == REGISTRY_NONE ||
	    (m->tls && (reason == NULL || !logsmtp_holds_for_tls(reason))))
		return false;
	m->is[i] = true;
	return true;
}

/* 0; or -1 with *e set, and *w, *who to be released all the same. */
static int
list_met(const struct ctl *c, struct met *m, struct waiting *w, char **who,
    struct err *e)
{
	const struct registry *r = m->r;
	struct buf text = {0};
	size_t i;
	int rv;

	m->name = mem_zero(r->npartners + 1, sizeof(*m->name));
	m->is = mem_zero(r->npartners + 1, sizeof(*m->is));
	rv = flush_list(w, settings_postfix(&c->set), match_any, m, e);
	buf_puts(&text, "");
	for (i = 0; i < r->npartners; i++)
		if (m->is[i])
			m->name[m->n++] = r->partner[i].name;
	for (i = 0; i < m->n && i < NAMED; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", m->name[i]);
	if (m->n > NAMED)
		buf_printf(&text, " and %zu more", m->n - NAMED);
	*who = buf_take(&text);
	free(m->is);
	return rv;
}

void
ctl_waiting(
    const struct ctl *c, const struct registry *r, struct ctl_waiting *out)
{
	struct met all = {.r = r}, tls = {.r = r, .tls = true};
	struct err e;

	*out = (struct ctl_waiting){0};
	if (r == NULL) {
		out->fault = mem_dup("the registry cannot be used");
		return;
	}
	/* The second time seldom comes. */
	if (list_met(c, &all, &out->all, &out->who, &e) == -1 ||
	    (out->all.messages > 0 &&
		list_met(c, &tls, &out->tls, &out->tls_who, &e) == -1))
		out->fault = mem_dup(e.text);
	free(all.name);
	out->tls_of = tls.name;
	out->ntls = tls.n;
}

void
ctl_waiting_release(struct ctl_waiting *w)
{
	flush_release(&w->all);
	flush_release(&w->tls);
	free(w->fault);
	free(w->who);
	free(w->tls_who);
	free(w->tls_of);
	*w = (struct ctl_waiting){0};
}
