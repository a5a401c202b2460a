/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ground floor: asserts, the task queue to the SIP thread, the blocking pool, option tables, the module
 * loader. No SIP here: nothing in this folder may include a header of pjsip (module.h of the ABI check apart).
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* ---- asserts: internal invariants only, kept in release builds ---- */

void base_assert_failed(const char *expr, const char *file, int line) __attribute__((noreturn));

#define base_assert(expr) ((expr) ? (void)0 : base_assert_failed(#expr, __FILE__, __LINE__))

/* ---- the log's own side (log.c); writing lines is <sipsession/log.h> ---- */

/*
 * From here on lines go to the end of this file instead of standard error; called again it goes over to another
 * file, or to a new one of the same name after a rotation. 0; -1: it cannot be opened, logged, nothing changed.
 */
int base_log_open(const char *path);
/* Back to standard error while other threads go on logging. 0; -1 logged, nothing changed. */
int base_log_to_stderr(void);
/* The same for the end: only when no other thread logs any more. */
void base_log_close(void);
/*
 * What this thread logs from now on, up to AST_LOG_NOTICE and whatever the level of the log is, is shown to see as
 * well, escaped and without time; NULL ends that. For those who are told what a reload has to say.
 */
void base_log_copy(void (*see)(int level, const char *text, void *data), void *data);
/* ast_log with its arguments as a list. */
void base_log_line(int level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/*
 * Tells of the lines that ast_log_limited passed over, in seconds that are over; all: in this one, too, as before the
 * code of a place goes. Returns in how many ms it is to be called again; -1: there is nothing left to tell.
 */
int base_log_tell(int all);
/* The seconds of a test in place of the system's; NULL: those again. */
void base_log_limit_clock(unsigned (*seconds)(void));
/*
 * Copies text with its control characters, wrong UTF-8 and line separators escaped (\n, \r, \t, \xNN); too long a
 * text ends with "...". size is at least 4. Returns the length.
 */
size_t base_log_escape(char *out, size_t size, const char *text);

/* ---- the SIP thread (thread.c) ---- */

/* Says that the calling thread is the SIP thread from now on, until base_thread_leave. */
void base_thread_enter(void);
void base_thread_leave(void);
/* 1 on the SIP thread, or when no SIP thread exists (start, stop and unit tests are single-threaded); else 0. */
int base_thread_is_sip(void);

#ifdef NDEBUG
#define base_assert_sip_thread() ((void)0)
#else
#define base_assert_sip_thread() base_assert(base_thread_is_sip())
#endif

/* ---- tasks: from any thread to one thread, in order (task.c) ---- */

/*
 * A queue of tasks for one consumer thread. Pushing never blocks but for a short mutex, and writes the eventfd
 * only when the queue was empty and the consumer may be asleep.
 */
struct base_task_queue;

typedef int (*base_task_fn)(void *data);

struct base_task_queue *base_task_queue_create(void); /* NULL: no memory or no descriptor, logged */
/* Frees the queue. Tasks still in it are not run; call base_task_queue_close and run them first. */
void base_task_queue_destroy(struct base_task_queue *queue);
/* 0; -1: closed or out of memory; then the task will never run and data stays the caller's. */
int base_task_queue_push(struct base_task_queue *queue, base_task_fn task, void *data);
/* A task whose memory is part of what it works on, so that pushing it cannot fail */
struct base_task {
    struct base_task *next; /* this one and `pooled` are the queue's */
    base_task_fn run;
    void *data;
    int pooled;
};

/*
 * Pushes a task that the caller fills with run and data; it works also when the queue is closed. The node is the
 * queue's until run is called, and the caller's from then on: run may free it.
 */
void base_task_queue_push_node(struct base_task_queue *queue, struct base_task *node);
/* From here on pushes fail, save those of nodes; what is queued stays to be run. */
void base_task_queue_close(struct base_task_queue *queue);
/* The eventfd that is readable when there may be tasks. base_task_queue_run reads it; nobody else does. */
int base_task_queue_fd(const struct base_task_queue *queue);
/*
 * On the consumer's thread: runs at most `most` tasks (those queued when called first: a task that pushes a task
 * does not keep it busy for ever) and returns how many ran. When tasks remain, the eventfd stays readable, so
 * that the consumer looks at the network in between.
 */
unsigned base_task_queue_run(struct base_task_queue *queue, unsigned most);
size_t base_task_queue_length(struct base_task_queue *queue);

/* ---- the blocking pool (blocking.c) ---- */

/*
 * A few threads for what may block, known to PJLIB when pj_init came first. work(data) runs on one of them; then
 * done(data, result of work) runs as a task of `back` (borrowed, outlives the pool), in no promised order among
 * several jobs.
 */
struct base_blocking_pool;

struct base_blocking_pool *base_blocking_pool_create(unsigned threads,
                                                     struct base_task_queue *back);
/* 0; -1: stopping or out of memory; then neither callback runs and data stays the caller's. */
int base_blocking_pool_push(struct base_blocking_pool *pool, int (*work)(void *data),
                            void (*done)(void *data, int result), void *data);
/* Waits for all queued work to end; the done tasks are then in `back`, also when that was closed. NULL is allowed. */
void base_blocking_pool_destroy(struct base_blocking_pool *pool);

/* ---- option tables (option.c) ---- */

/*
 * One table per object type drives parsing, defaults, validation, `show` and the generated reference page.
 * An object is a zeroed struct; the table says where each option lives in it.
 */
enum base_option_kind {
    BASE_OPTION_BOOL,    /* int: yes/no, true/false, on/off, 1/0 */
    BASE_OPTION_UINT,    /* unsigned, within min..max */
    BASE_OPTION_SECONDS, /* unsigned milliseconds, written in seconds with up to 3 decimals ("3.0") */
    BASE_OPTION_STRING, /* char *: malloc'ed, freed by base_options_free */
    BASE_OPTION_ENUM, /* int: index in `names`; names "yes" and "no" are met by every word of BOOL */
    BASE_OPTION_CUSTOM, /* parse() does it */
    BASE_OPTION_UNSUPPORTED /* known to Asterisk's file of the same name, not supported here: a warning */
};

struct base_option {
    const char *name;
    enum base_option_kind kind;
    size_t offset;        /* of the member in the object; unused for UNSUPPORTED */
    const char *fallback; /* the default as one would write it; NULL: none, the member stays zero */
    unsigned min, max;    /* of UINT and SECONDS (in ms); both 0: no bound */
    /* NULL-terminated. Of ENUM: its values; of UNSUPPORTED: values that ask for what happens here anyway. */
    const char *const *names;
    /*
     * Sets the option from its text. Called once for each line, in order.
     * 0; 1: it is set, but why says what part of it has no effect; -1 with what was expected in
     * why ("expected ..."), and the object as it was.
     */
    int (*parse)(void *object, const struct base_option *option, const char *value, char *why,
                 size_t why_size);
    void (*release)(void *object, const struct base_option *option); /* of CUSTOM; may be NULL */
    /* Writes the option's value as one would write it, for show. Of CUSTOM; NULL: not shown. */
    void (*format)(const void *object, const struct base_option *option, char *out, size_t size);
    /*
     * For UNSUPPORTED: 1 when running without it would be unsafe, so that it is an error and not a warning
     * (e.g. `auth` of an endpoint as long as nothing checks it).
     */
    int refuse;
    /*
     * For every other kind: 1 when it is read and checked, but nothing obeys it yet: a value that is not the default
     * is a warning, as for UNSUPPORTED.
     */
    int inert;
    /*
     * The default of the file that this one is written as, where ours is another one on purpose; NULL: they agree.
     * For the reference page only.
     */
    const char *elsewhere;
    /* One sentence for the reference page; of UNSUPPORTED: why not, or what to use instead. */
    const char *help;
};

struct base_option_table {
    const char *type; /* "endpoint" */
    const char *help;
    const struct base_option *options; /* ends with a NULL name */
    size_t object_size;
};

enum base_option_result {
    BASE_OPTION_OK,        /* also: UNSUPPORTED, with the value that it has when it is left out */
    BASE_OPTION_PARTLY,    /* set; why says what part of the value has no effect */
    BASE_OPTION_BAD_VALUE, /* why says what was expected, or that memory is out */
    BASE_OPTION_NOT_SUPPORTED, /* known, warn */
    BASE_OPTION_REFUSED, /* known, not supported, and not safe to leave out; why is the help */
    BASE_OPTION_UNKNOWN  /* why is the nearest known name, or empty */
};

/* Puts every default into an object. 0; -1: out of memory or a default that does not parse (a defect), logged. */
int base_options_init(const struct base_option_table *table, void *object);
/* Sets one option; names do not mind case. Unless BASE_OPTION_OK or _PARTLY the object stays as it was. */
enum base_option_result base_options_set(const struct base_option_table *table, void *object,
                                         const char *name, const char *value, char *why,
                                         size_t why_size);
/* Frees what the options own and zeroes those members; the object itself is the caller's. */
void base_options_free(const struct base_option_table *table, void *object);
/* The option of a name (any case), or NULL. A name of the table that ends with '*' stands for all that begin so. */
const struct base_option *base_options_find(const struct base_option_table *table,
                                            const char *name);
/* Writes "name = value" of one option; 0, or -1 when it has none to show. */
int base_options_format(const struct base_option *option, const void *object, char *out,
                        size_t size);

/* 0, or -1 when the text is none of the words of BOOL. */
int base_parse_bool(const char *text, int *value);
/* Decimal digits, nothing else, at most max. 0 or -1. */
int base_parse_uint(const char *text, unsigned max, unsigned *value);

/* ---- the nearest name (nearest.c) ---- */

/* The name in the list nearest to `name` by edit distance, or NULL when none is near enough to be meant. */
const char *base_nearest_name(const char *name, const char *const *names, size_t count);

/* ---- modules (module.c) ---- */

/*
 * Loads shared objects in the order of their `requires`, checks their ABI, and unloads them in reverse. On the
 * SIP thread.
 */
struct base_module_list;

struct base_module_list *base_module_list_create(const char *folder);
/* name: NAME of the folder's NAME.so, or a path with a slash. Only opens and checks it. 0; -1, logged. */
int base_module_list_add(struct base_module_list *list, const char *name);
/*
 * Runs init of all added and not yet started, each after what it requires, else in the order they were added. 0;
 * -1: a requirement is missing or circular, or an init failed; logged; then those that did start are running, and
 * the others are gone.
 */
int base_module_list_start(struct base_module_list *list);
/*
 * module_change.c: what is loaded becomes these (names or paths, separated by blanks). What is new
 * is started, in the order of `requires`. 0; -1, logged: all is as it was. What is in use and not
 * named stays, with a warning.
 */
int base_module_list_change(struct base_module_list *list, const char *names);
/* What the change started ends. */
void base_module_list_change_abandon(struct base_module_list *list);
/* What it did not name ends, in reverse order of the start. */
void base_module_list_change_commit(struct base_module_list *list);
/* Calls see for each one loaded, in order of their start. */
void base_module_list_each(const struct base_module_list *list,
                           void (*see)(const char *name, const char *description, void *data),
                           void *data);
/* Closes all in reverse order of their start, and frees the list. */
void base_module_list_destroy(struct base_module_list *list);

/* ---- text (text.c) ---- */

/* Copies at most size - 1 octets, never in the middle of a UTF-8 character; always ends with NUL. Returns out. */
char *base_copy_text(char *out, size_t size, const char *text, size_t length);

#endif
