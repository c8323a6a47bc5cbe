/*
 * target.h: the Postfix that will read the map.
 *
 * An attribute that its smtp(8) does not know defers all mail to the
 * destination, so rendering asks here first.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>

#define TARGET_VERSION(major, minor) ((major)*1000 + (minor))
#define TARGET_OLDEST TARGET_VERSION(2, 11) /* tafile=, dane-only */

/* The first versions that know something. */
#define TARGET_SERVERNAME TARGET_VERSION(3, 4)
#define TARGET_TLS_1_3 TARGET_VERSION(3, 4)
#define TARGET_FLOOR TARGET_VERSION(3, 6)	/* `protocols=>=TLSv1.2` */
#define TARGET_REQUIRETLS TARGET_VERSION(3, 11) /* RFC 8689 */

enum opportunistic {
	OPPORTUNISTIC_MAIN_CF, /* no row but where one is needed */
	OPPORTUNISTIC_MAY,
	OPPORTUNISTIC_DANE
};

#define TARGET_LEVEL_MAX 16 /* bytes of a security level, NUL included */

struct target {
	unsigned version; /* TARGET_VERSION of Postfix */
	enum opportunistic opportunistic;
	bool sha256; /* smtp_tls_fingerprint_digest is sha256 */
	/*
	 * smtp_tls_security_level of main.cf, what a stranger gets: "" if it
	 * was not asked for or is not set, "?" if it cannot be read.
	 */
	char main_level[TARGET_LEVEL_MAX];
};

/*
 * A mail_version such as "3.7.11", "2.11.0" or "3.12-20260821" into a
 * TARGET_VERSION. NULL if it is good, else what is wrong, as a phrase
 * behind `"x" `.
 */
const char *target_parse_version(const char *s, unsigned *version);

/* Take the value of smtp_tls_security_level; NULL: it cannot be read. */
void target_take_level(struct target *t, const char *level);

#endif
