/*
 * inorder.h: work on many items at once, and take the results in order.
 */
#ifndef INORDER_H
#define INORDER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What to do with the items, which are of size bytes and zeroed at first. An
 * item that was taken comes back to next() as it is, so that what it holds
 * can be used again.
 */
struct inorder {
	size_t size;
	/* The next item; false at the end. In order, one call at a time. */
	bool (*next)(void *arg, void *item);
	/* In any thread, several calls at once; the item is its own. */
	void (*work)(void *arg, void *item);
	/* In the caller's thread, in order; false: no more of them. */
	bool (*take)(void *arg, void *item);
	/* In the caller's thread, at last: free what the item holds. */
	void (*drop)(void *arg, void *item);
};

/*
 * Do it, in so many threads (thread.h) beside the caller's; with none, or where
 * none can be started, in the caller's own. Few items at a time are under way.
 */
void inorder_run(const struct inorder *how, void *arg, unsigned threads);

#endif
