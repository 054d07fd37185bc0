/* Numbers as zone files and journals write them: decimal digits or eight hexadecimal ones, nothing else. */
#ifndef SEAMARK_ZONE_NUMBER_P_H
#define SEAMARK_ZONE_NUMBER_P_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool number_decimal(const char *text, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (len == 0 || len > 19) /* 19 digits always fit */
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

static inline bool number_crc(const char *text, size_t len, uint32_t *out)
{
    uint32_t value = 0;
    if (len != 8)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                                : 16;
        if (digit == 16)
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

#endif
