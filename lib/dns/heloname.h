/*
 * heloname.h: by what name this machine greets others.
 */
#ifndef HELONAME_H
#define HELONAME_H

/*
 * wanted if it is not empty; else the host's name, with its domain if that
 * can be found out (which may ask the DNS). The caller frees it.
 */
char *heloname(const char *wanted);

#endif
