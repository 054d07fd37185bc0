/*
 * Rules of the `rewrite` plugin: what a line of the Corefile says. They are read in the control thread
 * (rewrite_rule_read) and immutable afterwards; what they do with a question is rewrite_question.h, with an
 * answer rewrite_answer.h.
 */
#ifndef SEAMARK_REWRITE_RULE_H
#define SEAMARK_REWRITE_RULE_H

#include <stdint.h>

#include "rewrite/name_text.h"

#define REWRITE_RULES_MAX   1000 /* of one server block: each question walks through them */
#define REWRITE_ANSWERS_MAX 64   /* `answer` options of a rule */

enum rewrite_field {
    REWRITE_NAME,
    REWRITE_CLASS,
    REWRITE_TYPE,
    REWRITE_TTL,
    REWRITE_RCODE,
    REWRITE_CNAME,
    REWRITE_EDNS0,
};

/* What happens to names of the answer: to owners, or to the names in the data of SRV, MX, CNAME, NS, DNAME,
 * PTR, NAPTR and SOA (its first). */
struct rewrite_names {
    bool values;
    struct name_match from;
    char *to;
};

/* A piece of a name made with metadata: literal text, a group's text, or a label's value. */
struct rewrite_piece {
    char *text; /* literal, or the label */
    bool is_label;
    int group; /* -1 where it is none */
};

enum edns0_kind { EDNS0_LOCAL, EDNS0_NSID, EDNS0_SUBNET };
enum edns0_action { EDNS0_SET, EDNS0_APPEND, EDNS0_REPLACE, EDNS0_UNSET };
enum edns0_variable {
    EDNS0_DATA, /* the rule's own octets */
    EDNS0_QNAME,
    EDNS0_QTYPE,
    EDNS0_CLIENT_IP,
    EDNS0_CLIENT_PORT,
    EDNS0_PROTOCOL,
    EDNS0_SERVER_IP,
    EDNS0_SERVER_PORT,
    EDNS0_METADATA,
};

struct rewrite_edns0 {
    enum edns0_kind kind;
    enum edns0_action action;
    enum edns0_variable variable; /* of EDNS0_LOCAL */
    uint16_t code;
    bool revert;
    uint8_t v4_bits, v6_bits; /* of EDNS0_SUBNET */
    uint8_t *data;            /* of EDNS0_DATA: len octets; of EDNS0_METADATA: the label, with NUL */
    size_t len;
};

struct rewrite_rule {
    enum rewrite_field field;
    bool go_on; /* `continue`: the next rule too, after this one has done something */
    struct name_match
        match; /* all but class, type and edns0: the name that is asked for; cname: the target */
    char *to;  /* name, cname */
    /* name */
    struct rewrite_piece *pieces; /* in place of `to`, where the rule uses metadata */
    size_t npieces;
    bool put_back; /* names of the answer that are or end in the new name get the old one */
    struct rewrite_names *names;
    size_t nnames;
    /* class, type, rcode */
    uint16_t from_code, to_code;
    uint32_t ttl_min, ttl_max;
    struct rewrite_edns0 edns0;
};

/* Reads a rule from the words behind `rewrite`, in the line or in its block. ERR_CONFIG with `e` set to what
 * is wrong, in CoreDNS's words, or -ENOMEM; the rule needs no freeing then. */
int rewrite_rule_read(const char *const *words, size_t count, struct rewrite_rule *out, struct errtext *e);
void rewrite_rule_free(struct rewrite_rule *r);

#endif
