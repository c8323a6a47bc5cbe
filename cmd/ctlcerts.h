/*
 * ctlcerts.h: tlspactctl certificates: which ends when.
 */
#ifndef CTLCERTS_H
#define CTLCERTS_H

/*
 * The verb, of struct ctlrun: print what the gateways of a partner, or of all,
 * showed last, by the first end in each chain. 0, 1 if one has ended, or
 * another exit code, all being said.
 */
int ctlcerts(void *run);

#endif
