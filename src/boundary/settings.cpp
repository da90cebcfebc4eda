#include "settings.h"

#include <climits>

#include "pg.h"

namespace crm::settings {

namespace {

int on_conflict_value = on_conflict_return;
int refused_comment_window_seconds = 3600;
int max_comment_length_value = 1'000'000;
bool allow_truncate_value = false;
bool merge_value = false;

const config_enum_entry on_conflict_options[] = {
    {"return", on_conflict_return, false},
    {"raise", on_conflict_raise, false},
    {nullptr, 0, false},
};

}  // namespace

void
define()
{
    DefineCustomEnumVariable("crm_concurrency.on_conflict", "What a refused save does.",
                             "return: a result row says so and the comment is kept. "
                             "raise: SQLSTATE PT409 with the detail as JSON, and nothing is kept.",
                             &on_conflict_value, on_conflict_return, on_conflict_options, PGC_USERSET, 0, nullptr,
                             nullptr, nullptr);
    DefineCustomIntVariable("crm_concurrency.refused_comment_window",
                            "How long the comment of a refused save waits to be adopted by the author's next save "
                            "with the same words.",
                            nullptr, &refused_comment_window_seconds, 3600, 0, INT_MAX, PGC_USERSET, GUC_UNIT_S,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable("crm_concurrency.max_comment_length", "The most characters a comment may have.", nullptr,
                            &max_comment_length_value, 1'000'000, 1, 100'000'000, PGC_SUSET, 0, nullptr, nullptr,
                            nullptr);
    DefineCustomBoolVariable("crm_concurrency.allow_truncate",
                             "Whether the owner may truncate customers and comments.", nullptr,
                             &allow_truncate_value, false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable("crm_concurrency.merge",
                             "Whether a save from an old version is merged with what others changed since.",
                             "The argument merge of a call overrides it.", &merge_value, false, PGC_USERSET, 0, nullptr,
                             nullptr, nullptr);
    reserve_settings("crm_concurrency");
}

OnConflict
on_conflict()
{
    return static_cast<OnConflict>(on_conflict_value);
}

core::Microseconds
refused_comment_window()
{
    return refused_comment_window_seconds * core::second;
}

int
max_comment_length()
{
    return max_comment_length_value;
}

bool
merge()
{
    return merge_value;
}

bool
allow_truncate()
{
    return allow_truncate_value;
}

}  // namespace crm::settings
