/* FNV-1a, 64 bits: tells texts apart, guards nothing. Begin with FNV_START and mix in as many pieces as there
 * are. */
#ifndef SEAMARK_CONF_FNV_P_H
#define SEAMARK_CONF_FNV_P_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t fnv_mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
