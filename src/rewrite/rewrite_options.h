/*
 * EDNS options of a request (RFC 6891 section 6.1.2) under `rewrite edns0`: a run of code, length and data.
 */
#ifndef SEAMARK_REWRITE_OPTIONS_H
#define SEAMARK_REWRITE_OPTIONS_H

#include "rewrite/rewrite_question.h"

#define REWRITE_OPTIONS_MAX                                                                                  \
    4096 /* octets of all options together; a rule that would exceed it does nothing */

/* Does what the rule says with w->options, and fills in `step`. False where it does nothing. */
bool rewrite_options_change(struct rewrite_work *w, const struct request *r, const struct rewrite_rule *rule,
                            struct rewrite_step *step);

/* Chooses w->upstream from w->options. */
void rewrite_options_for_upstream(struct rewrite_work *w, const struct rewrite_list *list);

/* Chooses w->echoed from w->options: of local options, after what `revert` undoes. */
void rewrite_options_for_client(struct rewrite_work *w, const struct rewrite_list *list);

#endif
