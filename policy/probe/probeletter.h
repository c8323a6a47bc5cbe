/*
 * probeletter.h: could the partners be enforced, and a letter for the people
 * who run their gateways. Pure: rows in, text out.
 */
#ifndef PROBELETTER_H
#define PROBELETTER_H

struct json_t;
struct probeform;
struct probereport;

/*
 * For each partner: could it be enforced today, and a text for the people
 * who run its gateways. Rows were judged as enforced.
 */
extern const struct probeform probeletter_enforce;

/*
 * The same as a list for JSON, from r->helo: of each partner whether it is
 * enforced, could be, what is missing, and the letter. The caller owns it.
 */
struct json_t *probeletter_json(const struct probereport *r);

#endif
