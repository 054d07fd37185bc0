/* Serial number arithmetic, RFC 1982: serials wrap at 2^32, and one is after another where it is ahead by
 * less than half of the circle. Exactly half is neither before nor after. Any thread. */
#ifndef SEAMARK_ZONE_SERIAL_H
#define SEAMARK_ZONE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

static inline bool serial_after(uint32_t a, uint32_t b)
{
    uint32_t ahead = a - b;
    return ahead != 0 && ahead < 0x80000000u;
}

#endif
