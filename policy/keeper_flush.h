/*
 * keeper_flush.h: have Postfix retry what waits for a partner, by children
 * of an event loop.
 */
#ifndef KEEPER_FLUSH_H
#define KEEPER_FLUSH_H

struct children;
struct event_base;
struct flush;
struct keeper;
struct settings;

/* All is borrowed; first is private. */
struct keeper_flushes {
	const struct settings *set;
	struct event_base *base;
	struct children *children;
	struct keeper *keeper;
	struct flush *first;
};

/*
 * List the queue and name the partner's deferred messages to postqueue -i;
 * the same once more a few seconds later, for what was on its way.
 */
void keeper_flush(struct keeper_flushes *all, const char *partner);

/* Forget those under way, after their children. */
void keeper_flushes_end(struct keeper_flushes *all);

#endif
