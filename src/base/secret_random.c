#include "base/secret_random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK 1024 /* 512 ids for one system call */

static _Thread_local struct {
    size_t left; /* octets at the end of `block` that were not handed out */
    uint8_t block[BLOCK];
} own;

static void refill(void)
{
    size_t have = 0;
    while (have < BLOCK) {
        ssize_t n = getrandom(own.block + have, BLOCK - have, 0);
        if (n < 0 && errno != EINTR)
            abort();
        have += n > 0 ? (size_t)n : 0;
    }
    own.left = BLOCK;
}

void secret_random(void *out, size_t len)
{
    if (own.left < len)
        refill();
    own.left -= len;
    memcpy(out, own.block + own.left, len);
    explicit_bzero(own.block + own.left, len);
}
