#include "check.h"

#include <sys/stat.h>
#include <sysexits.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "settings.h"
#include "target.h"

static const char presets[] = "registry = /etc/tlspact/registry\n"
			      "ledger = /var/lib/tlspact/ledger.db\n"
			      "evidence = "
			      "/var/lib/tlspact-evidence/evidence.db\n"
			      "map = /var/lib/tlspact/policy.cdb\n"
			      "inbound_map = /var/lib/tlspact/"
			      "policy-inbound.cdb\n"
			      "requiretls_map = /var/lib/tlspact/"
			      "policy-requiretls.cdb\n"
			      "ca_file = /etc/ssl/certs/ca-certificates.crt\n"
			      "postfix_version =\n"
			      "fingerprint_digest =\n"
			      "opportunistic_level = main.cf\n"
			      "max_downgrade = 7d\n";

/* One assignment, from the file and from -o: the same answer. */
static const struct {
	const char *text;
	const char *bad; /* NULL: good */
} values[] = {
    {"registry = /a", NULL},
    {"registry =", "registry: \"\" is empty"},
    {"ledger =", "ledger: \"\" is empty"},
    {"ca_file =", "ca_file: \"\" is empty"},
    {"map = /a/policy.cdb", NULL},
    {"map = /a/policy", "map: \"/a/policy\" does not end in NAME.cdb, which "
			"Postfix's cdb: needs"},
    {"map = .cdb", "map: \".cdb\" does not end in NAME.cdb"},
    {"map =", "map: \"\" does not end in NAME.cdb"},
    {"map = /a b/policy.cdb",
	"map: \"/a b/policy.cdb\" holds a blank, a comma or a brace"},
    {"map = /a,b.cdb", "map: \"/a,b.cdb\" holds a blank, a comma"},
    {"map = /{a}.cdb", "map: \"/{a}.cdb\" holds a blank, a comma"},
    {"map = a/policy.cdb", NULL},
    {"inbound_map =", NULL},
    {"inbound_map = /a/in.cdb", NULL},
    {"inbound_map = /a/in.db",
	"inbound_map: \"/a/in.db\" does not end in NAME.cdb"},
    {"requiretls_map = /a/in.db",
	"requiretls_map: \"/a/in.db\" does not end in NAME.cdb"},
    {"postfix_version =", NULL},
    {"postfix_version = 3.7", NULL},
    {"postfix_version = 2.10", "postfix_version: \"2.10\" is older than 2.11"},
    {"postfix_version = x", "postfix_version: \"x\" is not a Postfix version"},
    {"fingerprint_digest = sha256", NULL},
    {"opportunistic_level = dane", NULL},
    {"opportunistic_level = encrypt",
	"opportunistic_level: \"encrypt\" is not one of main.cf, may, dane"},
    {"max_downgrade = 1m", NULL},
    {"max_downgrade = 365d", NULL},
    {"max_downgrade = 59s", "max_downgrade: \"59s\" is not a time from 1m to "
			    "365d"},
    {"max_downgrade = 366d", "max_downgrade: \"366d\" is not a time"},
    {"smtp_port = 2525", NULL},
    {"smtp_port = 0", "smtp_port: \"0\" is not a number from 1 to 65535"},
    {"smtp_port = 65536", "smtp_port: \"65536\" is not a number"},
    {"probe_timeout = 10m", NULL},
    {"probe_timeout = 0", "probe_timeout: \"0\" is not a time from 1s to 10m"},
    {"probe_parallel = 4096", NULL},
    {"probe_parallel = 0", "probe_parallel: \"0\" is not a number"},
    {"max_weakened = 10%", NULL},
    {"max_weakened = 5", NULL},
    {"max_weakened = 101%",
	"max_weakened: \"101%\" is neither a number nor 0% to 100%"},
    {"drop_max_partners = 0", NULL},
    {"log_level = debug", NULL},
    {"log_level = loud", "log_level: \"loud\" is not one of error, info, "
			 "debug"},
    {"map = /tmp/.cdb", "map: \"/tmp/.cdb\" does not end in NAME.cdb"},
    {"mail_log =", "mail_log: \"\" is empty"},
    {"operator = jo", NULL},
    {"operator = jo@ours.example", NULL},
    {"operator =", "operator: \"\" is empty: nobody would be told"},
    {"operator = a b", "operator: \"a b\" holds a blank"},
    {"helo_name =", NULL},
    {"helo_name = mx.ours.example", NULL},
    {"helo_name = a b", "helo_name: \"a b\" holds a blank"},
    {"resolver =", NULL},
    {"resolver = 127.0.0.1", NULL},
    {"resolver = ::1", NULL},
    {"resolver = 127.0.0.1@1", NULL},
    {"resolver = ::1@65535", NULL},
    {"resolver = 127.0.0.1@0", "\"127.0.0.1@0\" has behind @ no port from 1"},
    {"resolver = 127.0.0.1@70000", "has behind @ no port from 1 to 65535"},
    {"resolver = 127.0.0.1@", "has behind @ no port from 1 to 65535"},
    {"resolver = 127.0.0.1:53", "\"127.0.0.1:53\" is not an address such as"},
    {"resolver = dns.example", "\"dns.example\" is not an address such as"},
    {"operator_ = jo",
	"\"operator_\": unknown setting; did you mean operator?"},
    {"colour = blue", "\"colour\": unknown setting"},
};

static void
t_values(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "conf");
	struct settings_options o;
	struct settings s;
	struct diags d;
	struct err e;
	size_t i;
	int from_o, rc;

	(void)state;
	for (i = 0; i < COUNT(values); i++)
		for (from_o = 0; from_o < 2; from_o++) {
			o = (struct settings_options){.file = path};
			d = (struct diags){0};
			check_puts(path, from_o ? "" : values[i].text);
			if (from_o)
				settings_option(&o, values[i].text);
			rc = settings_load(&s, &o, "/nonexistent", &d, &e);
			check_int(values[i].text, rc, values[i].bad ? -1 : 0);
			check_int(
			    values[i].text, d.errors, values[i].bad != NULL);
			if (values[i].bad != NULL) {
				check_has(
				    values[i].text, d.v[0].text, values[i].bad);
				check_str(values[i].text, d.v[0].file,
				    from_o ? "-o" : path);
				check_int(values[i].text, d.v[0].line, !from_o);
			}
			diag_free(&d);
			settings_free(&s);
		}
	free(path);
	check_folder_end(dir);
}

static void
t_defaults(void **state)
{
	struct settings_options o = {0};
	struct settings s;
	struct diags d = {0};
	struct buf b = {0};
	struct err e;

	(void)state;
	assert_int_equal(
	    settings_load(&s, &o, "/nonexistent/tlspact.conf", &d, &e), 0);
	conf_print(&s.conf, &b);
	check_has("defaults", b.data, presets);
	check_has("defaults", b.data, "max_weakened = 10%\n");
	settings_free(&s);
	buf_free(&b);
}

static void
t_files(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "conf");
	struct settings_options o;
	struct settings s;
	struct diags d = {0};
	struct err e;

	(void)state;
	/* Named and missing. */
	o = (struct settings_options){.file = path};
	assert_int_equal(settings_load(&s, &o, "/dev/null", &d, &e), -1);
	assert_int_equal(e.code, EX_NOINPUT);
	assert_int_equal(d.errors, 0);
	settings_free(&s);
	/* The fallback is read if it is there; -C replaces it. */
	check_puts(path, "smtp_port = 2525\n");
	o = (struct settings_options){0};
	assert_int_equal(settings_load(&s, &o, path, &d, &e), 0);
	assert_int_equal(s.smtp_port, 2525);
	settings_free(&s);
	o = (struct settings_options){.file = "/dev/null"};
	assert_int_equal(settings_load(&s, &o, path, &d, &e), 0);
	assert_int_equal(s.smtp_port, 25);
	settings_free(&s);
	/* -o wins, the last one most. */
	o = (struct settings_options){.file = path};
	settings_option(&o, "smtp_port=26");
	settings_option(&o, "smtp_port=27");
	assert_int_equal(settings_load(&s, &o, path, &d, &e), 0);
	assert_int_equal(s.smtp_port, 27);
	settings_free(&s);
	/* -c wins over both, and may be relative. */
	o = (struct settings_options){.file = "/dev/null"};
	settings_option(&o, "postfix_config=/a");
	assert_int_equal(settings_load(&s, &o, path, &d, &e), 0);
	assert_string_equal(settings_postfix(&s), "/a");
	settings_free(&s);
	o = (struct settings_options){.file = "/dev/null", .postfix = "b"};
	settings_option(&o, "postfix_config=/a");
	assert_int_equal(settings_load(&s, &o, path, &d, &e), 0);
	assert_string_equal(settings_postfix(&s), "b");
	settings_free(&s);
	/* A fallback that is there and no file is a fault, not a default. */
	o = (struct settings_options){0};
	assert_int_equal(settings_load(&s, &o, dir, &d, &e), -1);
	check_has("a folder", e.text, "Is a directory");
	settings_free(&s);
	assert_int_equal(d.n, 0);
	free(path);
	check_folder_end(dir);
}

/* What a postconf of ours answers: for -dh and for -xh. */
static const struct {
	const char *name;
	const char *script; /* NULL: none in PATH */
	const char *version, *digest;
	bool need_digest;
	int rc, code;
	unsigned want;
	bool sha256;
	const char *bad;
} targets[] = {
    {"both set", "exit 1", "3.5", "sha256", true, 0, 0, 3005, true, NULL},
    {"both asked", "case $1 in -dh) echo 3.7.11;; *) echo sha256;; esac", "",
	"", true, 0, 0, 3007, true, NULL},
    {"md5", "case $1 in -dh) echo 3.5.6;; *) echo md5;; esac", "", "", true, 0,
	0, 3005, false, NULL},
    {"the digest is not needed", "case $1 in -dh) echo 3.5.6;; *) exit 1; esac",
	"", "", false, 0, 0, 3005, false, NULL},
    {"asked of the folder",
	"case $* in '-dh mail_version') echo 3.5.6;; "
	"'-c /p -xh smtp_tls_fingerprint_digest') echo sha256;; "
	"*) exit 1;; esac",
	"", "", true, 0, 0, 3005, true, NULL},
    {"too old", "echo 2.9.6", "", "", false, -1, EX_CONFIG, 0, false,
	"postfix_version \"2.9.6\" is older than 2.11"},
    {"no version", "echo hello", "", "", false, -1, EX_CONFIG, 0, false,
	"postfix_version \"hello\" is not a Postfix version"},
    {"silent", ":", "", "", false, -1, EX_CONFIG, 0, false,
	"postfix_version \"\" is not a Postfix version"},
    {"it fails", "echo 'fatal: no main.cf' >&2; exit 1", "", "", false, -1,
	EX_UNAVAILABLE, 0, false,
	"postconf failed: \"fatal: no main.cf\"; set postfix_version and "
	"fingerprint_digest to do without it"},
    {"it fails for the digest", "case $1 in -dh) echo 3.7;; *) exit 1;; esac",
	"", "", true, -1, EX_UNAVAILABLE, 0, false,
	"it does not say why; set postfix_version and"},
};

static void
t_target(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "postconf");
	char *keep = strdup(getenv("PATH")), *with = NULL, text[256];
	struct settings s = {0};
	struct target t;
	struct err e;
	size_t i;

	(void)state;
	assert_true(asprintf(&with, "%s:%s", dir, keep) > 0);
	assert_int_equal(setenv("PATH", with, 1), 0);
	for (i = 0; i < COUNT(targets); i++) {
		const char *name = targets[i].name;

		(void)snprintf(
		    text, sizeof(text), "#!/bin/sh\n%s\n", targets[i].script);
		check_puts(path, text);
		assert_int_equal(chmod(path, 0700), 0);
		memset(&t, 0, sizeof(t));
		s.postfix_version = strdup(targets[i].version);
		s.fingerprint_digest = strdup(targets[i].digest);
		/* A script that wants the folder is given one. */
		s.postfix_config = strdup(
		    strstr(targets[i].script, "-c /p") != NULL ? "/p" : "");
		s.opportunistic_level = OPPORTUNISTIC_DANE;
		check_int(name,
		    settings_target(&s, targets[i].need_digest, &t, &e),
		    targets[i].rc);
		if (targets[i].rc == -1) {
			check_int(name, e.code, targets[i].code);
			check_has(name, e.text, targets[i].bad);
		} else {
			check_int(name, t.version, targets[i].want);
			check_int(name, t.sha256, targets[i].sha256);
			check_int(name, t.opportunistic, OPPORTUNISTIC_DANE);
		}
		free(s.postfix_version);
		free(s.fingerprint_digest);
		free(s.postfix_config);
	}
	assert_int_equal(setenv("PATH", keep, 1), 0);
	free(with);
	free(keep);
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_values),
	    cmocka_unit_test(t_defaults),
	    cmocka_unit_test(t_files),
	    cmocka_unit_test(t_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
