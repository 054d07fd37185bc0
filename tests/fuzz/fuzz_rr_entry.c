/* A record as people write it. What is read can be written, and is then read as the same record. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/rr_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rr_storage first, second;
    static struct bytes line;
    struct rr rr, again;
    struct bytes text;
    const char *why = NULL;
    if (line.max == 0)
        bytes_init(&line, 1 << 17);
    if (rr_from_entry((const char *)data, size, 3600, &line, &first, &rr, &why) != ERR_OK) {
        if (why == NULL)
            abort();
        return 0;
    }
    bytes_init(&text, 1 << 20);
    if (rr_to_text(&rr, &text) != ERR_OK || rr_from_text(text.data, text.len, &second, &again) != ERR_OK ||
        rr_compare(&rr, &again) != 0 || rr.ttl != again.ttl || rr.class != again.class)
        abort();
    bytes_free(&text);
    return 0;
}
