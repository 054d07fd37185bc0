/* The head of an HTTP request: from anybody who reaches the ports of health, ready and prometheus. */
#include <stdint.h>
#include <stdlib.h>

#include "base/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head head;
    int n = http_head_parse((const char *)data, size, &head);
    if (n > 0 && ((size_t)n > size || head.path_len == 0 || head.path[0] != '/' ||
                  head.path + head.path_len > (const char *)data + n))
        abort();
    return 0;
}
