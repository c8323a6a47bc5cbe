/* import_postfix.h: smtp_tls_policy_maps of Postfix, postconf(5). */
#ifndef IMPORT_POSTFIX_H
#define IMPORT_POSTFIX_H

struct import_format;

/*
 * A table's text, or what `postmap -s` prints of one: a row a logical line.
 */
extern const struct import_format import_postfix;

#endif
