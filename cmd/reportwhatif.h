/*
 * reportwhatif.h: what another registry would have made of mail (whatif.h), as
 * text and as JSON.
 */
#ifndef REPORTWHATIF_H
#define REPORTWHATIF_H

struct buf;
struct whatif;

void reportwhatif_text(const struct whatif *w, struct buf *out);

/* tlspact.report.what-if.v1 */
void reportwhatif_json(const struct whatif *w, struct buf *out);

#endif
