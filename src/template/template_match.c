/* Which questions a rule is for. */
#include <string.h>

#include "dns/rr.h"
#include "template/template_rule.h"

/* The longest zone that the name is in, as text is long; false where there is none. */
static bool find_zone(const struct template_rule *rule, const uint8_t *lname, size_t *out)
{
    bool found = false;
    for (size_t i = 0; i < rule->scope.count; i++) {
        if (!name_in(lname, rule->scope.zones[i]))
            continue;
        if (!found || strlen(rule->zones.zones[i]) > strlen(rule->zones.zones[*out]))
            *out = i;
        found = true;
    }
    return found;
}

enum template_fit template_rule_match(const struct template_rule *rule, const struct query *q,
                                      struct template_match *m)
{
    if (!find_zone(rule, q->lname, &m->zone))
        return TEMPLATE_OTHER;
    if (rule->qclass != CLASS_ANY && q->qclass != CLASS_ANY && q->qclass != rule->qclass)
        return TEMPLATE_OTHER;
    if (rule->qtype != RR_ANY && q->qtype != RR_ANY && q->qtype != rule->qtype)
        return TEMPLATE_OTHER;
    name_to_text(q->lname, m->name);
    m->name_len = strlen(m->name);
    for (size_t i = 0; i < rule->npatterns; i++) {
        m->pattern = &rule->patterns[i];
        m->nspans = 1;
        m->spans[0] = (struct regex_span){.len = m->name_len, .set = true};
        if (m->pattern->regex == NULL)
            return TEMPLATE_FITS;
        m->nspans = 1 + regex_groups(m->pattern->regex);
        if (regex_match(m->pattern->regex, m->name, m->name_len, m->spans, m->nspans))
            return TEMPLATE_FITS;
    }
    return zone_scope_has(&rule->fallthrough, q->lname) ? TEMPLATE_OTHER : TEMPLATE_REFUSES;
}
