/* The functions that expressions of a `template` directive may call: what is known of the question. Their ctx
 * is struct template_data. */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_ENV_H
#define SEAMARK_TEMPLATE_TEMPLATE_ENV_H

#include "exprlang/exprlang.h"

extern const struct expr_func template_functions[];
extern const size_t template_nfunctions;

#endif
