#include "settings.h"

#include <climits>

#include "../core/author_setting.h"
#include "errors.h"

namespace crm::settings {

namespace {

// Whether who set the value that a session begins with may set a superuser's setting.
bool
may_set_for_superuser(const config_generic &setting)
{
    return pg_parameter_aclcheck(setting.name, setting.reset_srole, ACL_SET) == ACLCHECK_OK ||
           setting.reset_scontext <= PGC_SU_BACKEND;
}

int on_conflict_value = on_conflict_return;
int keep_refused_value = keep_comment;
int refused_comment_window_seconds = 3600;
int repeated_comment_window_seconds = 5;
int max_comment_length_value = 1'000'000;
bool allow_truncate_value = false;
bool merge_value = false;
int events_value = events_off;
int access_path_value = access_path_auto;
char *author_setting_value = nullptr;

const config_enum_entry on_conflict_options[] = {
    {"return", on_conflict_return, false},
    {"raise", on_conflict_raise, false},
    {nullptr, 0, false},
};

const config_enum_entry keep_refused_options[] = {
    {"comment", keep_comment, false},
    {"all", keep_all, false},
    {nullptr, 0, false},
};

const config_enum_entry events_options[] = {
    {"off", events_off, false},
    {"notify", events_notify, false},
    {"logical", events_logical, false},
    {nullptr, 0, false},
};

const config_enum_entry access_path_options[] = {
    {"auto", access_path_auto, false},
    {"spi", access_path_spi, false},
    {nullptr, 0, false},
};

bool
check_author_setting(char **value, void **, GucSource)
{
    if (*value == nullptr || core::parse_author_setting(*value))
        return true;
    GUC_check_errdetail(
        "It is empty, session_user, the name of a setting, or name->>key for one key of a JSON setting.");
    return false;
}

// A value that comes with the connection takes the place of the administrator's before the library is loaded, and would
// then be refused with a warning alone: the session would run without either.
void
require_no_value_of_connection(const char *name)
{
    const config_generic *placeholder = find_setting(name);
    if (placeholder != nullptr && (placeholder->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
        placeholder->reset_source == PGC_S_CLIENT && !may_set_for_superuser(*placeholder))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to set parameter \"%s\"", name),
                 errdetail("The options of this connection set it."), errhint("Connect without it.")));
}

}  // namespace

void
define()
{
    for (const char *superusers : {"crm_concurrency.author_setting", "crm_concurrency.events",
                                   "crm_concurrency.max_comment_length", "crm_concurrency.access_path"})
        require_no_value_of_connection(superusers);

    DefineCustomEnumVariable("crm_concurrency.on_conflict", "What a refused save does.",
                             "return: a result row says so and the comment is kept. "
                             "raise: SQLSTATE PT409 with the detail as JSON, and nothing is kept.",
                             &on_conflict_value, on_conflict_return, on_conflict_options, PGC_USERSET, 0, nullptr,
                             nullptr, nullptr);
    DefineCustomEnumVariable("crm_concurrency.keep_refused", "What of a refused save is kept.",
                             "comment: its comment alone. all: also the status and the fields that it asked for, which "
                             "crm_refused_saves() lists.",
                             &keep_refused_value, keep_comment, keep_refused_options, PGC_USERSET, 0, nullptr, nullptr,
                             nullptr);
    DefineCustomIntVariable("crm_concurrency.refused_comment_window",
                            "How long the comment of a refused save waits to be adopted by the author's next save "
                            "with the same words.",
                            nullptr, &refused_comment_window_seconds, 3600, 0, INT_MAX, PGC_USERSET, GUC_UNIT_S,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable("crm_concurrency.repeated_comment_window",
                            "How long the same comment, added again by crm_add_comment(), counts as the same one.",
                            "0 adds it each time.", &repeated_comment_window_seconds, 5, 0, INT_MAX, PGC_USERSET,
                            GUC_UNIT_S, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("crm_concurrency.max_comment_length", "The most characters a comment may have.", nullptr,
                            &max_comment_length_value, 1'000'000, 1, 100'000'000, PGC_SUSET, 0, nullptr, nullptr,
                            nullptr);
    DefineCustomBoolVariable("crm_concurrency.allow_truncate", "Whether the owner may truncate customers and comments.",
                             nullptr, &allow_truncate_value, false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable(
        "crm_concurrency.merge", "Whether a save from an old version is merged with what others changed since.",
        "The argument merge of a call overrides it.", &merge_value, false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "crm_concurrency.author_setting", "Where the name of the authenticated user is found.",
        "Empty: the author of a call is believed. session_user: the user who logged in. Else the "
        "name of a setting such as app.user, or name->>key for one key of a JSON setting, as in "
        "request.jwt.claims->>email.",
        &author_setting_value, "", PGC_SUSET, 0, check_author_setting, nullptr, nullptr);
    DefineCustomEnumVariable(
        "crm_concurrency.events", "In which form change events are sent.",
        "notify: NOTIFY on the channel crm_concurrency. logical: transactional logical messages with "
        "the prefix crm_concurrency.",
        &events_value, events_off, events_options, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("crm_concurrency.access_path", "How customers and comments are read and written.",
                             "auto: without parsing and planning where the table and the rights allow it, else by SPI. "
                             "spi: always by SPI, as tests do to compare both.",
                             &access_path_value, access_path_auto, access_path_options, PGC_SUSET, 0, nullptr, nullptr,
                             nullptr);
    MarkGUCPrefixReserved("crm_concurrency");
}

OnConflict
on_conflict()
{
    return static_cast<OnConflict>(on_conflict_value);
}

KeepRefused
keep_refused()
{
    return static_cast<KeepRefused>(keep_refused_value);
}

core::Microseconds
refused_comment_window()
{
    return refused_comment_window_seconds * core::second;
}

core::Microseconds
repeated_comment_window()
{
    return repeated_comment_window_seconds * core::second;
}

int
max_comment_length()
{
    return max_comment_length_value;
}

const char *
author_setting()
{
    return author_setting_value;
}

Events
events()
{
    return static_cast<Events>(events_value);
}

bool
merge()
{
    return merge_value;
}

AccessPath
access_path()
{
    return static_cast<AccessPath>(access_path_value);
}

bool
allow_truncate()
{
    return allow_truncate_value;
}

}  // namespace crm::settings
