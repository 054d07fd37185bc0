/*
 * What is known of an answer on its way up the chain, for those who count and log it: the message is finished
 * (OPT, truncation, header) only after the last plugin. In the worker's thread.
 */
#ifndef SEAMARK_SERVE_ANSWER_H
#define SEAMARK_SERVE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "serve/request.h"

/* Octets of the answer as it goes out: with OPT, and no more than the client takes. One that is truncated may
 * in truth be shorter by a part of the record that did not fit. */
size_t answer_size(const struct request *r);

/* Octets of the answer as CoreDNS's log has them: without compression, OPT and truncation. Looks at every
 * record. */
size_t answer_raw_size(const struct request *r);

/* Header flags as they go out: QR, AA, TC, RD, RA, AD, CD (enum dns_flag). */
uint16_t answer_flags(const struct request *r);

/* The most octets that a UDP client takes: its EDNS size, 512 without or below; 65535 over TCP. */
size_t answer_room(const struct request *r);

/* "NOERROR"; NULL where the code has no name. Static. */
const char *rcode_name(uint16_t rcode);
#define RCODE_NAMES 24 /* codes below this one have names, some only "RCODE12" */

/* "IN", "CH", "CLASS12"; out has 16 octets. */
char *class_to_text(uint16_t class, char *out);

#endif
