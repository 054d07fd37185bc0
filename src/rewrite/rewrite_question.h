/*
 * What the rules of `rewrite` do with a question: each in its turn looks at the question as the one before
 * left it and may change it; what its answer is to be changed by is kept, for rewrite_answer.h. In the
 * request's worker.
 */
#ifndef SEAMARK_REWRITE_QUESTION_H
#define SEAMARK_REWRITE_QUESTION_H

#include "base/bytes.h"
#include "rewrite/rewrite_rule.h"
#include "serve/request.h"

/* The rules of a server block, in the order of the text. */
struct rewrite_list {
    struct rewrite_rule *rules;
    size_t count;
};

/* A rule that has done something. */
struct rewrite_step {
    const struct rewrite_rule *rule;
    uint8_t *kept; /* owned: names (put_back): the new one and the old one; edns0 with revert: the old data */
    size_t kept_len; /* of the old data */
    bool added;      /* edns0: there was no such option */
};

/* What of an answer is neither question nor records. */
struct rewrite_head {
    uint16_t flags, rcode;
    int ede, told_ede;
    const char *ede_text;
    const uint8_t *options; /* they live as long as the request */
    uint16_t options_len;
    bool overflow;
    uint8_t overflow_section;
};

/* What was done with one question. It is the request's note and lives as long. */
struct rewrite_work {
    struct request_note note;
    struct query asked; /* the question as it came */
    struct rewrite_step *steps;
    size_t nsteps, steps_cap;
    bool renamed;          /* its name has changed */
    bool cname;            /* a cname rule is among the steps */
    bool optioned;         /* `options` counts: an edns0 rule has looked at them */
    struct bytes options;  /* all EDNS options of the request, as the rules have left them */
    struct bytes upstream; /* those that an upstream gets: whose codes the rules name */
    struct bytes echoed;   /* those that the client gets */
    struct bytes error;    /* why the question could not be rewritten */
    /* of rewrite_cname.h */
    struct request *request;
    uint8_t *message; /* the answer as it was, while another one is asked for; owned */
    size_t message_len;
    struct rewrite_head head;
    unsigned followed;            /* index of the alias whose target is changed */
    uint8_t target[NAME_MAX_LEN]; /* to this */
};

enum rewrite_result {
    REWRITE_UNTOUCHED, /* no rule has done anything; there is no work */
    REWRITE_DONE,      /* r->q is changed, or its answer is to be; r->asked is what it was */
    REWRITE_FAILED,    /* r->q is as it was; work->error says why: SERVFAIL */
};

/* Walks r->q through the rules. *out is kept by the caller as the request's note (owner and free are set
 * here), NULL with REWRITE_UNTOUCHED and where there is no memory. */
enum rewrite_result rewrite_question(const struct rewrite_list *list, struct request *r,
                                     struct rewrite_work **out);
void rewrite_work_free(struct rewrite_work *w); /* for those who do not keep it */

#endif
