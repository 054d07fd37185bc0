#include "base/regex.h"

#include <errno.h>
#include <re2/re2.h>
#include <re2/stringpiece.h>
#include <string.h>

#include <memory>
#include <new>
#include <string>

/* No C++ exception may reach the callers, which are C: the only one that is thrown here is std::bad_alloc. */

struct regex {
    regex(const std::string &pattern, const RE2::Options &options) : re(pattern, options)
    {
    }
    RE2 re;
};

/* The words of Go's regexp/syntax, which people know from CoreDNS. */
static const char *go_words(RE2::ErrorCode code)
{
    switch (code) {
    case RE2::ErrorBadEscape:
        return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
        return "invalid character class";
    case RE2::ErrorBadCharRange:
        return "invalid character class range";
    case RE2::ErrorMissingBracket:
        return "missing closing ]";
    case RE2::ErrorMissingParen:
        return "missing closing )";
    case RE2::ErrorUnexpectedParen:
        return "unexpected )";
    case RE2::ErrorTrailingBackslash:
        return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
        return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
        return "invalid repeat count";
    case RE2::ErrorRepeatOp:
        return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
        return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
        return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
        return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
        return "expression too large";
    default:
        return "regexp/syntax: internal error";
    }
}

/* Go also takes (?<name>...), which RE2 knows as (?P<name>...) alone until its version of 2023. What is
 * quoted or stands in brackets is left as it is. */
static std::string spell_names(const char *pattern)
{
    std::string out;
    bool quoted = false, bracket = false;
    for (const char *p = pattern; *p != '\0'; p++) {
        bool begins_class = *p == '[' && !bracket && !quoted;
        if (*p == '\\' && p[1] != '\0' && (!quoted || p[1] == 'E')) { /* quoted, it stands for itself */
            quoted = !quoted && p[1] == 'Q';
            out += *p++;
        } else if (begins_class) {
            bracket = true;
            if (p[1] == '^')
                out += *p++;
            if (p[1] == ']') /* at the beginning it stands for itself */
                out += *p++;
        } else if (bracket && p[0] == '[' && p[1] == ':' && strstr(p, ":]") != NULL) {
            const char *end = strstr(p, ":]") + 1; /* [:alpha:] within brackets */
            out.append(p, (size_t)(end - p));
            p = end;
        } else if (*p == ']' && !quoted) {
            bracket = false;
        } else if (!bracket && !quoted && strncmp(p, "(?<", 3) == 0 && p[3] != '=' && p[3] != '!') {
            out += "(?P";
            p += 2;
        }
        out += *p;
    }
    return out;
}

static int refuse(const RE2 &re, struct errtext *e)
{
    RE2::ErrorCode code = re.error_code();
    return errtext_set(e, code == RE2::ErrorPatternTooLarge ? ERR_LIMIT : ERR_MALFORMED,
                       "error parsing regexp: %s: `%.200s`", go_words(code), re.error_arg().c_str());
}

extern "C" int regex_new(const char *pattern, struct regex **out, struct errtext *e)
{
    size_t len = strlen(pattern);
    if (len > REGEX_PATTERN_MAX)
        return errtext_set(e, ERR_LIMIT, "regex pattern too long: %zu > %d", len, REGEX_PATTERN_MAX);
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(REGEX_MEMORY_MAX);
        std::unique_ptr<struct regex> r(new struct regex(spell_names(pattern), options));
        if (!r->re.ok())
            return refuse(r->re, e);
        if (r->re.NumberOfCapturingGroups() > REGEX_GROUPS_MAX)
            return errtext_set(e, ERR_LIMIT, "regex pattern with %d groups: more than %d",
                               r->re.NumberOfCapturingGroups(), REGEX_GROUPS_MAX);
        *out = r.release();
        return ERR_OK;
    } catch (const std::bad_alloc &) {
        return errtext_set(e, -ENOMEM, "regex pattern: no memory");
    }
}

extern "C" void regex_free(struct regex *r)
{
    delete r;
}

extern "C" unsigned regex_groups(const struct regex *r)
{
    return (unsigned)r->re.NumberOfCapturingGroups();
}

extern "C" int regex_group_named(const struct regex *r, const char *name, size_t len)
{
    for (const auto &group : r->re.NamedCapturingGroups())
        if (group.first.size() == len && memcmp(group.first.data(), name, len) == 0)
            return group.second;
    return ERR_NOT_FOUND;
}

extern "C" const char *regex_group_name(const struct regex *r, unsigned i)
{
    const auto &names = r->re.CapturingGroupNames();
    auto found = names.find((int)i);
    return found == names.end() ? NULL : found->second.c_str();
}

extern "C" bool regex_match(const struct regex *r, const char *text, size_t len, struct regex_span *spans,
                            unsigned nspans)
{
    re2::StringPiece parts[1 + REGEX_GROUPS_MAX];
    unsigned known = 1 + regex_groups(r);
    unsigned wanted = nspans < known ? nspans : known;
    try {
        if (!r->re.Match(re2::StringPiece(text, len), 0, len, RE2::UNANCHORED, parts, (int)wanted))
            return false;
    } catch (const std::bad_alloc &) {
        return false;
    }
    for (unsigned i = 0; i < nspans; i++) {
        bool set = i < wanted && parts[i].data() != NULL;
        spans[i].set = set;
        spans[i].at = set ? (size_t)(parts[i].data() - text) : 0;
        spans[i].len = set ? parts[i].size() : 0;
    }
    return true;
}
