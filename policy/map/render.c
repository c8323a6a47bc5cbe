#include "render.h"

#include <stddef.h>
#include <string.h>

#include "buf.h"
#include "registry.h"
#include "target.h"

static void
put_list(struct buf *out, const char *name, const struct strs *list, char sep)
{
	size_t i;

	buf_puts(out, name);
	for (i = 0; i < list->n; i++) {
		if (i > 0)
			buf_putc(out, sep);
		buf_puts(out, list->v[i]);
	}
}

static void
put_protocols(
    struct buf *out, enum tls_version floor, const struct target *target)
{
	unsigned v;

	buf_puts(out, " protocols=");
	if (target_has_floor(target)) {
		buf_puts(out, ">=");
		buf_puts(out, tls_version_name(floor));
		return;
	}
	/* Before 3.6 a floor is said by what is left out. */
	for (v = 0; v < floor; v++) {
		buf_puts(out, v == 0 ? "!" : ":!");
		buf_puts(out, tls_version_name(v));
	}
}

static void
put_secure(struct buf *out, const struct partner *p)
{
	const struct terms *t = p->terms;
	size_t i;

	if (t->verify == VERIFY_DANE) {
		buf_puts(out, "dane-only");
		return;
	}
	buf_puts(out, "secure");
	put_list(out, " match=", p->gateway, ':');
	for (i = 0; i < t->ca->n; i++) {
		buf_puts(out, " tafile=");
		buf_puts(out, t->ca->v[i]);
	}
}

/*
 * What a stranger gets, unless the settings say another level. A partner who
 * is lowered to this is to be reached at last: nothing that could hold mail,
 * but DANE where main.cf has it for all.
 */
static const char *
opportunistic(const struct partner *p, const struct target *target)
{
	const char *level = target->main_level;

	if (target->opportunistic != OPPORTUNISTIC_MAIN_CF)
		return target->opportunistic == OPPORTUNISTIC_DANE ? "dane"
								   : "may";
	if (p->terms->mode == MODE_ENFORCED)
		return strcmp(level, "dane") == 0 ? "dane" : "may";
	return *level == '\0' || strcmp(level, "none") == 0 ? "may" : level;
}

/* What makes it impossible to hold the partner at level; NULL: nothing. */
static const char *
fault(const struct partner *p, enum level level, const struct strs *key,
    const struct target *target)
{
	const struct terms *t = p->terms;

	if (level == LEVEL_OPPORTUNISTIC)
		return NULL;
	if (level == LEVEL_SECURE && t->verify != VERIFY_DANE &&
	    p->gateway->n == 0)
		return "no gateway name to match";
	if (level == LEVEL_KEY && (key == NULL || key->n == 0))
		return "no key to pin";
	/* The pins are SHA-256; any other digest defers all mail. */
	if (level == LEVEL_KEY && !target->sha256)
		return "a pinned key needs smtp_tls_fingerprint_digest = "
		       "sha256 in main.cf (and fingerprint_digest = sha256 "
		       "here)";
	if (t->min_tls == TLS_1_3 && !target_has_tls13(target))
		return "min-tls=TLSv1.3 needs Postfix 3.4 or later";
	return NULL;
}

const char *
render_policy(const struct partner *p, enum level level, const struct strs *key,
    const struct target *target, struct buf *out)
{
	const struct terms *t = p->terms;
	const char *bad = fault(p, level, key, target);

	if (bad != NULL)
		return bad;
	switch (level) {
	case LEVEL_OPPORTUNISTIC:
		buf_puts(out, opportunistic(p, target));
		return NULL;
	case LEVEL_ENCRYPT:
		buf_puts(out, "encrypt");
		break;
	case LEVEL_KEY:
		buf_puts(out, "fingerprint");
		put_list(out, " match=", key, '|');
		break;
	case LEVEL_SECURE:
		put_secure(out, p);
		break;
	}
	put_protocols(out, (enum tls_version)t->min_tls, target);
	buf_puts(out,
	    t->ciphers == CIPHERS_HIGH ? " ciphers=high" : " ciphers=medium");
	return NULL;
}
