#pragma once

#include "table_description.h"

// The triggers of an attachment, and telling them apart from those of others.
namespace crm {

// A trigger of the extension, which is known by its table and the function that it calls.
struct OwnTrigger
{
    Part part;
    const char *name;
    const char *function;
    SqlTemplate timing;
    SqlTemplate level;  // with its condition
    bool saves_need_it;
    bool is_later = false;  // SQL objects of version 1.0 do not have its function

    constexpr bool is_for_rows() const { return level.text().starts_with("FOR EACH ROW"); }
};

// Where the SQL objects are of version 1.0, its columns tell which are key, status (where there is one) and version.
inline constexpr OwnTrigger key_trigger = {Part::customers,
                                           "crm_key",
                                           "crm_customers_key",
                                           "BEFORE UPDATE OF {guarded}",
                                           "FOR EACH ROW WHEN (OLD.{key} IS DISTINCT FROM NEW.{key})",
                                           false};

// Row triggers fire in the order of their names: the version is set last, so that no other overrules it.
inline constexpr OwnTrigger version_trigger = {Part::customers,           "zz_crm_version", "crm_customers_version",
                                               "BEFORE INSERT OR UPDATE", "FOR EACH ROW",   true};

inline constexpr OwnTrigger guard_trigger = {
    Part::comments, "zz_crm_guard", "crm_comments_guard", "BEFORE INSERT OR UPDATE OR DELETE", "FOR EACH ROW", true};

// Where it fires, what a statement did to many rows is recorded at its end at once.
inline constexpr OwnTrigger end_of_statement_trigger = {
    Part::customers, "crm_history_end", "crm_customers_history", "AFTER INSERT OR UPDATE", "FOR EACH STATEMENT", false};

inline constexpr OwnTrigger own_triggers[] = {
    key_trigger,
    version_trigger,
    {Part::customers, "crm_history", "crm_customers_history", "AFTER INSERT OR UPDATE OR DELETE", "FOR EACH ROW", true},
    end_of_statement_trigger,
    {Part::customers, "crm_truncate", "crm_refuse_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT", false},
    guard_trigger,
    // A comment without a save has nothing to do here but to send its event.
    {Part::comments, "crm_version", "crm_comments_version", "AFTER INSERT",
     "FOR EACH ROW WHEN (NEW.based_on IS NOT NULL OR current_setting('crm_concurrency.events', true) <> 'off')", true},
    {Part::comments, "crm_deleted", "crm_comments_deleted", "AFTER DELETE", "FOR EACH ROW", false, true},
    {Part::comments, "crm_truncate", "crm_refuse_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT", false},
    // Rows that were recorded before this transaction come from a dump; saves do not pay for the trigger.
    {Part::history, "crm_restore", "crm_history_restore", "BEFORE INSERT",
     "FOR EACH ROW WHEN (NEW.recorded_at < now())", false},
};

// The trigger of a relation that calls the function of one of ours, or nullptr.
const Trigger *find_trigger(Relation relation, const OwnTrigger &own, Oid extension_schema);

// A copy of the triggers of an open relation.
std::span<const Trigger> triggers_of(Relation relation);

// A copy of the foreign keys of an open relation.
List *copied_foreign_keys(Relation relation);

// Whether a trigger calls one of the extension's functions.
bool is_own(const Trigger &trigger, Oid extension_schema);

// Whether a trigger has nothing to do when a save writes a row by this command and does the work of the extension's triggers
// itself, while nothing is being replicated. Foreign keys to the customer's key need no check: it stays.
bool has_nothing_to_do(const TableDescription &table, const Trigger &trigger, CmdType command);

// Whether nothing but the extension's triggers, and checks of foreign keys, runs between the AFTER triggers of the rows
// that a statement inserts or updates and its end_of_statement_trigger, which is there.
bool may_be_recorded_at_end(const TableDescription &table, Relation customers);

// Whether a trigger fires in this session.
bool fires(const Trigger &trigger);

}  // namespace crm
