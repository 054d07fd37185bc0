/*
 * What the files of the Corefile reader share; nobody else includes this. Text becomes tokens
 * (corefile_lex.c), the tokens of the main file and of all that it imports become one stream
 * (corefile_import.c), environment variables are put in (corefile_env.c), keys become zones and ports
 * (corefile_key.c), and the stream becomes blocks and directives (corefile_parse.c). All that lives as long
 * as the corefile is in one arena (conf_arena.c).
 *
 * The stream is flat, as in CoreDNS: an import is replaced by the tokens it stands for, so a brace may be
 * opened in one file and closed in another. What stands between two line ends is still one line: an import
 * begins and ends one.
 */
#ifndef SEAMARK_CONF_COREFILE_P_H
#define SEAMARK_CONF_COREFILE_P_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"
#include "conf/conf_arena_p.h"
#include "conf/corefile.h"

/* A ConfigMap cannot be larger than this (etcd's limit on a request), so no Corefile of a cluster is. */
#define COREFILE_MAX_FILE_SIZE ((size_t)1 << 20)
/* Files of one configuration. A glob over a folder of customers' server blocks may give hundreds. */
#define COREFILE_MAX_FILES 1024
/* Words read, those of imports counted each time they are imported: ends snippets that import snippets in
 * ever greater number. An inline hosts table of 50,000 addresses fits. */
#define COREFILE_MAX_TOKENS 250000
/* Imports inside imports. Deeper than this nobody can read it. */
#define COREFILE_MAX_IMPORT_DEPTH 64
/* Braces inside a directive. No plugin of CoreDNS uses more than one. */
#define COREFILE_MAX_NESTING 8
/* Zones that all keys together make; a /1 alone makes 128. */
#define COREFILE_MAX_KEYS 8192
/* A word after environment variables were put in, and how often one is put into a word (a variable may name
 * itself). */
#define COREFILE_MAX_WORD         65536
#define COREFILE_MAX_ENV_PER_WORD 256
/* All memory of a loaded corefile. */
#define COREFILE_MAX_MEMORY ((size_t)64 << 20)

struct token {
    const char *text;
    const char *file;
    unsigned line;
    bool starts_line;
};

/* The tokens of a file or of a snippet. Two imports of one file or snippet share it, so its address is its
 * identity. */
struct token_list {
    const char *name; /* the file's canonical path, or the snippet's name */
    const struct token *tokens;
    size_t count;
};

/* Cuts `len` bytes of `text` into tokens. `file` stands in the tokens and must live as long as the arena. */
int corefile_lex(struct conf_arena *arena, const char *file, const char *text, size_t len,
                 struct token_list *out, struct errtext *e);

/* Puts the values of {%NAME%} and {$NAME} into the token's text; *out is the text itself where it has none.
 */
int corefile_env(struct conf_arena *arena, const struct token *token, const char **out, struct errtext *e);

/* How imported files are read: fsio_read, or something harmless in a fuzz target. Same contract as fsio_read.
 */
typedef int (*corefile_read_fn)(const char *path, struct bytes *out);

/* One import that is being read: the files of a glob, one after the other, or one snippet. */
struct import_frame {
    const struct token_list *const *lists;
    size_t count;
    size_t current;
    size_t at; /* next token of lists[current] */
};

/* The flat stream of tokens. `token` is the one to be looked at, NULL at the end of everything. */
struct token_stream {
    struct conf_arena *arena;
    struct errtext *e;
    corefile_read_fn read;
    const struct token *token;
    bool starts_line;         /* of `token`; the first of an import always does */
    const struct token *last; /* the one before, for errors at the end; NULL at the start */
    size_t taken;
    struct import_frame frames[COREFILE_MAX_IMPORT_DEPTH];
    size_t depth;
    const struct token_list **files; /* read so far, nfiles of them */
    size_t nfiles;
    const char **paths; /* of the same files, as error messages name them */
    size_t lexed;
    const struct token_list **snippets;
    size_t nsnippets;
};

/* Lexes the main file and stands on its first token. */
int stream_begin(struct token_stream *s, const char *name, const char *text, size_t len);
/* Steps to the next token. */
int stream_next(struct token_stream *s);
/* True where the token is this word. False at the end. */
bool stream_at(const struct token_stream *s, const char *word);
/* The stream stands on `import`: stands on the first token of what it imports, or on the one behind the line.
 */
int stream_import(struct token_stream *s);
/* The stream stands on the `{` of a snippet: stores it up to its `}` and steps behind that. */
int stream_define_snippet(struct token_stream *s, const char *name, const struct token *where);
/* Error at the token, or at the last one where the stream has ended. Returns ERR_CONFIG. */
int stream_error(const struct token_stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Paths that an import names, in alphabetical order (corefile_glob.c). An empty result of a glob only warns.
 */
int corefile_glob(struct conf_arena *arena, const struct token *token, const char *pattern,
                  const char ***paths, size_t *count, struct errtext *e);

/* Growing list of keys. */
struct key_list {
    struct server_key *keys;
    size_t count;
};
/* Reads one key and adds the zones that it makes. `where` is for errors. */
int corefile_key(struct conf_arena *arena, const struct token *where, const char *word, struct key_list *out,
                 struct errtext *e);

/* The directives of a block: what is between its braces, or behind its keys where it has none. */
int corefile_directives(struct token_stream *s, struct server_block *b);
/* All server blocks, to the end of the stream. */
int corefile_blocks(struct token_stream *s, const struct server_block **out, size_t *count);
/* Hash of what the blocks say: files, lines, comments and white space do not count. */
uint64_t corefile_hash(const struct server_block *blocks, size_t count);

/* corefile_parse() with the reading of imported files replaced. */
int corefile_parse_with(corefile_read_fn read, const char *name, const char *text, size_t len,
                        struct corefile **out, struct errtext *e);

#endif
