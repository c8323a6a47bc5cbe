/*
 * checkprint.h: tlspactctl check: what is wrong on this gateway, told to people
 * and to programs that watch.
 */
#ifndef CHECKPRINT_H
#define CHECKPRINT_H

struct buf;
struct checkup_list;

/* Values of the options' row; 0 is a text for people. */
enum checkprint_form { CHECKPRINT_NAGIOS = 1, CHECKPRINT_PROMETHEUS };

/*
 * The verb, of struct ctlrun: look, and print. 0 if all is well, 1 if not; in
 * the form of Nagios what plugins exit with, and in that of Prometheus 0.
 */
int checkprint(void *run);

/* Those that are not well, the worst first, but who is lowered; and the sum. */
void checkprint_attention(const struct checkup_list *l, struct buf *out);

#endif
