#include "base/err.h"

#include <stdio.h>
#include <string.h>

const char *err_text(int code)
{
    switch (code) {
    case ERR_OK:
        return "no error";
#define X(name, number, text)                                                                                \
    case ERR_##name:                                                                                         \
        return text;
        ERR_MAP(X)
#undef X
    default:
        return code > -ERR_BASE && code < 0 ? strerror(-code) : "unknown error";
    }
}

int errtext_set(struct errtext *e, int code, const char *format, ...)
{
    if (e == NULL || e->text[0] != '\0')
        return code;
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    return code;
}
