/*
 * What is taken out of a text, and what stands in its place.
 */
#include "check.h"

#include "buf.h"
#include "redact.h"

static char shown[4096];

/* The pseudonyms' digits as "#". */
static const char *
plain(struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < out->len; i++) {
		shown[n++] = out->data[i];
		if (out->data[i] == '-' && i + 8 < out->len &&
		    strspn(out->data + i + 1, "0123456789abcdef") == 8) {
			shown[n++] = '#';
			i += 8;
		}
	}
	shown[n] = '\0';
	buf_free(out);
	return shown;
}

static const char *
text_of(struct redact *r, const char *text)
{
	struct buf out = {0};

	redact_text(r, text, &out);
	return plain(&out);
}

static struct redact *
knowing(const char *secret)
{
	struct redact *r = redact_new(secret);

	redact_learn_partner(r, "acme");
	redact_learn_host(r, "acme.example", 12);
	redact_learn_host(r, ".acme.example", 13);
	redact_learn_host(r, "[relay.provider.test]:25", 24);
	redact_learn_host(r, "relay.port.test:2525", 20);
	redact_learn_host(r, "hostname", 8);
	return r;
}

static void
t_text(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"", ""},
	    {"nothing to hide", "nothing to hide"},
	    {"acme fails", "partner-# fails"},
	    {"ACME, Acme.", "partner-#, partner-#."},
	    {"acmes", "acmes"},
	    {"mail to acme.example, .acme.example",
		"mail to d-#.invalid, .d-#.invalid"},
	    {"mx1.ACME.example: wrong-name", "h-#.d-#.invalid: wrong-name"},
	    {"xacme.example", "xacme.example"},
	    {"acme.example.org", "acme.example.org"},
	    {"acme.example.", "d-#.invalid."},
	    {"smtp:[relay.provider.test]:25", "smtp:[d-#.invalid]:25"},
	    {"relay.port.test:2525", "d-#.invalid:2525"},
	    {"mx.relay.port.test", "h-#.d-#.invalid"},
	    {"hostname, nexthop", "hostname, nexthop"},
	    {"jane.doe+x@acme.example wrote", "(address) wrote"},
	    {"<a@b.test>", "<(address)>"},
	    {"by 192.0.2.1 and [2001:db8::1]:25",
		"by (address) and [(address)]:25"},
	    {"127.0.0.1:53, 17:30:05, 3.7.11",
		"127.0.0.1:53, 17:30:05, 3.7.11"},
	    {"pgsql:{sql_password=x,y, Passwd = z} passes=",
		"pgsql:{sql_password=(removed),y, Passwd = (removed)} "
		"passes=(removed)"},
	    {"a password, passes", "a password, passes"},
	    {"@ at the end @", "@ at the end @"},
	    {"/etc/acme.example.pem", "/etc/acme.example.pem"},
	};
	struct redact *r = knowing("secret");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_str(rows[i].text, text_of(r, rows[i].text), rows[i].want);
	redact_free(r);
	redact_free(NULL);
}

static void
t_stable(void **state)
{
	struct redact *r = knowing("secret"), *other = knowing("another");
	struct redact *none = knowing(NULL);
	struct buf a = {0}, b = {0}, c = {0};

	(void)state;
	redact_text(r, "acme mx1.acme.example", &a);
	redact_text(r, "ACME MX1.acme.example", &b);
	check_str("the same", b.data, a.data);
	redact_text(other, "acme mx1.acme.example", &c);
	check_true("of another machine", strcmp(a.data, c.data) != 0);
	buf_clear(&a);
	redact_partner(r, "acme", &a);
	check_true("as in a text", strncmp(a.data, b.data, a.len) == 0);
	check_str("names stay", text_of(none, "acme mx1.acme.example"),
	    "acme mx1.acme.example");
	check_str(
	    "addresses do not", text_of(none, "a@acme.example"), "(address)");
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	redact_free(r);
	redact_free(other);
	redact_free(none);
}

static void
t_registry(void **state)
{
	char text[] =
	    "# Jane's\n"
	    "default min-tls=TLSv1.2 operator=postmaster@ours.test\n"
	    "include partners.d/acme\n"
	    "provider globex gateway=.globex.test { note = call Jane }\n"
	    "partner acme mode=enforced domain=acme.example,.acme.example\n"
	    "   gateway=mx1.acme.example,nexthop contact=jane@acme.example\n"
	    "   {note = signed, see 4711} ticket=4711 key=0123 "
	    "provider=globex\n"
	    "   passwort=geheim drop-for=4h issuer=*Acme* ca=/etc/acme.pem x\n";
	struct redact *r = redact_new("secret");
	struct buf out = {0};

	(void)state;
	redact_registry(r, text, strlen(text), &out);
	check_str("registry", plain(&out),
	    "default min-tls=TLSv1.2 operator=(removed)\n"
	    "include partner-#\n"
	    "provider partner-# gateway=.d-#.invalid note=(removed)\n"
	    "partner partner-# mode=enforced "
	    "domain=d-#.invalid,.d-#.invalid "
	    "gateway=h-#.d-#.invalid,nexthop contact=(removed) "
	    "note=(removed) ticket=(removed) key=(removed) "
	    "provider=partner-# (removed)=(removed) drop-for=4h "
	    "issuer=(removed) ca=(removed) (removed)\n");
	check_str("learned", text_of(r, "acme, x.globex.test"),
	    "partner-#, h-#.d-#.invalid");
	redact_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_text),
	    cmocka_unit_test(t_stable),
	    cmocka_unit_test(t_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
