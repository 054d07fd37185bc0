#include "sync/kube_time.h"

#include <stdbool.h>
#include <time.h>

/* Reads exactly `digits` decimal digits, then `close` ('\0': nothing more is asked for). */
static bool number(const char **at, unsigned digits, char close, int *out)
{
    int value = 0;
    for (unsigned i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    if (close != '\0' && *(*at)++ != close)
        return false;
    *out = value;
    return true;
}

static bool date_and_time(const char **at, struct tm *tm)
{
    if (!number(at, 4, '-', &tm->tm_year) || !number(at, 2, '-', &tm->tm_mon) ||
        !number(at, 2, 'T', &tm->tm_mday) || !number(at, 2, ':', &tm->tm_hour) ||
        !number(at, 2, ':', &tm->tm_min) || !number(at, 2, '\0', &tm->tm_sec))
        return false;
    bool fits = tm->tm_year >= 1970 && tm->tm_mon >= 1 && tm->tm_mon <= 12 && tm->tm_mday >= 1 &&
                tm->tm_mday <= 31 && tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return fits;
}

/* Milliseconds of a fraction such as ".123456"; 0 where there is none. */
static bool fraction(const char **at, int *ms)
{
    *ms = 0;
    if (**at != '.')
        return true;
    (*at)++;
    int weight = 100;
    const char *first = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++, weight /= 10)
        *ms += (**at - '0') * weight;
    return *at > first;
}

/* Seconds east of Greenwich: "Z", "+02:00", "-07:30". */
static bool offset(const char **at, int *seconds)
{
    *seconds = 0;
    char sign = *(*at)++;
    if (sign == 'Z')
        return true;
    int hours, minutes;
    if ((sign != '+' && sign != '-') || !number(at, 2, ':', &hours) || !number(at, 2, '\0', &minutes))
        return false;
    *seconds = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return hours <= 23 && minutes <= 59;
}

uint64_t kube_time_ms(const char *text)
{
    struct tm tm = {0};
    int ms, east;
    if (!date_and_time(&text, &tm) || !fraction(&text, &ms) || !offset(&text, &east) || *text != '\0')
        return 0;
    time_t seconds = timegm(&tm) - east;
    return seconds < 0 ? 0 : (uint64_t)seconds * 1000 + (uint64_t)ms;
}
