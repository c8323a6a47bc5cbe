/*
 * reportanswer.h: the questions that are asked first.
 */
#ifndef REPORTANSWER_H
#define REPORTANSWER_H

struct reading;

/* From all else of the report, which is concluded. */
void reading_answers(struct reading *g);

#endif
