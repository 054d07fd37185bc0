/* What the files that read rules share. Each function reads the words of one field, `w` behind the field's
 * name, into a rule that is freed by the caller in any case. */
#ifndef SEAMARK_REWRITE_RULE_P_H
#define SEAMARK_REWRITE_RULE_P_H

#include "rewrite/rewrite_rule.h"

struct words {
    const char *const *at;
    size_t count;
};

int rewrite_read_name(struct words w, struct rewrite_rule *r, struct errtext *e); /* rewrite_rule_name.c */
int rewrite_read_ttl(struct words w, struct rewrite_rule *r, struct errtext *e);  /* rewrite_rule_value.c */
int rewrite_read_rcode(struct words w, struct rewrite_rule *r, struct errtext *e);
int rewrite_read_cname(struct words w, struct rewrite_rule *r, struct errtext *e);
int rewrite_read_edns0(struct words w, struct rewrite_rule *r, struct errtext *e); /* rewrite_rule_edns0.c */

/* Numbers as Go's strconv.ParseUint reads them with the bits and, where `any_base`, with 0x, 0o, 0b and 0 in
 * front. Its words where it does not. */
int rewrite_read_number(const char *word, unsigned bits, bool any_base, uint64_t *out, struct errtext *e);

#endif
