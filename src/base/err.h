/*
 * Error codes and error texts.
 *
 * Functions that can fail return `int`: ERR_OK (0), a negative code of this list, or a negated errno value
 * (errno values stay below ERR_BASE in magnitude). Results go through pointers and are written only on
 * success. Where a person has to act on the failure, the function also takes a `struct errtext *` and says
 * what is wrong and where, in words.
 */
#ifndef SEAMARK_BASE_ERR_H
#define SEAMARK_BASE_ERR_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ERR_BASE 10000

#define ERR_MAP(X)                                                                                           \
    X(MALFORMED, 1, "malformed data")                                                                        \
    X(SPACE, 2, "not enough space")                                                                          \
    X(LIMIT, 3, "limit exceeded")                                                                            \
    X(NOT_FOUND, 4, "not found")                                                                             \
    X(EXISTS, 5, "already exists")                                                                           \
    X(TRUNCATED, 6, "data ends too early")                                                                   \
    X(CHECKSUM, 7, "checksum does not match")                                                                \
    X(STALE, 8, "data does not follow on what is loaded")                                                    \
    X(UNSUPPORTED, 9, "not supported")                                                                       \
    X(CONFIG, 10, "configuration error")                                                                     \
    X(MISMATCH, 11, "data stems from another source")                                                        \
    X(BUDGET, 12, "budget is spent")

enum err {
    ERR_OK = 0,
#define X(name, number, text) ERR_##name = -(ERR_BASE + (number)),
    ERR_MAP(X)
#undef X
};

/* Text of a code returned by any function of Seamark. Never NULL, static storage, any thread. */
const char *err_text(int code);

/* A sentence for a person. Zero-initialise; the first failure set stays (later ones are consequences). */
struct errtext {
    char text[1024];
};

/* Sets the text unless one is set already. Returns `code`, so that `return errtext_set(e, ERR_X, ...)` reads
 * well. `e` may be NULL. */
int errtext_set(struct errtext *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
