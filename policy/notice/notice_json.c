#include "notice_json.h"

#include <stdlib.h>

#include "buf.h"
#include "json.h"

/* Foreign text, in UTF-8 that jansson takes; NULL if there is none. */
static json_t *
text(const char *s, size_t max)
{
	struct buf b = {0};
	json_t *j;

	if (!step_said(s))
		return NULL;
	notice_foreign(&b, s, max, false);
	j = json_string(b.data);
	buf_free(&b);
	return j;
}

static json_t *
field(const char *s)
{
	return text(s, NOTICE_FIELD_MAX);
}

static json_t *
when(time_t t)
{
	return t == 0 ? NULL : json_time(t);
}

static json_t *
gateways(const struct notice *n)
{
	json_t *list = n->ngateways == 0 ? NULL : json_array();
	size_t i;

	for (i = 0; i < n->ngateways && i < NOTICE_GATEWAYS_MAX; i++) {
		const struct step_gateway *g = &n->gateway[i];

		(void)json_array_append_new(list,
		    json_pack("{s:o*, s:o*, s:o*, s:s, s:o*, s:o*, s:o*}",
			"nexthop", field(g->nexthop), "host", field(g->host),
			"address", field(g->address), "fault",
			fault_text(g->fault), "key", field(g->key), "last_key",
			field(g->last_key), "not_after", when(g->not_after)));
	}
	return list;
}

static json_t *
texts(const char *const *v, size_t n)
{
	json_t *list = n == 0 ? NULL : json_array();
	size_t i;

	for (i = 0; i < n && i < NOTICE_PARTNERS_MAX; i++)
		(void)json_array_append_new(
		    list, step_said(v[i]) ? field(v[i]) : json_string(""));
	return list;
}

/* What is said of levels and of a downgrade. */
static json_t *
downgrade(const struct notice *n)
{
	json_t *id = n->of.id == 0 ? NULL : json_integer(n->of.id);
	const char *from = level_name(n->of.from), *to = level_name(n->of.to);
	const char *why =
	    n->of.why == DROP_WHY_NONE ? NULL : drop_why_text(n->of.why);

	switch (n->kind) {
	case NOTICE_HELD:
		return json_pack("{s:o*, s:s*, s:s, s:s*}", "downgrade", id,
		    "level_needed", n->of.to < n->of.from ? to : NULL, "level",
		    from, "why", why);
	case NOTICE_LOWERED:
	case NOTICE_RESTORED:
	case NOTICE_END_NEAR:
		return json_pack(
		    "{s:o*, s:s*, s:s, s:s, s:b, s:b, s:o*, s:o*, s:o*, s:s*}",
		    "downgrade", id, "direction",
		    n->of.inbound ? direction_name(n->of.inbound) : NULL,
		    "level_before", from, "level_after", to, "automatic",
		    n->of.automatic, "still", n->of.still,
		    "requiretls_returned",
		    n->kind == NOTICE_LOWERED ? json_boolean(n->returns) : NULL,
		    "begin", when(n->of.begin), "end", when(n->of.until), "why",
		    why);
	default:
		return json_pack("{s:o*, s:s*}", "downgrade", id, "why", why);
	}
}

char *
notice_json(const struct notice *n)
{
	char *key = notice_key(n), *subject = notice_subject(n);
	bool fault = n->of.fault != FAULT_OK;
	json_t *o, *more;

	o = json_pack("{s:s, s:s, s:o, s:o, s:o*, s:o*, s:o*, s:o*, s:o*, s:s*,"
		      " s:s*}",
	    "schema", "tlspact.notice.v1", "kind", notice_kind_text(n->kind),
	    "key", text(key, NOTICE_TEXT_MAX), "subject",
	    text(subject, NOTICE_TEXT_MAX), "time", when(n->at), "partner",
	    field(n->of.partner), "contact", field(n->contact), "ticket",
	    field(n->ticket), "domains", texts(n->domain, n->ndomains), "fault",
	    fault ? fault_text(n->of.fault) : NULL, "description",
	    fault ? fault_description(n->of.fault) : NULL);
	more = downgrade(n);
	(void)json_object_update(o, more);
	json_decref(more);
	more = json_pack("{s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*}",
	    "since", when(n->of.since), "failures",
	    n->of.failures == 0 ? NULL : json_integer(n->of.failures), "text",
	    text(n->of.text, NOTICE_TEXT_MAX), "gateways", gateways(n),
	    "partners", texts(n->of.name, n->of.nnames), "days",
	    n->kind == NOTICE_EXPIRING ? json_integer(n->days) : NULL, "map",
	    field(n->map), "compiled", when(n->compiled));
	(void)json_object_update(o, more);
	json_decref(more);
	free(subject);
	free(key);
	return json_compact(o);
}
