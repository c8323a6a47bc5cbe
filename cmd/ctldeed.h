/*
 * ctldeed.h: the verbs of tlspactctl(8) that change what holds: ctldown.h with
 * words and questions.
 */
#ifndef CTLDEED_H
#define CTLDEED_H

/* run: a struct ctlrun. The exit code, all being said. */
int ctldeed_downgrade(void *run);
int ctldeed_extend(void *run);
int ctldeed_restore(void *run);

#endif
