/*
 * What `rewrite` does with an answer on its way up: the question is the client's again, and each rule that
 * has done something changes what it is there to change, the last one first. In the request's worker.
 */
#ifndef SEAMARK_REWRITE_ANSWER_H
#define SEAMARK_REWRITE_ANSWER_H

#include "rewrite/rewrite_question.h"

/* Changes r->reply, which answers r->q, into the answer to w->asked. Where a name of it comes out as no name,
 * the answer is SERVFAIL and r->error_text says so. */
void rewrite_answer(struct rewrite_work *w, const struct rewrite_list *list, struct request *r);

/* ---- for rewrite_cname.c ---- */

struct rewrite_head rewrite_head_of(const struct reply *reply);

/* Copies sections of `message` (with its counts) with what the rules change. With `followed`, of the answer
 * section that is the aliases up to number w->followed, which leads to w->target. ERR_MALFORMED: some name is
 * none. */
int rewrite_answer_copy(struct rewrite_work *w, struct reply *reply, const uint8_t *message, size_t len,
                        enum reply_section first, enum reply_section last, bool followed);

/* What is left once the records are there, or `error` has kept them from it. */
void rewrite_answer_end(struct rewrite_work *w, const struct rewrite_list *list, struct request *r,
                        const struct rewrite_head *head, int error);

/* What the rules of one step make of a name in a record's data. ERR_MALFORMED: no name. */
int rewrite_value_of_step(const struct rewrite_step *step, const uint8_t *name, uint8_t *out, bool *changed);

#endif
