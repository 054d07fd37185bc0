/* Sixteen octets at once, which compilers know for SSE2 and NEON; elsewhere they make loops of it. */
#ifndef SEAMARK_BASE_OCTETS16_H
#define SEAMARK_BASE_OCTETS16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A comparison gives -1 where it holds, else 0. Octets above 127 are negative. */
typedef signed char octets16 __attribute__((vector_size(16)));

static inline octets16 octets16_load(const void *from)
{
    octets16 w;
    memcpy(&w, from, sizeof w);
    return w;
}

/* Whether one of them is not 0. */
static inline bool octets16_any(octets16 w)
{
    uint64_t halves[2];
    memcpy(halves, &w, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

#endif
