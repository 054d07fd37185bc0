#include "serve/error_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX     10000 /* octets of an expression: CoreDNS's limit */
#define MATCH_STEPS_MAX 20000 /* some 100 us; an honest expression on a line of text takes a few hundred */
#define MATCH_HEAP_KIB  256
#define SUBJECT_MAX     1024 /* octets that are looked at */

struct error_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

void error_pattern_free(struct error_pattern *p)
{
    if (p == NULL)
        return;
    pcre2_match_context_free(p->limits);
    pcre2_code_free(p->code);
    free(p);
}

int error_pattern_new(const char *text, struct error_pattern **out, struct errtext *e)
{
    size_t len = strlen(text);
    if (len > PATTERN_MAX)
        return errtext_set(e, ERR_LIMIT, "regex pattern too long: %zu > %d", len, PATTERN_MAX);
    struct error_pattern *p = calloc(1, sizeof *p);
    int error = 0;
    PCRE2_SIZE at = 0;
    if (p != NULL) {
        p->code = pcre2_compile((PCRE2_SPTR)text, len, PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
        p->limits = pcre2_match_context_create(NULL);
    }
    if (p == NULL || p->limits == NULL || (p->code == NULL && error == PCRE2_ERROR_HEAP_FAILED)) {
        error_pattern_free(p);
        return errtext_set(e, -ENOMEM, "regex pattern: no memory");
    }
    if (p->code == NULL) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(error, why, sizeof why);
        error_pattern_free(p);
        return errtext_set(e, ERR_MALFORMED, "regex pattern \"%.200s\": %s at offset %zu", text,
                           (const char *)why, at);
    }
    pcre2_set_match_limit(p->limits, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(p->limits, MATCH_HEAP_KIB);
    *out = p;
    return ERR_OK;
}

bool error_pattern_matches(const struct error_pattern *p, const char *subject)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (data == NULL)
        return false;
    int n = pcre2_match(p->code, (PCRE2_SPTR)subject, strnlen(subject, SUBJECT_MAX), 0, 0, data, p->limits);
    pcre2_match_data_free(data);
    return n >= 0;
}
