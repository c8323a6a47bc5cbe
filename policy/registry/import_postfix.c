#include "import_postfix.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "err.h"
#include "import.h"
#include "lines.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "tablekey.h"
#include "tlsversion.h"

/* A policy; what is not said has p == NULL. */
struct policy {
	struct importrow *row;
	struct span level;
	struct span protocols, ciphers, servername;
	struct buf match, tafile; /* all of them, ',' behind each */
};

static bool
is_word(struct span a, const char *b)
{
	return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* The next word; of `{ name = value }` what is inside. */
static bool
next_word(struct span *rest, struct span *word)
{
	size_t n = 0;

	while (rest->n > 0 && is_blank(*rest->p))
		*rest = span_skip(*rest, 1);
	if (rest->n > 0 && *rest->p == '{') {
		*rest = span_skip(*rest, 1);
		*word = import_trimmed(span_cut(rest, '}'));
		return true;
	}
	while (n < rest->n && !is_blank(rest->p[n]))
		n++;
	*word = (struct span){rest->p, n};
	*rest = span_skip(*rest, n);
	return n > 0;
}

/* Add the elements of a list to one with commas. */
static void
add_list(struct buf *to, struct span list, char separator)
{
	struct span e;

	while (list.n > 0) {
		e = span_cut(&list, separator);
		if (e.n > 0)
			buf_printf(to, "%.*s,", SPAN_ARG(e));
	}
}

/* Postfix takes these, and the registry has no word for them. */
static const struct {
	const char *name, *why;
} unsaid[] = {
    {"exclude", "what main.cf excludes holds instead"},
    {"connection_reuse", "smtp_tls_connection_reuse of main.cf holds instead"},
    {"enable_rpk", "smtp_tls_enable_rpk of main.cf holds instead"},
    {"policy_type", NULL}, /* for reports only: no loss */
    {"policy_domain", NULL},
    {"policy_string", NULL},
    {"policy_ttl", NULL},
    {"mx_host_pattern", "the MX hosts are not held to the policy's patterns"},
};

/* An attribute that may be said once. */
static void
take_once(
    struct policy *p, struct span *to, struct span name, struct span value)
{
	if (to->p != NULL)
		importrow_leave(p->row,
		    "%s= is there twice, for which Postfix holds all mail",
		    quote(name.p, name.n).s);
	*to = value;
}

/* Said, and empty; Postfix takes that for these alone. */
static bool
take_empty(struct policy *p, struct span name)
{
	if (is_word(name, "protocols"))
		importrow_note(p->row, true,
		    "protocols= is empty, which lets in every version: what "
		    "main.cf has holds instead");
	else if (is_word(name, "exclude"))
		importrow_note(p->row, true,
		    "exclude= is empty, which lets in every cipher: what "
		    "main.cf excludes holds instead");
	else
		return false;
	return true;
}

static void
take_attr(struct policy *p, struct span word)
{
	struct span value = word, name = import_trimmed(span_cut(&value, '='));
	size_t i;

	value = import_trimmed(value);
	if (*word.p == '#') {
		importrow_leave(p->row,
		    "a comment behind a policy is none to Postfix, which holds "
		    "all mail for it: give it a line of its own");
		return;
	}
	if (name.n < word.n && value.n == 0 && take_empty(p, name))
		return;
	if (name.n == word.n || value.n == 0) {
		importrow_leave(p->row,
		    "%s is no name=value, for which Postfix holds all mail",
		    quote(word.p, word.n).s);
		return;
	}
	if (is_word(name, "match"))
		add_list(&p->match, value,
		    is_word(p->level, "fingerprint") ? '|' : ':');
	else if (is_word(name, "tafile"))
		buf_printf(&p->tafile, "%.*s,", SPAN_ARG(value));
	else if (is_word(name, "protocols"))
		take_once(p, &p->protocols, name, value);
	else if (is_word(name, "ciphers"))
		take_once(p, &p->ciphers, name, value);
	else if (is_word(name, "servername"))
		take_once(p, &p->servername, name, value);
	else {
		for (i = 0; i < sizeof(unsaid) / sizeof(unsaid[0]); i++)
			if (is_word(name, unsaid[i].name))
				break;
		if (i == sizeof(unsaid) / sizeof(unsaid[0]))
			importrow_leave(p->row, "attribute %s is not known",
			    quote(name.p, name.n).s);
		else if (unsaid[i].why != NULL)
			importrow_note(p->row, true,
			    "%s=%.200s is not carried over: %s", unsaid[i].name,
			    quote(value.p, value.n).s, unsaid[i].why);
	}
}

/* The floor that the text says as our rows do; or -1. */
static int
plain_floor(struct span protocols)
{
	static const char *const texts[] = {[TLS_1_0] = "!SSLv2:!SSLv3",
	    [TLS_1_1] = "!SSLv2:!SSLv3:!TLSv1",
	    [TLS_1_2] = "!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
	    [TLS_1_3] = "!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2"};
	int v;

	if (span_begins(protocols, ">=")) {
		protocols = span_skip(protocols, 2);
		v = tls_version_find(protocols.p, protocols.n);
		return v >= TLS_1_0 ? v : -1;
	}
	for (v = TLS_1_0; v <= TLS_1_3; v++)
		if (is_word(protocols, texts[v]))
			return v;
	return -1;
}

static void
put_protocols(struct policy *p, bool enforced)
{
	const int floor = plain_floor(p->protocols);

	if (p->protocols.p == NULL && enforced)
		importrow_word(p->row, "min-tls", span_of("main.cf"));
	else if (enforced && floor != -1)
		importrow_word(p->row, "min-tls",
		    span_of(tls_version_name((enum tls_version)floor)));
	else if (p->protocols.p != NULL)
		importrow_word(p->row, "protocols", p->protocols);
}

static void
put_ciphers(struct policy *p, bool enforced)
{
	if (p->ciphers.p == NULL) {
		if (enforced)
			importrow_word(p->row, "ciphers", span_of("main.cf"));
		return;
	}
	if (is_word(p->ciphers, "high")) {
		importrow_word(p->row, "ciphers", span_of("high"));
		return;
	}
	if (!is_word(p->ciphers, "medium"))
		importrow_note(p->row, true,
		    "ciphers=%s becomes medium: what is below it is no "
		    "protection",
		    quote(p->ciphers.p, p->ciphers.n).s);
	importrow_word(p->row, "ciphers", span_of("medium"));
}

static void
put_terms(struct policy *p, bool enforced)
{
	if (p->servername.p != NULL)
		importrow_word(p->row, "servername", p->servername);
	put_protocols(p, enforced);
	put_ciphers(p, enforced);
}

static void
put_list(struct policy *p, const char *name, const struct buf *list)
{
	if (list->len > 0)
		importrow_word(
		    p->row, name, (struct span){list->data, list->len - 1});
}

static void
put_names(struct policy *p)
{
	const bool verify = is_word(p->level, "verify");

	if (p->match.len == 0 && verify)
		importrow_note(p->row, false,
		    "verify without match= takes the name of the MX host as "
		    "DNS has it: who forges the MX record chooses it; name the "
		    "gateways");
	if (p->match.len == 0)
		importrow_word(p->row, "gateway",
		    span_of(verify ? "hostname" : "nexthop,dot-nexthop"));
	put_list(p, "gateway", &p->match);
	put_list(p, "ca", &p->tafile);
}

/* Those that are SHA-256; the others prove nothing, or are not known to. */
static void
put_keys(struct policy *p)
{
	struct span list = {p->match.data, p->match.len}, e;
	struct buf keys = {0};
	size_t i, n;

	if (p->match.len == 0) {
		importrow_leave(p->row, "its fingerprints are in main.cf "
					"(smtp_tls_fingerprint_cert_match)");
		return;
	}
	while (list.n > 0) {
		e = span_cut(&list, ',');
		for (i = n = 0; i < e.n; i++)
			n += num_hex(e.p[i]) != -1;
		if (n == 64)
			buf_printf(&keys, "%.*s,", SPAN_ARG(e));
		else if (e.n > 0)
			importrow_note(p->row, true,
			    "%s is no SHA-256: MD5 and SHA-1 can be made to "
			    "fit; take the SHA-256 of the key "
			    "(tlspact-verify shows it)",
			    quote(e.p, e.n).s);
	}
	if (keys.len == 0)
		importrow_leave(p->row,
		    "no SHA-256 in match=: MD5 and SHA-1 can be made to fit; "
		    "take the SHA-256 of the key (tlspact-verify shows it)");
	put_list(p, "key", &keys);
	buf_free(&keys);
}

/* No server name with DANE: the TLSA records say it. */
static void
put_dane(struct policy *p, bool enforced)
{
	p->servername.p = NULL;
	put_terms(p, enforced);
}

static void
put_enforced(struct policy *p, const char *verify)
{
	importrow_word(p->row, "mode", span_of("enforced"));
	importrow_word(p->row, "verify", span_of(verify));
}

static void
put_policy(struct policy *p)
{
	const bool names =
	    is_word(p->level, "verify") || is_word(p->level, "secure");
	const bool keys = is_word(p->level, "fingerprint");

	if ((p->match.len > 0 && !names && !keys) ||
	    (p->tafile.len > 0 && !names))
		importrow_leave(p->row,
		    "match= or tafile= at level %s, for which Postfix holds "
		    "all mail",
		    quote(p->level.p, p->level.n).s);
	if (is_word(p->level, "none")) {
		importrow_word(p->row, "mode", span_of("none"));
	} else if (is_word(p->level, "may")) {
		importrow_word(p->row, "mode", span_of("may"));
		put_terms(p, false);
	} else if (is_word(p->level, "dane")) {
		importrow_word(p->row, "mode", span_of("dane"));
		put_dane(p, false);
	} else if (is_word(p->level, "encrypt")) {
		put_enforced(p, "none");
		put_terms(p, true);
	} else if (is_word(p->level, "dane-only")) {
		put_enforced(p, "dane");
		put_dane(p, true);
	} else if (keys) {
		put_enforced(p, "key");
		put_keys(p);
		put_terms(p, true);
	} else if (names) {
		put_enforced(p, "name");
		put_names(p);
		put_terms(p, true);
	} else {
		importrow_leave(p->row,
		    "%s is no level, and Postfix holds all mail for it",
		    quote(p->level.p, p->level.n).s);
	}
	/* The table says nothing of mail that comes in. */
	importrow_word(p->row, "inbound", span_of("off"));
}

static bool
is_bare_address(struct span key)
{
	bool digit = false;
	size_t i;

	for (i = 0; i < key.n && memchr("0123456789.", key.p[i], 11); i++)
		digit |= key.p[i] != '.';
	return digit && i == key.n;
}

/* What the key can be, and nobody asks for. */
static const char *
unasked(struct span key)
{
	if (is_bare_address(key))
		return "an address without brackets, for which Postfix asks "
		       "only where a transport or relayhost has none either: "
		       "write them there and here";
	return tablekey_unasked(key);
}

static void
take_row(struct import *im, struct line *line)
{
	const size_t n = strcspn(line->text, " \t\r\n");
	struct span rest = {line->text + n, line->len - n}, word;
	struct importrow row;
	struct policy p = {.row = &row};
	const char *why;
	long bad;

	importrow_begin(&row, im, line->no, (struct span){line->text, n});
	if (!next_word(&rest, &p.level))
		importrow_leave(&row, "there is no policy behind the key");
	/* Postfix reads no further than `none'. */
	while (
	    !row.left && !is_word(p.level, "none") && next_word(&rest, &word))
		take_attr(&p, word);
	if (!row.left)
		put_policy(&p);
	if ((why = unasked((struct span){line->text, n})) != NULL)
		importrow_leave(&row, "%s", why);
	if ((bad = lines_bad_byte(line->text, line->len)) != -1 &&
	    line->text[bad] != '\r')
		importrow_leave(&row, "a character that is not allowed: %s",
		    quote(line->text + bad, 1).s);
	importrow_end(&row);
	buf_free(&p.match);
	buf_free(&p.tafile);
}

/* The first word of a line, without the dot that it may begin with. */
static struct span
name_of(const struct line *l)
{
	const char *s = l->text + (*l->text == '.');

	return (struct span){s, strcspn(s, " \t\r\n")};
}

/* By name, `.d` behind `d`. */
static int
by_name(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	const struct span p = name_of(a), q = name_of(b);
	int rv = strncasecmp(p.p, q.p, p.n < q.n ? p.n : q.n);

	if (rv == 0)
		rv = (p.n > q.n) - (p.n < q.n);
	if (rv == 0)
		rv = (*a->text == '.') - (*b->text == '.');
	return rv != 0 ? rv : (a->no > b->no) - (a->no < b->no);
}

/* A hash table has its rows in no order, and they had no lines there. */
static void
take_sorted(struct import *im, struct lines *lines)
{
	struct line *v = NULL;
	size_t i, n = 0, cap = 0;

	do
		v = mem_grow(v, n, &cap, sizeof(*v));
	while (lines_next(lines, &v[n]) && ++n > 0);
	qsort(v, n, sizeof(*v), by_name);
	for (i = 0; i < n; i++) {
		v[i].no = 0;
		take_row(im, &v[i]);
	}
	free(v);
}

static int
read_all(struct import *im, char *text, size_t len, struct err *e)
{
	struct lines lines;
	struct line line;

	if (memchr(text, '\0', len) != NULL)
		return err_set(e, EX_DATAERR,
		    "a NUL byte: this is no text of "
		    "a table (name the table, as in "
		    "hash:/etc/postfix/tls_policy)");
	lines_init(&lines, text, len);
	if (im->listed)
		take_sorted(im, &lines);
	while (lines_next(&lines, &line))
		take_row(im, &line);
	return 0;
}

const struct import_format import_postfix = {"postfix", read_all};
