/*
 * tablekey.h: which keys of smtp_tls_policy_maps Postfix can ask for.
 */
#ifndef TABLEKEY_H
#define TABLEKEY_H

#include "span.h"

/*
 * Why Postfix never asks for that key, whatever mail there is, in a few words;
 * NULL: it may.
 */
const char *tablekey_unasked(struct span key);

#endif
