/*
 * settings.h: tlspact.conf(5), the settings of all programs.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct buf;
struct diags;
struct err;
struct target;

#define SETTINGS_FILE "/tlspact/tlspact.conf" /* below SYSCONFDIR */

enum outbound_failing {
	OUTBOUND_DUNNO,
	OUTBOUND_WARN,
	OUTBOUND_DEFER,
	OUTBOUND_REJECT
};

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct settings {
	char *registry;
	char *ledger;
	char *evidence;
	char *map;
	char *inbound_map;    /* beside the map if not said: x-inbound.cdb */
	char *requiretls_map; /* the same: x-requiretls.cdb */
	char *ca_file;
	char *postfix_version;	  /* empty: ask postconf(1) */
	char *fingerprint_digest; /* the same */
	int opportunistic_level;  /* enum opportunistic */
	uint64_t max_downgrade;	  /* seconds */
	char *policy_socket;
	char *socketmap_socket;
	char *mail_log;
	char *operator_;
	char *notify_command;
	char *sendmail;
	char *postfix_config; /* folder; see settings_postfix() */
	char *resolver;	      /* empty: resolv.conf */
	char *trust_anchor;
	uint64_t smtp_port;
	char *helo_name;	/* empty: smtp_helo_name */
	uint64_t probe_timeout; /* seconds */
	uint64_t probe_parallel;
	char *max_weakened; /* limit_parse() */
	uint64_t drop_max_partners;
	int warden;	      /* 1: tlspactd starts one */
	uint64_t probe_every; /* seconds; 0: left to others */
	uint64_t keep;	      /* seconds, proberecord.h; 0: for ever */
	int log_level;	      /* enum log_level */
	/* tlspactd(8) */
	int outbound_failing; /* enum outbound_failing */
	char *service_user;   /* empty: stay who we are */
	char *probe_user;     /* the same, of the prober */
	char *log_user;	      /* the same, of the log reader */
	char *socket_group;   /* empty: as it comes */
	char *socket_mode;    /* octal */
	uint64_t max_clients;
	uint64_t client_timeout; /* seconds */
	char *metrics_file;	 /* empty: none */
	uint64_t metrics_interval;
	char *compile_command; /* empty: tlspact-compile beside tlspactd */
	struct conf conf;
};

/* max_weakened, a number or a percentage. */
struct limit {
	uint64_t n;
	bool percent; /* n is 0 to 100 */
};

/* "N" or "N%": 0, or -1 if it is neither. */
int limit_parse(const char *s, struct limit *out);

/* What the common options -C, -o and -c say. Zeroed is a good start. */
struct settings_options {
	const char *file;      /* -C, or NULL */
	const char **override; /* -o; the array is owned, the texts are not */
	size_t n, cap;
	const char *postfix; /* -c: in place of postfix_config; or NULL */
};

/* Remember one -o. */
void settings_option(struct settings_options *o, const char *assignment);

/*
 * Read the settings file, fallback if -C was not given (it may then be
 * missing), apply the overrides, and free o's array. 0, or -1: then either
 * d has errors (exit 78; their places borrow from o and fallback), or the
 * file cannot be read and *e says why. The caller frees s in any case.
 */
int settings_load(struct settings *s, struct settings_options *o,
    const char *fallback, struct diags *d, struct err *e);

/*
 * The same for a program: the file in SYSCONFDIR unless -C names another,
 * and whatever is wrong is said. Returns 0 or the exit code.
 */
int settings_read(
    struct settings *s, struct settings_options *o, struct diags *d);

void settings_free(struct settings *s);

/* What else settings_target() is to ask. */
enum settings_need {
	SETTINGS_DIGEST = 1, /* for pins */
	SETTINGS_LEVEL = 2,  /* smtp_tls_security_level of main.cf */
};

/*
 * The configuration folder of the Postfix that sends to partners, as the
 * programs of Postfix take it behind -c; NULL: they know the default one.
 */
const char *settings_postfix(const struct settings *s);

/*
 * What the map is rendered for: from the settings, or asked of postconf(1)
 * where they are empty. The digest and main.cf's level are asked only if
 * need (enum settings_need) says so. 0, or -1 with *e set (69: postconf
 * cannot be asked; 78: not a version we support).
 */
int settings_target(
    const struct settings *s, unsigned need, struct target *t, struct err *e);

/* Ask for smtp_tls_security_level alone, into t->main_level. */
void settings_level(const struct settings *s, struct target *t);

/*
 * Do opportunistic partners get DANE, by the setting or by main.cf? If
 * postconf(1) cannot be asked, no.
 */
bool settings_dane(const struct settings *s);

#endif
