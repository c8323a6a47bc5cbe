/*
 * warden_flush.h: have Postfix retry what waits for a partner, by children
 * of an event loop.
 */
#ifndef WARDEN_FLUSH_H
#define WARDEN_FLUSH_H

struct children;
struct event_base;
struct flush;
struct warden;
struct settings;

/* All is borrowed; first is private. */
struct warden_flushes {
	const struct settings *set;
	struct event_base *base;
	struct children *children;
	struct warden *warden;
	struct flush *first;
};

/*
 * List the queue and name the partner's deferred messages to postqueue -i;
 * the same once more a few seconds later, for what was on its way.
 */
void warden_flush(struct warden_flushes *all, const char *partner);

/* Forget those under way, after their children. */
void warden_flushes_end(struct warden_flushes *all);

#endif
