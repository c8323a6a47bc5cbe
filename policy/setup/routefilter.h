/*
 * routefilter.h: the tables by which smtp(8) takes a reply or a failure for
 * another one, so that mail bounces or never has TLS.
 */
#ifndef ROUTEFILTER_H
#define ROUTEFILTER_H

struct findings;
struct postconf;

/*
 * Add a fault for each such table of a service that runs smtp, and for mail
 * that may not wait; a note for one that cannot be asked. Asks by postmap(1).
 */
void routefilter_check(const struct postconf *c, struct findings *out);

#endif
