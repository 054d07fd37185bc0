/*
 * What a record's template is executed on: .Zone, .Name and the others of docs/plugins.md, as Go's values
 * with the names of CoreDNS's types. Large: one a worker. It borrows the request and the match.
 */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_DATA_H
#define SEAMARK_TEMPLATE_TEMPLATE_DATA_H

#include "serve/request.h"
#include "template/template_rule.h"

struct template_data {
    const struct request *r;
    const struct template_rule *rule;
    const struct template_match *match;
    uint16_t class, type; /* of the question, or where that asks for any, of the rule */
    char remote[ADDRESS_TEXT_MAX];
    char class_text[16];
    char type_text[16];
    char qname[NAME_MAX_TEXT]; /* in the client's case */
    struct tpl_value matches[1 + REGEX_GROUPS_MAX];
    struct tpl_entry groups[2 * (1 + REGEX_GROUPS_MAX)];
    struct tpl_value questions[1];
    struct tpl_entry vars[TEMPLATE_VARS_MAX]; /* in the order of their names */
    size_t nvars;
};

void template_data_init(struct template_data *d, const struct request *r, const struct template_rule *rule,
                        const struct template_match *match);

/* The value `.` of a template. */
struct tpl_value template_data_value(const struct template_data *d);

#endif
