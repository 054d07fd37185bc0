/* A label selector: what is read has one spelling, which reads as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/label_selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *value_of(const void *labels, const char *key)
{
    return strcmp(key, "a") == 0 ? labels : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct label_selector s, again;
    struct errtext e = {{0}};
    struct bytes first, second;
    char *text = strndup((const char *)data, size);
    if (text == NULL)
        return 0;
    bytes_init(&first, 4 * LABEL_SELECTOR_MAX);
    bytes_init(&second, 4 * LABEL_SELECTOR_MAX);
    bytes_append_str(&first, "");
    bytes_append_str(&second, "");
    int ret = label_selector_parse(text, &s, &e);
    if ((ret == ERR_OK) == (e.text[0] != '\0'))
        abort();
    if (ret == ERR_OK) {
        bool met = label_selector_match(&s, value_of, "b");
        if (label_selector_text(&s, &first) != ERR_OK ||
            label_selector_parse(first.data, &again, NULL) != ERR_OK)
            abort();
        if (label_selector_text(&again, &second) != ERR_OK || strcmp(first.data, second.data) != 0 ||
            label_selector_match(&again, value_of, "b") != met)
            abort();
        label_selector_free(&s);
        label_selector_free(&again);
    }
    bytes_free(&first);
    bytes_free(&second);
    free(text);
    return 0;
}
