#include "inorder.h"

#include <pthread.h>
#include <stdlib.h>

#include "mem.h"
#include "thread.h"

struct run {
	const struct inorder *how;
	void *arg;
	char *item; /* a ring of nitems */
	bool *done; /* by ring place: worked on, not yet taken */
	size_t nitems;
	size_t begun, taken;	/* items ever */
	bool end;		/* next() has no more */
	bool stop;		/* take() wants no more */
	pthread_mutex_t source; /* held around next() */
	pthread_mutex_t lock;	/* of all above */
	pthread_cond_t room;	/* for who holds the source */
	pthread_cond_t ready;	/* for who takes */
};

static void *
place(const struct run *r, size_t i)
{
	return r->item + i % r->nitems * r->how->size;
}

/* A place that is free; false if there is nothing more to begin. */
static bool
wait_for_room(struct run *r)
{
	bool more;

	pthread_mutex_lock(&r->lock);
	while (!r->stop && !r->end && r->begun - r->taken == r->nitems)
		pthread_cond_wait(&r->room, &r->lock);
	more = !r->stop && !r->end;
	pthread_mutex_unlock(&r->lock);
	return more;
}

/* Begin the next item; its number, or -1 if there is none. */
static long long
begin(struct run *r)
{
	long long i = -1;
	bool more;

	pthread_mutex_lock(&r->source);
	if (wait_for_room(r)) {
		/* Only who holds the source changes begun. */
		more = r->how->next(r->arg, place(r, r->begun));
		pthread_mutex_lock(&r->lock);
		if (more) {
			i = (long long)r->begun++;
		} else {
			r->end = true;
			pthread_cond_signal(&r->ready);
		}
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&r->source);
	return i;
}

static void *
worker(void *arg)
{
	struct run *r = arg;
	long long i;

	while ((i = begin(r)) != -1) {
		r->how->work(r->arg, place(r, (size_t)i));
		pthread_mutex_lock(&r->lock);
		r->done[(size_t)i % r->nitems] = true;
		/* A wake-up costs; only the next one is waited for. */
		if ((size_t)i == r->taken)
			pthread_cond_signal(&r->ready);
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

/* Is there a next item to take? Waits until it is done. */
static bool
wait_for_item(struct run *r)
{
	bool *done = &r->done[r->taken % r->nitems], have;

	pthread_mutex_lock(&r->lock);
	while (!*done && !(r->end && r->taken == r->begun))
		pthread_cond_wait(&r->ready, &r->lock);
	have = *done;
	*done = false;
	pthread_mutex_unlock(&r->lock);
	return have;
}

static void
take_all(struct run *r)
{
	bool more = true;

	while (more && wait_for_item(r)) {
		more = r->how->take(r->arg, place(r, r->taken));
		pthread_mutex_lock(&r->lock);
		r->taken++;
		r->stop = !more;
		pthread_cond_signal(&r->room);
		pthread_mutex_unlock(&r->lock);
	}
}

static void
run_alone(struct run *r)
{
	while (r->how->next(r->arg, r->item)) {
		r->how->work(r->arg, r->item);
		if (!r->how->take(r->arg, r->item))
			break;
	}
}

static unsigned
start(struct run *r, pthread_t *thread, unsigned want)
{
	unsigned n = 0;

	while (n < want && thread_start(&thread[n], worker, r) == 0)
		n++;
	return n;
}

void
inorder_run(const struct inorder *how, void *arg, unsigned threads)
{
	struct run r = {.how = how, .arg = arg};
	pthread_t thread[THREAD_MAX];
	unsigned n, i;
	size_t k;

	if (threads > THREAD_MAX)
		threads = THREAD_MAX;
	r.nitems = threads == 0 ? 1 : 4 * (size_t)threads + 4;
	r.item = mem_zero(r.nitems, how->size);
	r.done = mem_zero(r.nitems, sizeof(*r.done));
	pthread_mutex_init(&r.source, NULL);
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.room, NULL);
	pthread_cond_init(&r.ready, NULL);
	n = start(&r, thread, threads);
	if (n == 0)
		run_alone(&r);
	else
		take_all(&r);
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	pthread_cond_destroy(&r.ready);
	pthread_cond_destroy(&r.room);
	pthread_mutex_destroy(&r.lock);
	pthread_mutex_destroy(&r.source);
	for (k = 0; k < r.nitems; k++)
		how->drop(arg, r.item + k * how->size);
	free(r.done);
	free(r.item);
}
