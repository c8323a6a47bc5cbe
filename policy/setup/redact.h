/*
 * redact.h: names of partners, their domains and hosts replaced by others, so
 * that who reads a text does not learn them, and what is the same stays the
 * same. Pure.
 */
#ifndef REDACT_H
#define REDACT_H

#include <stddef.h>

struct buf;
struct redact;

/*
 * secret makes pseudonyms that cannot be found by trying names; the same one
 * makes the same ones. NULL: names stay, and only what is nobody's business
 * goes. The caller frees it by redact_free().
 */
struct redact *redact_new(const char *secret);
void redact_free(struct redact *r);

/* From now on that partner's name is known; or that of a domain or host, with
 * a dot before it, brackets around it, a port behind it or not. */
void redact_learn_partner(struct redact *r, const char *name);
void redact_learn_host(struct redact *r, const char *name, size_t len);

/* Append what stands for a partner, known or not; "" stays. */
void redact_partner(struct redact *r, const char *name, struct buf *out);

/*
 * Append the text. Known names, and those below a known domain, become
 * pseudonyms: "partner-1a2b3c4d", "d-1a2b3c4d.invalid". Mail addresses, IP
 * addresses and what follows "password =" go.
 */
void redact_text(struct redact *r, const char *text, struct buf *out);

/*
 * Append a file of the registry, and learn its names: of what people write
 * freely, of keys and of who is to be told only the attribute's name stays.
 * Comments go. The text is cut up.
 */
void redact_registry(struct redact *r, char *text, size_t len, struct buf *out);

#endif
