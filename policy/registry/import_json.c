#include "import_json.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "err.h"
#include "import.h"
#include "json.h"
#include "quote.h"
#include "tlsversion.h"

/* The first of the members that is there. */
static json_t *
member(const json_t *o, const char *a, const char *b, const char *c)
{
	json_t *v = json_object_get(o, a);

	if (v == NULL)
		v = json_object_get(o, b);
	return v == NULL && c != NULL ? json_object_get(o, c) : v;
}

static struct span
text_of(const json_t *v)
{
	return (struct span){json_string_value(v), json_string_length(v)};
}

/* `*.x` of MTA-STS is one label more, `.x` of Postfix any number. */
static void
put_gateways(struct importrow *r, const json_t *mx, bool sts)
{
	struct buf list = {0};
	bool star = false;
	const json_t *v;
	struct span s;
	size_t i;

	json_array_foreach(mx, i, v)
	{
		if (!json_is_string(v)) {
			importrow_leave(r, "a name of its gateways is no text");
			break;
		}
		s = text_of(v);
		if (span_begins(s, "*.")) {
			star = true;
			s = span_skip(s, 1);
		}
		buf_printf(&list, "%s%.*s", i == 0 ? "" : ",", SPAN_ARG(s));
	}
	if (list.len == 0) {
		importrow_leave(r, "there is no gateway (mx, mxs)");
	} else {
		importrow_word(
		    r, "gateway", (struct span){list.data, list.len});
		if (star)
			importrow_note(r, false,
			    "of *.x Postfix makes .x, which is names at any "
			    "depth");
	}
	if (sts)
		importrow_word(r, "servername", span_of("hostname"));
	buf_free(&list);
}

static void
put_floor(struct importrow *r, const json_t *v)
{
	struct span s;
	int version;

	if (v == NULL)
		return;
	s = text_of(v);
	version = s.n == 0 ? -1 : tls_version_find(s.p, s.n);
	if (version < TLS_1_0)
		importrow_note(r, true,
		    "min-tls-version %s is not carried over",
		    quote(s.p, s.n).s);
	else
		importrow_word(r, "min-tls",
		    span_of(tls_version_name((enum tls_version)version)));
}

static void
put_policy(struct importrow *r, const json_t *policy)
{
	const json_t *sts = json_object_get(policy, "mx");
	const json_t *mx = sts != NULL ? sts : json_object_get(policy, "mxs");
	const struct span mode = text_of(json_object_get(policy, "mode"));
	const bool enforce = span_is(mode, "enforce");

	if (!enforce && !span_is(mode, "testing") && !span_is(mode, "none")) {
		importrow_leave(r, "mode %s is not enforce, testing or none",
		    quote(mode.p, mode.n).s);
		return;
	}
	importrow_word(
	    r, "mode", span_of(enforce ? "enforced" : "opportunistic"));
	if (enforce)
		importrow_word(r, "verify", span_of("name"));
	if (enforce || json_array_size(mx) > 0)
		put_gateways(r, mx, sts != NULL);
	if (enforce)
		put_floor(r, json_object_get(policy, "min-tls-version"));
	if (json_object_get(policy, "pin") != NULL)
		importrow_note(r, true,
		    "pin is not carried over: it is of CA keys; say ca= or "
		    "issuer=");
	importrow_word(r, "inbound", span_of("off"));
}

static void
take_policy(struct import *im, const json_t *root, struct span domain,
    const json_t *policy)
{
	const json_t *alias = json_object_get(policy, "policy-alias");
	struct importrow row;

	importrow_begin(&row, im, 0, domain);
	if (alias != NULL)
		policy = json_is_string(alias)
			     ? json_object_get(
				   json_object_get(root, "policy-aliases"),
				   json_string_value(alias))
			     : NULL;
	if (json_is_object(policy))
		put_policy(&row, policy);
	else
		importrow_leave(&row, alias != NULL ? "its policy-alias is "
						      "not there"
						    : "it is no object");
	importrow_end(&row);
}

static void
take_list(struct import *im, const json_t *root, const json_t *list)
{
	const json_t *v, *domain;
	struct span name;
	size_t i;

	json_array_foreach(list, i, v)
	{
		domain = member(v, "domain", "policy-domain", "policy_domain");
		name = json_is_string(domain) ? text_of(domain)
					      : (struct span){"", 0};
		take_policy(im, root, name, v);
	}
}

static void
take_object(struct import *im, const json_t *root, json_t *list)
{
	const char *key;
	json_t *v;

	json_object_foreach(list, key, v)
	{
		take_policy(im, root, span_of(key), v);
	}
}

static int
read_all(struct import *im, char *text, size_t len, struct err *e)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	json_t *list;

	if (root == NULL) {
		(void)err_set(e, EX_DATAERR, "no JSON: %s", why.text);
		e->file = im->file;
		e->line = why.line > 0 ? (unsigned)why.line : 0;
		return -1;
	}
	list = json_object_get(root, "policies");
	if (list == NULL)
		list = root;
	if (json_is_string(json_object_get(list, "mode"))) {
		json_decref(root);
		return err_set(e, EX_DATAERR,
		    "one policy, of a domain that it does not name: "
		    "{\"DOMAIN\": POLICY} does");
	}
	if (json_is_array(list))
		take_list(im, root, list);
	else if (json_is_object(list))
		take_object(im, root, list);
	json_decref(root);
	return im->rows > 0
		   ? 0
		   : err_set(e, EX_DATAERR, "there is no list of policies");
}

const struct import_format import_json = {"json", read_all};
