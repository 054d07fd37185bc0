/* Predefined functions that have files of their own; tpl_func.call says what they do. */
#ifndef SEAMARK_GOTEMPLATE_FUNCS_P_H
#define SEAMARK_GOTEMPLATE_FUNCS_P_H

#include "gotemplate/value.h"

#define TPL_CALL(name)                                                                                       \
    int name(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,          \
             struct tpl_value *out)

TPL_CALL(tpl_call_html);
TPL_CALL(tpl_call_js);
TPL_CALL(tpl_call_urlquery);
TPL_CALL(tpl_call_eq);
TPL_CALL(tpl_call_ne);
TPL_CALL(tpl_call_lt);
TPL_CALL(tpl_call_le);
TPL_CALL(tpl_call_gt);
TPL_CALL(tpl_call_ge);

/* A copy of `text` as a value, kept until the end of the execution. */
int tpl_text_result(struct tpl_run *run, const struct bytes *text, struct tpl_value *out);

#endif
