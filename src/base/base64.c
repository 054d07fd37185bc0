#include "base/base64.h"

int base64url_append(struct bytes *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3; /* n octets are n + 1 digits */
        uint32_t bits =
            (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0);
        char text[4];
        for (unsigned k = 0; k <= n; k++)
            text[k] = digits[bits >> (18 - 6 * k) & 63];
        bytes_append(out, text, n + 1);
    }
    return out->error;
}
