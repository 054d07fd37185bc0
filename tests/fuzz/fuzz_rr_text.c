/* One line of a zone file. What is read can be written, and is then read as the same record. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/rr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rr_storage first, second;
    struct rr rr, again;
    struct bytes text;
    if (rr_from_text((const char *)data, size, &first, &rr) != ERR_OK)
        return 0;
    bytes_init(&text, 1 << 20);
    if (rr_to_text(&rr, &text) != ERR_OK || rr_from_text(text.data, text.len, &second, &again) != ERR_OK ||
        rr_compare(&rr, &again) != 0 || rr.ttl != again.ttl || rr.class != again.class ||
        memcmp(rr.owner, again.owner, name_len(rr.owner)) != 0 || memchr(text.data, '\n', text.len) != NULL)
        abort();
    bytes_free(&text);
    return 0;
}
