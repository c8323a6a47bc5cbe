/* t_probewire.c: what the prober puts is what the recorder takes. */
#include "check.h"

#include "buf.h"
#include "err.h"
#include "netstring.h"
#include "probewire.h"

/* Put and parsed; each field of a record differs from all others. */
static void
there_and_back(const char *row, const struct probewire *w, struct buf *b,
    struct probewire *got)
{
	const char *text;
	size_t len, used;
	struct err e = {0};

	buf_clear(b);
	probewire_put(b, w);
	check_int(row,
	    netstring_take(b->data, b->len, PROBEWIRE_MAX, &text, &len, &used),
	    NETSTRING_DONE);
	check_int(row, used, b->len);
	if (probewire_parse(got, text, len, &e) != 0)
		fail_msg("[%s] %s", row, e.text);
	check_int(row, got->kind, w->kind);
}

static void
t_row(void **state)
{
	static const unsigned char data[32] = "0123456789abcdef0123456789abcde";
	const struct probewire w = {.kind = PROBEWIRE_ROW,
	    .target = 3,
	    .host = "mx.a.example",
	    .address = "192.0.2.1",
	    .mx_dns = PROBEWIRE_DNS_SECURE,
	    .host_dns = PROBEWIRE_DNS_INSECURE,
	    .sni = "base.a.example",
	    .domain = "a.example.net",
	    .fault = FAULT_OK,
	    .tlsa = {{.usage = 3,
			 .selector = 1,
			 .mtype = 2,
			 .data = data,
			 .len = sizeof(data)},
		{.usage = 2, .data = data, .len = 7}},
	    .ntlsa = 2};
	struct probewire got;
	struct buf b = {0};
	size_t i;

	(void)state;
	there_and_back("row", &w, &b, &got);
	check_int("target", got.target, w.target);
	check_str("host", got.host, w.host);
	check_str("address", got.address, w.address);
	check_int("DNSSEC of MX", got.mx_dns, w.mx_dns);
	check_int("DNSSEC of host", got.host_dns, w.host_dns);
	check_str("server name", got.sni, w.sni);
	check_str("domain", got.domain, w.domain);
	check_int("fault", got.fault, w.fault);
	check_int("TLSA", got.ntlsa, w.ntlsa);
	for (i = 0; i < w.ntlsa; i++) {
		check_int("usage", got.tlsa[i].usage, w.tlsa[i].usage);
		check_int("selector", got.tlsa[i].selector, w.tlsa[i].selector);
		check_int("type", got.tlsa[i].mtype, w.tlsa[i].mtype);
		check_int("length", got.tlsa[i].len, w.tlsa[i].len);
		check_int("data",
		    memcmp(got.tlsa[i].data, w.tlsa[i].data, w.tlsa[i].len), 0);
	}
	probewire_release(&got);
	buf_free(&b);
}

static void
t_seen(void **state)
{
	const struct probewire w = {.kind = PROBEWIRE_SEEN,
	    .seen = {.outcome = STARTTLS_OK,
		.phase = STARTTLS_EHLO_TLS,
		.errnum = 11,
		.code = 250,
		.text = "hello",
		.injected = true,
		.injected_bytes = 12,
		.requiretls = true,
		.tls = true,
		.proto_name = "TLSv1.2",
		.cipher = "CIPHER",
		.kex = "KEX",
		.sig = "SIG",
		.total_ms = 13}};
	const struct starttls_result *s = &w.seen, *g;
	struct probewire got;
	struct buf b = {0};

	(void)state;
	there_and_back("seen", &w, &b, &got);
	g = &got.seen;
	check_int("outcome", g->outcome, s->outcome);
	check_int("phase", g->phase, s->phase);
	check_int("errno", g->errnum, s->errnum);
	check_int("code", g->code, s->code);
	check_str("text", g->text, s->text);
	check_int("injected", g->injected, s->injected);
	check_int("bytes", g->injected_bytes, s->injected_bytes);
	check_int("REQUIRETLS", g->requiretls, s->requiretls);
	check_int("tls", g->tls, s->tls);
	check_str("protocol", g->proto_name, s->proto_name);
	check_str("cipher", g->cipher, s->cipher);
	check_str("key exchange", g->kex, s->kex);
	check_str("signature", g->sig, s->sig);
	check_int("time", g->total_ms, s->total_ms);
	check_true("no chain", g->chain == NULL);
	probewire_release(&got);
	buf_free(&b);
}

static void
t_others(void **state)
{
	static const struct probewire rows[] = {
	    {.kind = PROBEWIRE_NONE,
		.row = 4,
		.fault = FAULT_DNS_FAILED,
		.detail = "why"},
	    {.kind = PROBEWIRE_JUDGE, .row = 5},
	    {.kind = PROBEWIRE_TEXTS,
		.target = 3,
		.mta_sts = PROBEWIRE_TEXT_YES,
		.tls_rpt = PROBEWIRE_TEXT_NO},
	    {.kind = PROBEWIRE_ASKED, .target = 6},
	    {.kind = PROBEWIRE_UNABLE, .code = 70, .detail = "why not"},
	};
	struct probewire got;
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		there_and_back("other", &rows[i], &b, &got);
		check_int("row", got.row, rows[i].row);
		check_int("target", got.target, rows[i].target);
		check_int("fault", got.fault, rows[i].fault);
		check_int("code", got.code, rows[i].code);
		check_str("detail", got.detail, rows[i].detail);
		check_int("MTA-STS", got.mta_sts, rows[i].mta_sts);
		check_int("TLS reports", got.tls_rpt, rows[i].tls_rpt);
		probewire_release(&got);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_row),
	    cmocka_unit_test(t_seen),
	    cmocka_unit_test(t_others),
	};

	return cmocka_run_group_tests_name("probewire", tests, NULL, NULL);
}
