#include "notice_priv.h"

#include <stdlib.h>

#include <jansson.h>

#include "buf.h"
#include "mem.h"
#include "num.h"

/* Foreign text, in UTF-8 that jansson takes. */
static void
set_text(json_t *o, const char *name, const char *s, size_t max)
{
	struct buf b = {0};

	if (!notice_said(s))
		return;
	notice_put(&b, s, max, false);
	(void)json_object_set_new(o, name, json_string(b.data));
	buf_free(&b);
}

static void
set_time(json_t *o, const char *name, time_t t)
{
	char time[NUM_TIME_MAX];

	if (t != 0)
		(void)json_object_set_new(
		    o, name, json_string(num_time_text(t, time)));
}

static json_t *
gateways(const struct notice *n)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < n->ngateways && i < NOTICE_GATEWAYS_MAX; i++) {
		const struct step_gateway *g = &n->gateway[i];

		o = json_object();
		set_text(o, "nexthop", g->nexthop, NOTICE_FIELD_MAX);
		set_text(o, "host", g->host, NOTICE_FIELD_MAX);
		set_text(o, "address", g->address, NOTICE_FIELD_MAX);
		set_text(o, "fault", fault_text(g->fault), NOTICE_FIELD_MAX);
		set_text(o, "key", g->key, NOTICE_FIELD_MAX);
		set_text(o, "last_key", g->last_key, NOTICE_FIELD_MAX);
		set_time(o, "not_after", g->not_after);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
texts(const char *const *v, size_t n)
{
	json_t *list = json_array();
	struct buf b = {0};
	size_t i;

	for (i = 0; i < n && i < NOTICE_PARTNERS_MAX; i++) {
		buf_clear(&b);
		buf_puts(&b, "");
		notice_put(&b, v[i], NOTICE_FIELD_MAX, false);
		(void)json_array_append_new(list, json_string(b.data));
	}
	buf_free(&b);
	return list;
}

static void
set_downgrade(json_t *o, const struct notice *n)
{
	if (n->id != 0)
		(void)json_object_set_new(
		    o, "downgrade", json_integer((json_int_t)n->id));
	switch (n->kind) {
	case NOTICE_HELD:
		if (n->to < n->from)
			set_text(o, "level_needed", level_name(n->to), 32);
		set_text(o, "level", level_name(n->from), 32);
		break;
	case NOTICE_LOWERED:
	case NOTICE_RESTORED:
	case NOTICE_END_NEAR:
		set_text(o, "level_before", level_name(n->from), 32);
		set_text(o, "level_after", level_name(n->to), 32);
		(void)json_object_set_new(
		    o, "automatic", json_boolean(n->automatic));
		(void)json_object_set_new(o, "still", json_boolean(n->still));
		if (n->kind == NOTICE_LOWERED)
			(void)json_object_set_new(
			    o, "requiretls_returned", json_boolean(n->returns));
		set_time(o, "begin", n->begin);
		set_time(o, "end", n->end);
		break;
	default:
		break;
	}
	if (n->why != DROP_WHY_NONE)
		set_text(o, "why", drop_why_text(n->why), 32);
}

char *
notice_json(const struct notice *n)
{
	char *key = notice_key(n), *subject = notice_subject(n);
	json_t *o = json_object();
	char *dump, *out;

	set_text(o, "schema", "tlspact.notice.v1", 64);
	set_text(o, "kind", notice_kind_text(n->kind), 32);
	set_text(o, "key", key, NOTICE_TEXT_MAX);
	set_text(o, "subject", subject, NOTICE_TEXT_MAX);
	set_time(o, "time", n->at);
	set_text(o, "partner", n->partner, NOTICE_FIELD_MAX);
	set_text(o, "contact", n->contact, NOTICE_FIELD_MAX);
	set_text(o, "ticket", n->ticket, NOTICE_FIELD_MAX);
	if (n->ndomains > 0)
		(void)json_object_set_new(
		    o, "domains", texts(n->domain, n->ndomains));
	if (n->fault != FAULT_OK) {
		set_text(o, "fault", fault_text(n->fault), 64);
		set_text(o, "description", fault_description(n->fault), 512);
	}
	set_downgrade(o, n);
	set_time(o, "since", n->since);
	if (n->failures > 0)
		(void)json_object_set_new(
		    o, "failures", json_integer(n->failures));
	if (n->waiting >= 0 && n->kind == NOTICE_HELD)
		(void)json_object_set_new(
		    o, "waiting", json_integer(n->waiting));
	set_text(o, "text", n->text, NOTICE_TEXT_MAX);
	if (n->ngateways > 0)
		(void)json_object_set_new(o, "gateways", gateways(n));
	if (n->nnames > 0)
		(void)json_object_set_new(
		    o, "partners", texts(n->name, n->nnames));
	if (n->kind == NOTICE_EXPIRING)
		(void)json_object_set_new(o, "days", json_integer(n->days));
	set_text(o, "map", n->map, NOTICE_FIELD_MAX);
	set_time(o, "compiled", n->compiled);
	dump = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	out = mem_dup(dump == NULL ? "{}" : dump);
	free(dump);
	json_decref(o);
	free(subject);
	free(key);
	return out;
}
