/*
 * reportics.h: what ends or is due, as a calendar (RFC 5545), to be
 * subscribed to.
 *
 * There is nothing in it of people: partners, hosts, and what ends.
 */
#ifndef REPORTICS_H
#define REPORTICS_H

struct reportformat;

/* An end that moves keeps its UID, so that a calendar moves it, too. */
extern const struct reportformat reportics;

#endif
