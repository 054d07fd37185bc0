/*
 * Label selectors as the Kubernetes API has them ("Labels and Selectors"): requirements separated by commas,
 * all of which an object's labels have to meet.
 *
 *     environment in (staging, qa), tier notin (cache), application = nginx, owner != me, release, !canary
 *
 * `=` and `==` are the same; `!=` and `notin` are also met by objects without the label; `in ()` means the
 * empty value. Names and values are checked as the API server checks them, so that what is accepted here is
 * never refused there. `>` and `<`, which the API has for some other uses, are refused, as CoreDNS does.
 *
 * A selector owns its memory and is immutable once parsed: any thread may match with it.
 */
#ifndef SEAMARK_CONF_LABEL_SELECTOR_H
#define SEAMARK_CONF_LABEL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"

/* Longest text taken: it travels in a URL, where it may become three times as long, and servers take request
 * lines of 1 MiB. */
#define LABEL_SELECTOR_MAX ((size_t)32 << 10)

enum label_op { LABEL_EXISTS, LABEL_ABSENT, LABEL_IN, LABEL_NOT_IN };

struct label_requirement {
    char *key;
    enum label_op op;
    char **values; /* LABEL_IN and LABEL_NOT_IN: sorted, each once, at least one */
    size_t nvalues;
};

struct label_selector {
    struct label_requirement *items; /* sorted by key, op and values; none: every object is selected */
    size_t count;
};

/* Reads `text`. The result is the caller's: label_selector_free(). ERR_MALFORMED or ERR_LIMIT with `e` set to
 * what was found and what was expected there; -ENOMEM. */
int label_selector_parse(const char *text, struct label_selector *out, struct errtext *e);
void label_selector_free(struct label_selector *s); /* leaves it empty */

/* True where the labels meet every requirement. `value_of` gives the value of a label, NULL where there is no
 * such label. */
bool label_selector_match(const struct label_selector *s,
                          const char *(*value_of)(const void *labels, const char *key), const void *labels);

/* Appends the one spelling that equal selectors share; the API server reads it as the same selector. Returns
 * out->error. */
int label_selector_text(const struct label_selector *s, struct bytes *out);

#endif
