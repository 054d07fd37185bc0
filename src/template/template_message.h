/* .Message and .Question: a query as the types of the Go library that CoreDNS uses have it. Objects are
 * struct template_data. */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_MESSAGE_H
#define SEAMARK_TEMPLATE_TEMPLATE_MESSAGE_H

#include "gotemplate/value.h"

extern const struct tpl_type template_message_type;     /* *dns.Msg */
extern const struct tpl_type template_question_type;    /* dns.Question */
extern const struct tpl_type template_question_pointer; /* *dns.Question */

#endif
