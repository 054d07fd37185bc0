#include "conf/conf_error_p.h"

#include <stdio.h>

int conf_verror(struct errtext *e, const char *file, unsigned line, const char *prefix, const char *format,
                va_list ap)
{
    if (e == NULL || e->text[0] != '\0')
        return ERR_CONFIG;
    int n = snprintf(e->text, sizeof e->text, "%s:%u - %s", file, line, prefix);
    if (n >= 0 && (size_t)n < sizeof e->text)
        vsnprintf(e->text + n, sizeof e->text - (size_t)n, format, ap);
    for (char *p = e->text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    return ERR_CONFIG;
}

int conf_error(struct errtext *e, const char *file, unsigned line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    conf_verror(e, file, line, "", format, ap);
    va_end(ap);
    return ERR_CONFIG;
}
