/*
 * mxdns_answer.h: libunbound's answers taken apart, private to mxdns.c.
 * No network here. All that is kept comes from the arena.
 */
#ifndef MXDNS_ANSWER_H
#define MXDNS_ANSWER_H

#include "mxdns.h"

struct arena;
struct ub_result;

#define MXDNS_TYPE_A 1
#define MXDNS_TYPE_NS 2
#define MXDNS_TYPE_MX 15
#define MXDNS_TYPE_AAAA 28
#define MXDNS_TYPE_TLSA 52

const char *mxdns_keep_text(struct arena *mem, const char *s);

/* What an answer is, its records apart. err is libunbound's; r may be NULL. */
void mxdns_note_answer(struct arena *mem, struct mxdns_answer *a, int err,
    const struct ub_result *r);

/* The name a CNAME led to, lower case and without last dot, or NULL. */
const char *mxdns_canon(struct arena *mem, const struct ub_result *r);

/*
 * A new host in its place in res, or NULL if there are enough better ones.
 * Moves the others: pointers to hosts are good only after the last call.
 */
struct mxdns_host *mxdns_add_host(struct arena *mem, struct mxdns_result *res,
    const char *name, unsigned pref);

/* One more address of h; the caller counts. */
void mxdns_add_addr(
    struct arena *mem, struct mxdns_host *h, const void *sa, socklen_t len);

/* The records of a found answer. MX: OK if there is any host to ask for. */
enum mxdns_status mxdns_note_mx(
    struct arena *mem, struct mxdns_result *res, const struct ub_result *r);
void mxdns_note_addrs(struct arena *mem, struct mxdns_host *h, uint16_t port,
    int type, const struct ub_result *r);
void mxdns_note_tlsa(
    struct arena *mem, struct mxdns_host *h, const struct ub_result *r);

#endif
