/*
 * ctledit.h: tlspactctl edit: the registry in an editor, checked before it
 * counts, as visudo(8) does it.
 */
#ifndef CTLEDIT_H
#define CTLEDIT_H

/*
 * Edit the file that has r->lower.partner, or the first one of the registry.
 * 0 if nothing was to be changed, or the map has it; 1: given up; 64: no
 * terminal; 75: another one edits it, or it was changed meanwhile; else the
 * code of the compile. All is said. run: a struct ctlrun.
 */
int ctledit(void *run);

#endif
