/*
 * Memory for small blocks by the hundred thousand: names of a zone, objects of a cluster. malloc() gives each
 * a head and rounds it up to 16 octets, some tenth of what they take, and what is freed between others stays
 * with the process. Here a block has no head, for whoever frees it says how large it is; blocks of one size
 * lie in chunks of their own, and a chunk whose blocks are all freed goes back to the system.
 *
 *     chunk (64 KiB, at a multiple of that)
 *     | head | block | block | block | ... | not used yet |
 *
 * Any thread may call, and free what another has allocated. Larger blocks are malloc()'s, and so is
 * everything where AddressSanitizer looks on.
 */
#ifndef SEAMARK_BASE_POOL_H
#define SEAMARK_BASE_POOL_H

#include <stddef.h>

#define POOL_BLOCK_MAX 1024 /* octets; larger ones lose little to malloc() */

/* At least `size` octets at a multiple of 8, not cleared; NULL without memory. */
void *pool_alloc(size_t size);
/* `size` as it was allocated. NULL allowed. */
void pool_free(void *block, size_t size);
/* What a block of that size takes up. */
size_t pool_room(size_t size);

/* Has malloc() map large blocks by themselves for good: left alone, it keeps blocks of a size that was mapped
 * and freed once among the small ones, and what is freed there is seldom given back. Once, at the start. */
void pool_settle_malloc(void);

#endif
