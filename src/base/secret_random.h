/*
 * Random numbers that nobody can foresee: ids of questions (RFC 5452 section 9.2). From the kernel's
 * generator, a block at a time and one block a thread, so that a number costs no system call. What was handed
 * out is wiped. Any thread; not after fork() in a child that goes on using them.
 */
#ifndef SEAMARK_BASE_SECRET_RANDOM_H
#define SEAMARK_BASE_SECRET_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `out`; `len` is at most 256. Never fails: a kernel that has no random numbers ends the process, for
 * nothing could be asked safely. */
void secret_random(void *out, size_t len);

static inline uint16_t secret_random_u16(void)
{
    uint16_t n;
    secret_random(&n, sizeof n);
    return n;
}

#endif
