#pragma once

#include "pg.h"

// The crossing between C++ exceptions and PostgreSQL's longjmp.
//
// A C++ exception must not leave an extern "C" function, and ereport must not be called inside a catch block. Code that
// uses the C++ library's containers runs in a guarded call that makes no raising backend call; everything else keeps to
// plain data, over which a longjmp may pass.
namespace crm {

// Reports what a guarded call threw, as an internal error; out of memory as 53200.
[[noreturn]] void report_exception(const char *what, bool out_of_memory);

// Runs run() and returns what it returns; what it throws becomes an error of PostgreSQL. So the block of a PG_TRY has its work
// in a guarded call: an exception would pass by its PG_FINALLY and PG_CATCH.
template <typename Run>
auto
guarded(Run run)
{
    char reason[256] = "unknown C++ exception";
    bool out_of_memory = false;
    // An exception leaves what PG_TRY and others have set where they stand, in frames that are gone then.
    sigjmp_buf *const handlers = PG_exception_stack;
    ErrorContextCallback *const contexts = error_context_stack;

    try
    {
        return run();
    }
    catch (const std::bad_alloc &)
    {
        out_of_memory = true;
    }
    catch (const std::exception &e)
    {
        strlcpy(reason, e.what(), sizeof reason);
    }
    catch (...)
    {}
    PG_exception_stack = handlers;
    error_context_stack = contexts;
    report_exception(reason, out_of_memory);
}

// The text that make() builds (a std::string) as palloc'd, zero-terminated memory of the current context.
template <typename Make>
std::string_view
guarded_text(Make make)
{
    return guarded([&make] {
        const auto text = make();
        // With NO_OOM this answers NULL instead of raising over the string.
        char *copy = static_cast<char *>(palloc_extended(text.size() + 1, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE));
        if (copy == nullptr)
            throw std::bad_alloc{};
        std::memcpy(copy, text.c_str(), text.size() + 1);
        return std::string_view{copy, text.size()};
    });
}

// Runs work(); the message of an error that it raises begins with what prefix() says then.
template <typename Prefix, typename Work>
void
with_error_prefix(Prefix prefix, Work work)
{
    const MemoryContext caller = CurrentMemoryContext;
    PG_TRY();
    {
        guarded(work);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(caller);
        ErrorData *error = CopyErrorData();
        FlushErrorState();
        error->message = psprintf("%s: %s", prefix(), error->message);
        ReThrowError(error);
    }
    PG_END_TRY();
}

}  // namespace crm

// Defines the SQL function `name`, whose body follows as a block with fcinfo in scope.
#define CRM_FUNCTION(name)                                                                                             \
    static Datum name##_body(FunctionCallInfo fcinfo);                                                                 \
    extern "C" {                                                                                                       \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS)                                                                           \
    {                                                                                                                  \
        return crm::guarded([fcinfo] { return name##_body(fcinfo); });                                                 \
    }                                                                                                                  \
    }                                                                                                                  \
    static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
