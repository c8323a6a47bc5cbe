/*
 * render.h: a partner's rules as the text of smtp_tls_policy_maps.
 */
#ifndef RENDER_H
#define RENDER_H

#include "level.h"

struct buf;
struct partner;
struct strs;
struct target;

/*
 * Append the policy text that holds the partner at level, for the Postfix
 * version in target: postconf(5), smtp_tls_policy_maps. For LEVEL_KEY the
 * pins are those in key. No attribute that the version does not know is
 * ever written. Returns NULL, or what makes it impossible, as a phrase
 * behind `partner x: `; out then holds nothing that may be used.
 */
const char *render_policy(const struct partner *p, enum level level,
    const struct strs *key, const struct target *target, struct buf *out);

#endif
