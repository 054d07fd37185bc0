/*
 * A question as the direct exchanges send it, and whether a message is an answer to it. The name is in lower
 * case (or in random case), so that an answer is to have the question octet for octet (RFC 5452 section 9.1).
 * Any thread.
 */
#ifndef SEAMARK_EXCHANGE_DIRECT_QUESTION_H
#define SEAMARK_EXCHANGE_DIRECT_QUESTION_H

#include "exchange/exchange.h"

/* The UDP size that is sent (RFC 6891 section 6.2.3): what passes without fragments everywhere. An answer
 * that is longer comes over TCP. */
#define DIRECT_UDP_SIZE 1232

/* For how long an upstream that does not know EDNS is asked without it. */
#define DIRECT_PLAIN_NS (300 * UINT64_C(1000000000))

/* Octets of the message: header, question, OPT with the options. ERR_UNSUPPORTED for what cannot be asked:
 * transfers, whose answers are many messages, and what is no question at all (type 0, OPT, TKEY, TSIG), in
 * any class; ERR_LIMIT where the exchange has EXCHANGE_DIRECT_CALLS_MAX under way, or it is too long. */
int direct_admit(const struct exchange_question *q, unsigned under_way, uint16_t *len);

/* Writes it to `out`, of the length that was admitted. The id is 0 and to be set. AD is set: the answer says
 * whether the upstream found it authentic (RFC 6840 section 5.7), which the stages above keep from clients
 * that did not ask. */
void direct_write(const struct exchange_question *q, uint8_t *out, size_t len);

/* Octets of the question behind the header: name, type, class. */
static inline size_t direct_question_len(const struct exchange_question *q)
{
    return name_len(q->name) + 4;
}

/* Takes the OPT record off a question without options (RFC 6891 section 7: for upstreams that do not know
 * it). Returns the new length. */
size_t direct_drop_edns(uint8_t *query, size_t len);

/* Gives each letter of the name a random case. */
void direct_randomise_case(uint8_t *query);

/* Whether `message` answers `query`: a response with the same id, opcode and question. An error may come
 * without the question. */
bool direct_fits(const uint8_t *query, size_t question_len, const uint8_t *message, size_t len);

/* Whether the answer says that the upstream does not know EDNS: FORMERR or NOTIMP, and no OPT in it. */
bool direct_refuses_edns(const uint8_t *message, size_t len);

/* The answer that is passed on: the message; with the question put in where an error came without; cut to
 * header and question, with TC, where the rest of the message is missing. NULL without memory. */
struct exchange_answer *direct_answer(const uint8_t *query, size_t question_len, const uint8_t *message,
                                      size_t len, bool cut);

/* Tells the asker: the answer, whose reference is taken over, or with NULL that the upstream is gone. Nothing
 * of the call is needed any more: the asker may close the exchange. */
void direct_tell(const struct exchange *x, exchange_done *done, void *ctx, struct exchange_answer *answer);

#endif
