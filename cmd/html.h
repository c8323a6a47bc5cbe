/*
 * html.h: HTML, SVG and the data within it, made of foreign texts.
 *
 * All escaping is here: no other file writes a text of somebody else into a
 * page but by these functions.
 */
#ifndef HTML_H
#define HTML_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Append markup. Of the formats of printf(3) it knows %s %zu %u %d %ld, PRIu64
 * and %% without width; and it escapes what %s stands for, for text as for an
 * attribute in double quotes. What may not be shown as it is (quote.h) is
 * there as \xHH.
 */
void html_printf(struct buf *out, const char *markup, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The same escape for the data of a script: a string of JSON, with its quotes,
 * in which nothing ends the element.
 */
void html_json(struct buf *out, const char *s);

#endif
