/* Values as text: Go's fmt package. What does not fit into `out` sets its error. */
#ifndef SEAMARK_GOTEMPLATE_FORMAT_P_H
#define SEAMARK_GOTEMPLATE_FORMAT_P_H

#include "base/bytes.h"
#include "gotemplate/value.h"

/* What stands between % and the verb. */
struct tpl_format {
    struct bytes *out;
    bool minus, plus, sharp, space, zero;
    bool plus_v, sharp_v; /* %+v, %#v: then plus and sharp are not set */
    bool has_width, has_precision;
    int width, precision;
};

/* As an action prints it: "<no value>" for none. */
void tpl_print(struct bytes *out, const struct tpl_value *v);
/* Go's Sprint, Sprintln and Sprintf. */
void tpl_sprint(struct bytes *out, const struct tpl_value *args, size_t nargs);
void tpl_sprintln(struct bytes *out, const struct tpl_value *args, size_t nargs);
void tpl_sprintf(struct bytes *out, const char *format, size_t len, const struct tpl_value *args,
                 size_t nargs);

/* ---- pieces ---- */

/* A value by a verb; depth 0 for an argument, more for what is in it. */
void tpl_format_arg(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth);
/* Integers and floating-point numbers; false where they have no such verb. */
bool tpl_format_integer(struct tpl_format *f, uint64_t n, bool is_signed, int32_t verb);
bool tpl_format_float(struct tpl_format *f, double x, int32_t verb);
/* Text, filled up to the width. */
void tpl_format_padded(struct tpl_format *f, const char *text, size_t len);
void tpl_format_padding(struct tpl_format *f, int n);

#endif
