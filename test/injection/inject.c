/*
 * Decides at which of the module's calls of the server an error is raised. The trampolines ask here before each call.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include <dlfcn.h>
#include <malloc.h>

/* The frames of the module that are told apart, from the call outwards, at most. */
#define MOST_FRAMES 16

typedef struct
{
    int64 site;
    const char *name;
} Call;

enum
{
    off,
    recording,
    at_site,
    at_number
};

static int mode = off;
static int64 wanted;
static int64 seen;
static int frames = 1;
static const char *raised_at = NULL;
static char planted[32] = "";

static Call *calls = NULL;
static int64 recorded = 0;
static int64 capacity = 0;

/* Set where the library that replaces operator new is preloaded. */
__attribute__((weak)) extern bool (*crm_new_fails)(void *return_address, int64 number);
__attribute__((weak)) extern int64 crm_new_live;
__attribute__((weak)) extern int64 crm_new_count;

extern void crm_inject_ask(const char *name, void *return_address, void **frame);

static bool
is_in_module(void *address)
{
    static uintptr_t start = 0;
    static uintptr_t end = 0;

    /* The linker's marks of the module itself. */
    extern char __ehdr_start __attribute__((visibility("hidden")));
    extern char etext __attribute__((visibility("hidden")));

    if (start == 0)
    {
        start = (uintptr_t)&__ehdr_start;
        end = (uintptr_t)&etext;
    }
    return (uintptr_t)address >= start && (uintptr_t)address < end;
}

/* A number for the place of a call: the function, where it returns to, and where its callers in the module do. */
static int64
site_of(const char *name, void *return_address, void **frame)
{
    uint64 site = 14695981039346656037ULL;

    site = (site ^ (uintptr_t)name) * 1099511628211ULL;
    site = (site ^ (uintptr_t)return_address) * 1099511628211ULL;
    for (int i = 1; i < frames && i < MOST_FRAMES && is_in_module(return_address); i++)
    {
        return_address = frame[1];
        frame = (void **)frame[0];
        site = (site ^ (uintptr_t)return_address) * 1099511628211ULL;
    }
    return (int64)(site >> 2);
}

static bool
is_this(const char *name, int64 site)
{
    if (mode == off)
        return false;
    seen++;
    if (mode == recording)
    {
        if (recorded == capacity)
        {
            capacity = capacity * 2 + 1024;
            calls = realloc(calls, capacity * sizeof(Call));
            if (calls == NULL)
                abort();
        }
        calls[recorded++] = (Call){site, name};
        return false;
    }
    if (mode == at_site ? site != wanted : seen != wanted)
        return false;
    mode = off;
    raised_at = name;
    return true;
}

static bool
new_fails(void *return_address, int64 number)
{
    /* What a container of C++ asks for has no frames to tell it by: each call is a place. */
    return is_this("operator new", number);
}

static bool
starts_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* The error that such a call would raise. */
static int
error_of(const char *name)
{
    if (strstr(name, "alloc") != NULL || starts_with(name, "MemoryContext"))
        return ERRCODE_OUT_OF_MEMORY;
    if (starts_with(name, "Lock") || strcmp(name, "XactLockTableWait") == 0)
        return ERRCODE_LOCK_NOT_AVAILABLE;
    if (starts_with(name, "ExecSimpleRelation") || strcmp(name, "AfterTriggerEndQuery") == 0)
        return ERRCODE_CHECK_VIOLATION;
    if (starts_with(name, "SPI_execute"))
        return ERRCODE_RAISE_EXCEPTION;
    if (strcmp(name, "ProcessInterrupts") == 0)
        return ERRCODE_QUERY_CANCELED;
    return MAKE_SQLSTATE('X', 'X', '9', '9', '9');
}

/* Faults that the driver must find, done where an error is raised; but for "kept", below. */
static void
do_planted(void)
{
    if (strcmp(planted, "leak") == 0)
        MemoryContextAlloc(TopMemoryContext, 5000);
    else if (strcmp(planted, "heap") == 0)
    {
        if (malloc(5000) == NULL)
            abort();
        if (&crm_new_live != NULL)
            crm_new_live++;
    }
    else if (strcmp(planted, "warning") == 0)
        ereport(WARNING, (errmsg("planted")));
    else if (strcmp(planted, "lock") == 0)
    {
        LOCKTAG tag;

        SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 1, 1);
        LockAcquire(&tag, ShareLock, true, false);
    }
    else if (strcmp(planted, "state") == 0)
        SessionReplicationRole = SESSION_REPLICATION_ROLE_REPLICA;
    else if (strcmp(planted, "other") == 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("planted")));
    else if (strcmp(planted, "dies") == 0)
        ereport(PANIC, (errmsg("planted")));
}

/*
 * The linker lets the trampolines come here for a context. With the fault "kept", one that a failed call should take with it
 * stays for the session.
 */
extern MemoryContext __real_AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size least,
                                                          Size first, Size most);
extern MemoryContext __wrap_AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size least,
                                                          Size first, Size most);

MemoryContext
__wrap_AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size least, Size first, Size most)
{
    if (strcmp(planted, "kept") == 0)
        parent = TopMemoryContext;
    return __real_AllocSetContextCreateInternal(parent, name, least, first, most);
}

void
crm_inject_ask(const char *name, void *return_address, void **frame)
{
    if (mode == off || !is_this(name, site_of(name, return_address, frame)))
        return;
    do_planted();
    ereport(ERROR, (errcode(error_of(name)), errmsg("injected error at %s", name)));
}

/*
 * crm_inject(what text, wanted bigint, frames integer, planted text): 'record', or raise at 'site' or call 'number'
 * wanted.
 */
PG_FUNCTION_INFO_V1(crm_inject);
PGDLLEXPORT Datum crm_inject(PG_FUNCTION_ARGS);
Datum
crm_inject(PG_FUNCTION_ARGS)
{
    char *what = text_to_cstring(PG_GETARG_TEXT_PP(0));

    strlcpy(planted, text_to_cstring(PG_GETARG_TEXT_PP(3)), sizeof planted);
    wanted = PG_GETARG_INT64(1);
    frames = PG_GETARG_INT32(2);
    seen = 0;
    recorded = 0;
    raised_at = NULL;
    if (&crm_new_fails != NULL)
    {
        crm_new_count = 0;
        crm_new_fails = new_fails;
    }
    mode = strcmp(what, "record") == 0 ? recording : strcmp(what, "site") == 0 ? at_site : at_number;
    PG_RETURN_VOID();
}

/* crm_inject_end(): no more; where the error was raised, or NULL. */
PG_FUNCTION_INFO_V1(crm_inject_end);
PGDLLEXPORT Datum crm_inject_end(PG_FUNCTION_ARGS);
Datum
crm_inject_end(PG_FUNCTION_ARGS)
{
    mode = off;
    if (raised_at == NULL)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(raised_at));
}

/* crm_inject_calls(): what was recorded, a line for each: the site and the function. */
PG_FUNCTION_INFO_V1(crm_inject_calls);
PGDLLEXPORT Datum crm_inject_calls(PG_FUNCTION_ARGS);
Datum
crm_inject_calls(PG_FUNCTION_ARGS)
{
    StringInfoData lines;

    mode = off;
    initStringInfo(&lines);
    for (int64 i = 0; i < recorded; i++)
        appendStringInfo(&lines, "%lld %s\n", (long long)calls[i].site, calls[i].name);
    PG_RETURN_TEXT_P(cstring_to_text(lines.data));
}

/* crm_inject_live(): the objects of C++ that live on the heap, or NULL where they are not counted. */
PG_FUNCTION_INFO_V1(crm_inject_live);
PGDLLEXPORT Datum crm_inject_live(PG_FUNCTION_ARGS);
Datum
crm_inject_live(PG_FUNCTION_ARGS)
{
    if (&crm_new_live == NULL)
        PG_RETURN_NULL();
    PG_RETURN_INT64(crm_new_live);
}
