/* Answers made of templates. In workers. */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_ANSWER_H
#define SEAMARK_TEMPLATE_TEMPLATE_ANSWER_H

#include "serve/plugin.h"
#include "template/template_series.h"

/* What a stage has: state of the plugin. */
struct template_stage {
    struct template_rule rule;
    const struct config *config;
    const struct block *block;
    struct template_series *series;
};

/* Scratch memory of a worker, shared by all stages; both are called once for each stage. */
int template_scratch_open(struct worker *w, struct errtext *e);
void template_scratch_close(struct worker *w);

/* The stage's verdict. A CNAME in the answer section of a question for addresses is followed: what the server
 * itself answers for its target is added behind it, and the request waits for that. */
enum verdict template_answer(struct template_stage *s, struct request *r);

#endif
