#include "check.h"

#include "buf.h"
#include "compile.h"
#include "diag.h"
#include "ledger_downgrade.h"
#include "target.h"

#define NOW 1000000
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PIN                                                \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:" \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF"

static const char text[] =
    "partner acme mode=enforced domain=acme.example,.acme.example\n"
    "  gateway=mx.acme.example contact=x@ours.example\n"
    "partner soft domain=soft.example\n"
    "partner keyed mode=enforced verify=key key=" HEX "\n"
    "  domain=keyed.example contact=x@ours.example\n";

#define TAIL " protocols=>=TLSv1.2 ciphers=high"
#define ACME "secure match=mx.acme.example" TAIL
#define KEYED "fingerprint match=" PIN TAIL

static const struct {
	size_t n;
	const char *v[1];
} pinned = {1, {"AA:BB"}};

#define KEYS ((const struct strs *)(const void *)&pinned)

static size_t
count_records(const struct maptable *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++)
		n += maprow_is_record(&t->row[i]);
	return n;
}

static const struct {
	const char *name;
	struct downgrade v[4];
	size_t n;
	const char *acme, *soft, *keyed; /* the texts */
	size_t lowered;			 /* domains */
	time_t until, expires;
} cases[] = {
    {"none", {{0}}, 0, ACME, "may", KEYED, 0, 0, 0},
    {"lowered to encrypt",
	{{"acme", LEVEL_ENCRYPT, NOW - 10, NOW + 50, NULL, NULL, 0, false}}, 1,
	"encrypt" TAIL, "may", KEYED, 2, NOW + 50, NOW + 50},
    {"lowered to key",
	{{"acme", LEVEL_KEY, NOW - 10, NOW + 50, KEYS, NULL, 0, false}}, 1,
	"fingerprint match=AA:BB" TAIL, "may", KEYED, 2, NOW + 50, NOW + 50},
    {"lowered all the way",
	{{"acme", LEVEL_OPPORTUNISTIC, NOW - 10, NOW + 50, NULL, NULL, 0,
	    false}},
	1, "may", "may", KEYED, 2, NOW + 50, NOW + 50},
    {"let in, and sent as ever",
	{{"acme", LEVEL_SECURE, NOW - 10, NOW + 50, NULL, NULL, 0, true}}, 1,
	ACME, "may", KEYED, 2, NOW + 50, NOW + 50},
    {"where all is let in anyhow",
	{{"soft", LEVEL_OPPORTUNISTIC, NOW - 10, NOW + 50, NULL, NULL, 0,
	    true}},
	1, ACME, "may", KEYED, 0, 0, NOW + 50},
    {"its first second",
	{{"acme", LEVEL_ENCRYPT, NOW, NOW + 1, NULL, NULL, 0, false}}, 1,
	"encrypt" TAIL, "may", KEYED, 2, NOW + 1, NOW + 1},
    {"its end", {{"acme", LEVEL_ENCRYPT, NOW - 10, NOW, NULL, NULL, 0, false}},
	1, ACME, "may", KEYED, 0, 0, 0},
    {"long over", {{"acme", LEVEL_ENCRYPT, 10, 20, NULL, NULL, 0, false}}, 1,
	ACME, "may", KEYED, 0, 0, 0},
    {"not begun",
	{{"acme", LEVEL_ENCRYPT, NOW + 5, NOW + 50, NULL, NULL, 0, false}}, 1,
	ACME, "may", KEYED, 0, 0, NOW + 5},
    {"not lower: the same",
	{{"keyed", LEVEL_KEY, NOW - 1, NOW + 50, KEYS, NULL, 0, false}}, 1,
	ACME, "may", KEYED, 0, 0, NOW + 50},
    {"not lower: stronger",
	{{"soft", LEVEL_SECURE, NOW - 1, NOW + 50, NULL, NULL, 0, false}}, 1,
	ACME, "may", KEYED, 0, 0, NOW + 50},
    {"nobody",
	{{"none", LEVEL_ENCRYPT, NOW - 1, NOW + 50, NULL, NULL, 0, false}}, 1,
	ACME, "may", KEYED, 0, 0, 0},
    {"two partners",
	{{"acme", LEVEL_ENCRYPT, NOW - 1, NOW + 50, NULL, NULL, 0, false},
	    {"keyed", LEVEL_ENCRYPT, NOW - 1, NOW + 40, NULL, NULL, 0, false}},
	2, "encrypt" TAIL, "may", "encrypt" TAIL, 3, NOW + 40, NOW + 40},
    {"two of one partner: the weaker",
	{{"acme", LEVEL_OPPORTUNISTIC, NOW - 1, NOW + 40, NULL, NULL, 0, false},
	    {"acme", LEVEL_ENCRYPT, NOW - 1, NOW + 50, NULL, NULL, 0, false}},
	2, "may", "may", KEYED, 2, NOW + 40, NOW + 40},
    {"two of one partner, the other way round",
	{{"acme", LEVEL_ENCRYPT, NOW - 1, NOW + 30, NULL, NULL, 0, false},
	    {"acme", LEVEL_OPPORTUNISTIC, NOW - 1, NOW + 40, NULL, NULL, 0,
		false}},
	2, "may", "may", KEYED, 2, NOW + 40, NOW + 30},
    {"one that holds and one to come",
	{{"acme", LEVEL_ENCRYPT, NOW - 1, NOW + 50, NULL, NULL, 0, false},
	    {"acme", LEVEL_OPPORTUNISTIC, NOW + 20, NOW + 40, NULL, NULL, 0,
		false}},
	2, "encrypt" TAIL, "may", KEYED, 2, NOW + 50, NOW + 20},
};

static struct registry *
parse(const char *s, struct diags *d)
{
	struct registry *r = registry_parse("r", s, strlen(s), NOW, d);

	assert_int_equal(d->errors, 0);
	return r;
}

static const struct maprow *
row_of(const struct compiled *c, const char *key)
{
	size_t i;

	for (i = 0; i < c->table.n; i++)
		if (strcmp(c->table.row[i].key, key) == 0)
			return &c->table.row[i];
	fail_msg("no row %s", key);
	return NULL;
}

static void
t_downgrades(void **state)
{
	struct target t = {3007, OPPORTUNISTIC_MAY, true, ""};
	struct diags d = {0};
	struct registry *r = parse(text, &d);
	struct downgrades o;
	struct compiled c;
	const struct maprow *row;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;

		o = (struct downgrades){cases[i].v, cases[i].n};
		compile(r, &o, NOW, &t, &c, &d);
		check_int(name, d.n, 0);
		check_int(name, c.table.n - count_records(&c.table), 4);
		row = row_of(&c, "acme.example");
		check_str(name, row->text, cases[i].acme);
		check_str(
		    name, row_of(&c, ".acme.example")->text, cases[i].acme);
		check_int(name, row->lowered, strcmp(cases[i].acme, ACME) != 0);
		check_str(
		    name, row_of(&c, "soft.example")->text, cases[i].soft);
		check_str(
		    name, row_of(&c, "keyed.example")->text, cases[i].keyed);
		check_int(name, c.header.partners, 3);
		check_int(name, c.header.domains, 4);
		check_int(name, c.header.enforced, 3);
		check_int(name, c.opportunistic, 1);
		check_int(name, c.header.lowered, cases[i].lowered);
		check_int(name, c.lowered_until, cases[i].until);
		check_int(name, c.header.expires, cases[i].expires);
		maptable_release(&c.table);
	}
	registry_free(r);
	diag_free(&d);
}

/* The rows of a registry: "KEY\tTEXT\n". */
static const struct {
	const char *name;
	const char *text;
	const char *want;
	const char *said;
} rows[] = {
    {"nothing", "", "", ""},
    {"order", "partner b domain=b.example\npartner a domain=a.example\n",
	"b.example\tmay\na.example\tmay\n", ""},
    {"next hops", "partner a domain=[mx.a.example],[MX.a.example]:25\n",
	"[mx.a.example]\tmay\n[mx.a.example]:25\tmay\n", ""},
    {"a U-label has two rows", "partner a domain=m\xc3\xbcnchen.example\n",
	"xn--mnchen-3ya.example\tmay\nm\xc3\xbcnchen.example\tmay\n", ""},
    {"an A-label has too",
	"partner a domain=.xn--mnchen-3ya.example,a.example\n",
	".xn--mnchen-3ya.example\tmay\n.m\xc3\xbcnchen.example\tmay\n"
	"a.example\tmay\n",
	""},
    {"a next hop has not", "partner a domain=[m\xc3\xbcnchen.example]\n",
	"[xn--mnchen-3ya.example]\tmay\n", ""},
    {"sharp s",
	"partner a domain=stra\xc3\x9f"
	"e.example\n",
	"xn--strae-oqa.example\tmay\n",
	"1: domain \"stra\xc3\x9f"
	"e.example\": Postfix cannot look it up in this form; only mail to "
	"xn--strae-oqa.example is covered\n"},
    {"final sigma", "\npartner a\n domain=xn--nxasmm1c.example\n",
	"xn--nxasmm1c.example\tmay\n",
	"3: domain \"\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.example\": "
	"Postfix cannot look it up in this form; only mail to "
	"xn--nxasmm1c.example is covered\n"},
    {"what the version cannot say",
	"partner a domain=a.example\n\npartner b mode=enforced contact=x\n"
	" min-tls=TLSv1.3 domain=b.example\n",
	"a.example\tmay\n",
	"3: partner b: min-tls=TLSv1.3 needs Postfix 3.4 or later\n"},
};

static void
t_rows(void **state)
{
	struct target t = {3003, OPPORTUNISTIC_MAY, true, ""};
	struct downgrades none = {0};
	struct buf b = {0};
	struct registry *r;
	struct compiled c;
	struct diags d;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		d = (struct diags){0};
		r = parse(rows[i].text, &d);
		compile(r, &none, NOW, &t, &c, &d);
		buf_clear(&b);
		buf_puts(&b, "");
		for (j = 0; j < c.table.n; j++)
			buf_printf(&b, "%s\t%s\n", c.table.row[j].key,
			    c.table.row[j].text);
		check_str(rows[i].name, b.data, rows[i].want);
		buf_clear(&b);
		for (j = 0; j < d.n; j++)
			buf_printf(&b, "%u: %s\n", d.v[j].line, d.v[j].text);
		check_str(rows[i].name, b.data, rows[i].said);
		maptable_release(&c.table);
		registry_free(r);
		diag_free(&d);
	}
	buf_free(&b);
}

#define PINBOUND "partner=a inbound="

/* The records for tlspactd, with acme of `downgrade` lowered: "KEY\tTEXT\n". */
static const struct {
	const char *name;
	const char *text;
	struct downgrade v[2];
	size_t n;
	const char *want;
} records[] = {
    {"what follows from the row has none",
	"partner a mode=enforced contact=x domain=a.example\n"
	"partner b domain=b.example\n",
	{{0}}, 0, ""},
    {"a rule of its own",
	"partner a mode=enforced contact=x domain=a.example,.a.example\n"
	"  inbound=warn\n",
	{{0}}, 0,
	" d:a.example\t" PINBOUND "warn level=secure\n"
	" d:.a.example\t" PINBOUND "warn level=secure\n"},
    {"reject",
	"partner a mode=enforced contact=x domain=a.example\n"
	"  inbound-action=reject\n",
	{{0}}, 0,
	" d:a.example\t" PINBOUND "require action=reject level=secure\n"},
    {"a name",
	"partner a domain=a.example inbound=require inbound-verify=name\n"
	" gateway=mx.a.example\n",
	{{0}}, 0,
	" d:a.example\t" PINBOUND
	"require verify=name names=mx.a.example level=opportunistic\n"},
    {"off needs no words", "partner a domain=a.example inbound-action=reject\n",
	{{0}}, 0, ""},
    {"nobody sends from a next hop",
	"partner a domain=[mx.a.example] inbound=require\n", {{0}}, 0, ""},
    {"a U-label has its own",
	"partner a inbound=warn "
	"domain=m\xc3\xbcnchen.example\n",
	{{0}}, 0,
	" d:xn--mnchen-3ya.example\t" PINBOUND "warn level=opportunistic\n"
	" d:m\xc3\xbcnchen.example\t" PINBOUND "warn level=opportunistic\n"},
    {"let in over TLS alone",
	"partner a mode=enforced contact=x domain=a.example "
	"gateway=mx.a.example\n"
	" inbound-verify=name\n",
	{{"a", LEVEL_SECURE, NOW - 1, NOW + 60, NULL, NULL, 0,
	    DIRECTION_CERTIFICATE}},
	1,
	" d:a.example\t" PINBOUND
	"require verify=name names=mx.a.example level=secure "
	"until=1970-01-12T13:47:40Z direction=inbound-certificate "
	"{ full = secure match=mx.a.example" TAIL " }\n"},
    {"its gateway, which is another's as well",
	"partner a mode=enforced contact=x domain=a.example "
	"gateway=mx.r.example\n"
	" inbound-verify=name\n"
	"partner b mode=enforced contact=x domain=b.example "
	"gateway=mx.r.example\n",
	{{"a", LEVEL_SECURE, NOW - 1, NOW + 60, NULL, NULL, 0,
	     DIRECTION_CERTIFICATE},
	    {"b", LEVEL_SECURE, NOW - 1, NOW + 60, NULL, NULL, 0,
		DIRECTION_INBOUND}},
	2,
	" d:a.example\t" PINBOUND
	"require verify=name names=mx.r.example level=secure "
	"until=1970-01-12T13:47:40Z direction=inbound-certificate "
	"{ full = secure match=mx.r.example" TAIL " }\n"
	" d:b.example\tpartner=b inbound=require level=secure "
	"until=1970-01-12T13:47:40Z direction=inbound "
	"{ full = secure match=mx.r.example" TAIL " }\n"
	" g:mx.r.example\tpartner=a more=1 inbound=require verify=name "
	"names=mx.r.example level=encrypt until=1970-01-12T13:47:40Z "
	"direction=inbound-certificate { full = - }\n"},
    {"of two the one that lets in more",
	"partner a mode=enforced contact=x domain=a.example "
	"gateway=mx.a.example\n"
	" inbound-verify=name\n",
	{{"a", LEVEL_SECURE, NOW - 1, NOW + 60, NULL, NULL, 0,
	     DIRECTION_CERTIFICATE},
	    {"a", LEVEL_SECURE, NOW - 1, NOW + 60, NULL, NULL, 0,
		DIRECTION_INBOUND}},
	2,
	" d:a.example\t" PINBOUND
	"require verify=name names=mx.a.example level=secure "
	"until=1970-01-12T13:47:40Z direction=inbound "
	"{ full = secure match=mx.a.example" TAIL " }\n"},
    {"where no certificate is asked for",
	"partner a mode=enforced contact=x domain=a.example\n",
	{{"a", LEVEL_SECURE, NOW - 1, NOW + 60, NULL, NULL, 0,
	    DIRECTION_CERTIFICATE}},
	1, ""},
    {"lowered",
	"partner a mode=enforced contact=x domain=a.example,[a.example]\n",
	{{"a", LEVEL_ENCRYPT, NOW - 1, NOW + 60, NULL, NULL, 0, false}}, 1,
	" d:a.example\t" PINBOUND
	"require level=encrypt until=1970-01-12T13:47:40Z { full = secure "
	"match=nexthop:dot-nexthop" TAIL " }\n"
	" d:[a.example]\t" PINBOUND
	"require level=encrypt until=1970-01-12T13:47:40Z { full = secure "
	"match=nexthop:dot-nexthop" TAIL " }\n"},
    {"a gateway elsewhere",
	"partner a mode=enforced contact=x domain=a.example\n"
	" gateway=mx.relay.example,mx.a.example,a.example,nexthop\n",
	{{0}}, 0, " g:mx.relay.example\t" PINBOUND "require level=secure\n"},
    {"a gateway that only ends alike",
	"partner a mode=enforced contact=x domain=a.example "
	"gateway=mx.ba.example\n",
	{{0}}, 0, " g:mx.ba.example\t" PINBOUND "require level=secure\n"},
    {"a gateway of two: the stricter rule",
	"partner a domain=a.example inbound=warn gateway=.relay.example\n"
	"partner b mode=enforced contact=x domain=b.example\n"
	" gateway=.relay.example inbound-action=reject\n",
	{{0}}, 0,
	" d:a.example\t" PINBOUND "warn level=opportunistic\n"
	" d:b.example\tpartner=b inbound=require action=reject level=secure\n"
	" g:.relay.example\tpartner=a more=1 inbound=require action=reject "
	"level=opportunistic\n"},
    {"a gateway said twice is one partner's",
	"partner a mode=enforced contact=x domain=a.example "
	"gateway=mx.r.example,mx.r.example\n",
	{{0}}, 0, " g:mx.r.example\t" PINBOUND "require level=secure\n"},
    {"a gateway of one without a rule",
	"partner a domain=a.example gateway=mx.r.example\n", {{0}}, 0, ""},
    {"many domains, gateway at the last one",
	"partner a mode=enforced contact=x gateway=mx.f.example,f.example\n"
	" domain=a.example,b.example,c.example,d.example,e.example,f.example"
	"\n",
	{{0}}, 0, ""},
    {"many domains, gateway at another's",
	"partner a mode=enforced contact=x gateway=mx.z.example\n"
	" domain=a.example,b.example,c.example,d.example,e.example,f.example"
	"\npartner z domain=z.example\n",
	{{0}}, 0, " g:mx.z.example\t" PINBOUND "require level=secure\n"},
};

static void
t_records(void **state)
{
	struct target t = {3007, OPPORTUNISTIC_MAY, true, ""};
	struct buf b = {0};
	struct registry *r;
	struct downgrades o;
	struct compiled c;
	struct diags d;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(records); i++) {
		d = (struct diags){0};
		o = (struct downgrades){records[i].v, records[i].n};
		r = parse(records[i].text, &d);
		compile(r, &o, NOW, &t, &c, &d);
		check_int(records[i].name, d.errors, 0);
		buf_clear(&b);
		buf_puts(&b, "");
		for (j = 0; j < c.table.n; j++) {
			check_int(c.table.row[j].key,
			    maprow_is_record(&c.table.row[j]),
			    c.table.row[j].key[0] == ' ');
			if (maprow_is_record(&c.table.row[j]))
				buf_printf(&b, "%s\t%s\n", c.table.row[j].key,
				    c.table.row[j].text);
		}
		check_str(records[i].name, b.data, records[i].want);
		maptable_release(&c.table);
		registry_free(r);
		diag_free(&d);
	}
	buf_free(&b);
}

#define B_SUFFIX "partner b mode=enforced contact=x domain=.b.example\n"

static const struct {
	const char *name;
	const char *text;
	const char *level; /* of main.cf */
	const char *rows;
	const char *records;
} mains[] = {
    {"no row", "partner a domain=a.example,.a.example,[mx.a.example]\n", "dane",
	"", ""},
    {"below an enforced suffix", B_SUFFIX "partner a domain=a.b.example\n",
	"dane", "a.b.example\tdane\n", ""},
    {"none is may", B_SUFFIX "partner a domain=a.b.example\n", "none",
	"a.b.example\tmay\n", ""},
    {"a stronger level is no rule for incoming mail",
	B_SUFFIX "partner a domain=a.b.example\n", "encrypt",
	"a.b.example\tencrypt\n",
	" d:a.b.example\tpartner=a inbound=off level=opportunistic\n"},
    {"the nearest one catches",
	B_SUFFIX "partner a domain=.a.b.example,x.a.b.example\n", "may",
	".a.b.example\tmay\n",
	" d:x.a.b.example\tpartner=a inbound=off level=opportunistic\n"},
    {"smtp(8) asks no exact parent, lookup of clients does",
	"partner b mode=enforced contact=x domain=b.example\n"
	"partner a domain=a.b.example\n",
	"may", "",
	" d:a.b.example\tpartner=a inbound=off level=opportunistic\n"},
    {"rows of their own",
	"partner a domain=a.example mode=may\n"
	"partner ab domain=b.example mode=dane\n"
	"partner ac domain=.c.example mode=none\n"
	"partner ad domain=d.c.example\n",
	"dane",
	"a.example\tmay\nb.example\tdane\n.c.example\tnone\n"
	"d.c.example\tdane\n",
	""},
    {"a next-hop with a port",
	B_SUFFIX "partner a domain=x.b.example:587 inbound=warn\n", "encrypt",
	"", ""},
    {"a rule without a row", "partner a domain=a.example inbound=warn\n", "may",
	"", " d:a.example\tpartner=a inbound=warn level=opportunistic\n"},
    {"with its U-label", B_SUFFIX "partner a domain=m\xc3\xbcnchen.b.example\n",
	"may", "xn--mnchen-3ya.b.example\tmay\nm\xc3\xbcnchen.b.example\tmay\n",
	""},
    {"a next hop is no sub-domain", B_SUFFIX "partner a domain=[a.b.example]\n",
	"may", "", ""},
};

/* The rows and records of partner a alone. */
static void
t_main_cf(void **state)
{
	struct target t = {3007, OPPORTUNISTIC_MAIN_CF, true, ""};
	struct downgrades none = {0};
	struct buf got = {0}, recs = {0};
	struct registry *r;
	struct compiled c;
	struct diags d;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(mains); i++) {
		d = (struct diags){0};
		(void)strcpy(t.main_level, mains[i].level);
		r = parse(mains[i].text, &d);
		compile(r, &none, NOW, &t, &c, &d);
		check_int(mains[i].name, d.errors, 0);
		buf_clear(&got);
		buf_clear(&recs);
		buf_puts(&got, "");
		buf_puts(&recs, "");
		for (j = 0; j < c.table.n; j++)
			if (r->partner[c.table.row[j].partner].name[0] == 'a')
				buf_printf(maprow_is_record(&c.table.row[j])
					       ? &recs
					       : &got,
				    "%s\t%s\n", c.table.row[j].key,
				    c.table.row[j].text);
		check_str(mains[i].name, got.data, mains[i].rows);
		check_str(mains[i].name, recs.data, mains[i].records);
		maptable_release(&c.table);
		registry_free(r);
		diag_free(&d);
	}
	buf_free(&got);
	buf_free(&recs);
}

/* To be reached at last, whatever main.cf has for strangers. */
static void
t_main_cf_lowered(void **state)
{
	static const char *const levels[][2] = {{"may", "may"},
	    {"secure", "may"}, {"dane", "dane"}, {"?", "may"}, {"", "may"}};
	struct target t = {3007, OPPORTUNISTIC_MAIN_CF, true, ""};
	struct downgrade low = {.partner = "b",
	    .level = LEVEL_OPPORTUNISTIC,
	    .begin = NOW - 1,
	    .end = NOW + 60};
	struct downgrades o = {&low, 1};
	struct registry *r;
	struct compiled c;
	struct diags d;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(levels); i++) {
		d = (struct diags){0};
		(void)strcpy(t.main_level, levels[i][0]);
		r = parse(B_SUFFIX, &d);
		compile(r, &o, NOW, &t, &c, &d);
		check_int(levels[i][0], d.errors, 0);
		check_str(levels[i][0], c.table.row[0].text, levels[i][1]);
		maptable_release(&c.table);
		registry_free(r);
		diag_free(&d);
	}
}

/* A downgrade of acme that was begun for some of what it has now. */
static void
t_covered(void **state)
{
	static const struct {
		size_t n;
		const char *v[2];
	} begun = {2, {".acme.example", "xn--mnchen-3ya.example"}};
	static const char now_has[] =
	    "partner acme mode=enforced contact=x domain=.acme.example,"
	    "bank.example,xn--mnchen-3ya.example,[mx.bank.example]\n"
	    " gateway=mx.relay.example\n";
	static const char *const other[] = {"nobody.example"};
	static const struct {
		const char *key;
		bool lowered;
	} want[] = {{".acme.example", true}, {"bank.example", false},
	    {"xn--mnchen-3ya.example", true}, {"m\xc3\xbcnchen.example", true},
	    {"[mx.bank.example]", false}, {" d:.acme.example", false},
	    {" d:m\xc3\xbcnchen.example", false}};
	struct downgrade v = {.partner = "acme",
	    .level = LEVEL_ENCRYPT,
	    .end = NOW + 60,
	    .domains = (const struct strs *)(const void *)&begun};
	struct downgrades o = {&v, 1};
	struct target t = {3007, OPPORTUNISTIC_MAY, true, ""};
	struct diags d = {0};
	struct registry *r = parse(now_has, &d);
	struct compiled c;
	struct strs *list;
	size_t i;

	(void)state;
	compile(r, &o, NOW, &t, &c, &d);
	for (i = 0; i < COUNT(want); i++) {
		const struct maprow *row = row_of(&c, want[i].key);

		check_int(want[i].key, row->lowered, want[i].lowered);
		if (want[i].key[0] != ' ')
			check_has(want[i].key, row->text,
			    want[i].lowered ? "encrypt "
					    : "secure match=mx.relay.example");
	}
	check_int("rows and records", c.table.n, 9);
	check_int("lowered", c.header.lowered, 2);
	check_int("warnings", d.warnings, 2);
	check_str("words", d.v[0].text,
	    "partner acme is lowered until 13:47, but not for bank.example, "
	    "for which that was not begun: it stays at secure");
	check_has(
	    "its gateway", row_of(&c, " g:mx.relay.example")->text, "until=");
	maptable_release(&c.table);
	diag_free(&d);

	/* Another partner of that name: nothing of it was meant. */
	list = calloc(1, sizeof(*list) + sizeof(list->v[0]));
	assert_non_null(list);
	list->n = 1;
	list->v[0] = other[0];
	v.domains = list;
	compile(r, &o, NOW, &t, &c, &d);
	check_int("nothing lowered", c.header.lowered, 0);
	check_int("and nothing said of it", d.warnings, 0);
	check_int("no end", c.lowered_until, 0);
	check_int("its gateway neither", count_records(&c.table), 1);
	check_str("full", row_of(&c, " g:mx.relay.example")->text,
	    "partner=acme inbound=require level=secure");
	maptable_release(&c.table);
	free(list);
	registry_free(r);
	diag_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_downgrades),
	    cmocka_unit_test(t_rows),
	    cmocka_unit_test(t_main_cf),
	    cmocka_unit_test(t_main_cf_lowered),
	    cmocka_unit_test(t_records),
	    cmocka_unit_test(t_covered),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
