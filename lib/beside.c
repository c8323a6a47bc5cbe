#include "beside.h"

#include "thread.h"

static void *
run(void *arg)
{
	struct beside *b = arg;

	b->work(b->arg);
	return NULL;
}

void
beside_start(struct beside *b, void (*work)(void *arg), void *arg, bool worth)
{
	*b = (struct beside){.work = work, .arg = arg};
	b->runs = worth && thread_count() > 0 &&
		  thread_start(&b->thread, run, b) == 0;
	if (!b->runs)
		work(arg);
}

void
beside_end(struct beside *b)
{
	if (b->runs)
		pthread_join(b->thread, NULL);
	b->runs = false;
}
