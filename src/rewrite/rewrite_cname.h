/*
 * `rewrite cname`: where an alias of the answer leads to a target that a rule is for, the alias leads to
 * another one, and what follows it in the answer is what that one has. The server asks itself for it, so the
 * answer has to wait. In the request's worker.
 */
#ifndef SEAMARK_REWRITE_CNAME_H
#define SEAMARK_REWRITE_CNAME_H

#include "rewrite/rewrite_question.h"

/* Looks whether a rule of w is for an alias in r->reply and, if so, asks for the new target. True: the answer
 * is held (request_hold) and will go on by itself; rewrite_answer() is not to be called. False: there is
 * none, or it cannot be asked for and stays as it is. */
bool rewrite_cname_follow(struct rewrite_work *w, struct request *r);

#endif
