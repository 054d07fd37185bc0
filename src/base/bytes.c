#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void bytes_init(struct bytes *b, size_t max)
{
    *b = (struct bytes){.max = max};
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){.max = b->max};
}

void bytes_reset(struct bytes *b)
{
    b->len = 0;
    b->error = ERR_OK;
}

char *bytes_reserve(struct bytes *b, size_t len)
{
    if (b->error != ERR_OK)
        return NULL;
    if (len > b->max || b->len > b->max - len) {
        b->error = ERR_LIMIT;
        return NULL;
    }
    size_t need = b->len + len + 1; /* room for the closing NUL */
    if (need > b->cap) {
        size_t cap = b->cap < 128 ? 128 : b->cap;
        while (cap < need)
            cap += cap / 2;
        char *data = realloc(b->data, cap);
        if (data == NULL) {
            b->error = -ENOMEM;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

int bytes_append(struct bytes *b, const void *data, size_t len)
{
    char *at = bytes_reserve(b, len);
    if (at == NULL)
        return b->error;
    if (len > 0)
        memcpy(at, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return ERR_OK;
}

int bytes_append_str(struct bytes *b, const char *text)
{
    return bytes_append(b, text, strlen(text));
}

int bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *at = n < 0 ? NULL : bytes_reserve(b, (size_t)n);
    if (at != NULL) {
        vsnprintf(at, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    } else if (b->error == ERR_OK) {
        b->error = ERR_MALFORMED;
    }
    va_end(again);
    return b->error;
}

void bytes_consume(struct bytes *b, size_t len)
{
    if (len >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    b->data[b->len] = '\0';
}
