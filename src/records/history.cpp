#include "history.h"

#include "../boundary/bare_write.h"
#include "../boundary/clock.h"
#include "../boundary/direct.h"
#include "../boundary/errors.h"
#include "../boundary/identity.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/simple_write.h"
#include "../boundary/snapshot.h"
#include "../boundary/spi.h"
#include "../core/base_diagnosis.h"
#include "../core/version.h"
#include "events.h"
#include "prepared_writes.h"
#include "rows.h"

namespace crm {

namespace {

constexpr RowQuery<History> latest_change{.column = &HistoryFacts::version, .order = Order::backward, .expected = 1};

constexpr RowQuery<History> oldest_changes{.column = &HistoryFacts::version, .expected = 1};

constexpr RowQuery<History> changes_after{.column = &HistoryFacts::version, .bound = Bound::above};

constexpr RowQuery<History> change_before{
    .column = &HistoryFacts::version, .bound = Bound::below, .order = Order::backward, .expected = 1};

constexpr SqlStatement insert_change{"INSERT INTO {history} ({columns}) VALUES ({values})", As::owner, Part::history};

constexpr SqlStatement select_applied{"SELECT 1 FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                      "AND version OPERATOR(pg_catalog.=) $2 AND request OPERATOR(pg_catalog.=) $3 "
                                      "AND based_on OPERATOR(pg_catalog.<) $4",
                                      As::owner, Part::history};

constexpr SqlStatement select_follower{
    "SELECT 1 FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.>) $2 AND previous OPERATOR(pg_catalog.=) $2 "
    "AND NOT EXISTS (SELECT FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.=) $2) LIMIT 1",
    As::owner, Part::history};

constexpr SqlStatement delete_inserted{
    "DELETE FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.=) $2 AND recorded_at OPERATOR(pg_catalog.>) $3 "
    "AND operation OPERATOR(pg_catalog.=) 'insert'",
    As::reader, Part::history};

constexpr SqlStatement select_changes_after{
    "SELECT version, previous, operation, status_from, fields FROM {history} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.>) $2 "
    "ORDER BY version DESC",
    As::reader, Part::history};

constexpr SqlStatement select_nearby{"SELECT version FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                     "AND version OPERATOR(pg_catalog.>=) $2 AND version OPERATOR(pg_catalog.<=) $3 "
                                     "ORDER BY version DESC LIMIT $4",
                                     As::owner, Part::history};

std::string_view
name_of(Operation operation)
{
    switch (operation)
    {
        case Operation::insert:
            return "insert";
        case Operation::update:
            return "update";
        case Operation::remove:
            return "delete";
    }
    return {};
}

std::optional<Datum>
datum_of(std::optional<core::Timestamp> time)
{
    return time ? std::optional{TimestampTzGetDatum(time->us)} : std::nullopt;
}

std::optional<Datum>
datum_of(std::optional<std::string_view> text)
{
    return text ? std::optional{text_datum(*text)} : std::nullopt;
}

std::optional<Datum>
datum_of(std::optional<std::int64_t> number)
{
    return number ? std::optional{Int64GetDatum(*number)} : std::nullopt;
}

// Calls set(column, value) for each column of a row that is to be written; the value is empty for NULL.
template <typename Set>
void
each_value(const Key &key, const RecordedChange &row, std::optional<std::string_view> author, Set set)
{
    const char *user = GetUserNameFromId(GetSessionUserId(), false);
    set(&HistoryFacts::customer_id, std::optional{key.value});
    set(&HistoryFacts::version, datum_of(std::optional{row.version}));
    set(&HistoryFacts::previous, datum_of(row.previous));
    set(&HistoryFacts::based_on, datum_of(row.based_on));
    set(&HistoryFacts::recorded_at, datum_of(std::optional{clock_now()}));
    set(&HistoryFacts::operation, datum_of(std::optional{name_of(row.operation)}));
    set(&HistoryFacts::author, datum_of(author));
    set(&HistoryFacts::db_user, std::optional{DirectFunctionCall1(namein, CStringGetDatum(user))});
    set(&HistoryFacts::status_from, datum_of(row.status_from));
    set(&HistoryFacts::status_to, datum_of(row.status_to));
    set(&HistoryFacts::fields, row.fields);
    set(&HistoryFacts::comment_id, datum_of(row.comment_id));
    set(&HistoryFacts::request, row.request);
    set(&HistoryFacts::earlier_pruned, std::optional{BoolGetDatum(false)});
}

const CompanionColumn<HistoryFacts> &
column_of(AttrNumber HistoryFacts::*number)
{
    return *std::ranges::find(history_columns, number, &CompanionColumn<HistoryFacts>::number);
}

bool
insert_by_statement(const AttachedTable &table, const Key &key, const RecordedChange &row,
                    std::optional<std::string_view> author)
{
    Arguments arguments;
    each_value(key, row, author, [&](AttrNumber HistoryFacts::*number, std::optional<Datum> value) {
        const Oid type = column_of(number).type;
        if (value)
            arguments.add(OidIsValid(type) ? type : key.type, *value);
        else
            arguments.add_null(type);
    });
    const auto build = [&] {
        Sql columns[Arguments::capacity];
        Sql values[Arguments::capacity];
        std::size_t count = 0;
        each_value(key, row, author, [&](AttrNumber HistoryFacts::*number, const std::optional<Datum> &) {
            columns[count] = sql_identifier(column_of(number).name);
            values[count] = sql_parameter(static_cast<int>(count) + 1);
            count++;
        });
        return sql(table, insert_change.text,
                   {{"columns", sql_joined(", ", {columns, count})}, {"values", sql_joined(", ", {values, count})}});
    };
    return run_as(table, insert_change.as, insert_change.part,
                  [&] { return execute(table->plan(&insert_change), build, arguments); }) == 1;
}

bool
insert_directly(const AttachedTable &table, const Key &key, const RecordedChange &row,
                std::optional<std::string_view> author)
{
    TableDescription &known = *table;
    Relation history = table_open(known.history.oid, NoLock);
    NewRow values(history);
    each_value(key, row, author, [&](AttrNumber HistoryFacts::*column, std::optional<Datum> value) {
        values.set(known.history.*column, value);
    });
    const PreparedWrite *prepared = prepared_record_without_triggers(known, history);
    if (!may_insert_bare(prepared, {}))
        prepared = prepared_record(known, history);
    // Without triggers of others, too: defaults may name the current user, and errors show what that user may read.
    const Role caller = act_as(known.history.owner,
                               known.may_be_recorded_without_triggers() ? Called::own_functions : Called::anything);
    const bool is_written = insert_row(history, values, NIL, prepared, {});
    act_again_as(caller);
    table_close(history, NoLock);
    return is_written;
}

}  // namespace

std::optional<ChainHead>
chain_head(const AttachedTable &table, const Key &key)
{
    std::optional<ChainHead> head;
    each_row(table, latest_change, key, std::nullopt, latest_snapshot(), [&](const HistoryRow &row) {
        head = ChainHead{row.time(&HistoryFacts::version), row.has_text(&HistoryFacts::operation, "delete"),
                         row.optional_text(&HistoryFacts::author), row.name(&HistoryFacts::db_user)};
        return false;
    });
    return head;
}

void
insert_history(const AttachedTable &table, const Key &key, const RecordedChange &row)
{
    const std::optional<std::string_view> author = row.author ? row.author : find_identity();
    const bool is_direct = table->history.is_plain && may_go_direct();
    if (!(is_direct ? insert_directly(table, key, row, author) : insert_by_statement(table, key, row, author)))
        errors::write_suppressed(table->history.oid, key_text(key));
    send_version_event(table, key, row.version, name_of(row.operation), row.comment_id);
}

bool
is_base_used(const AttachedTable &table, const Key &key, core::Timestamp base)
{
    bool is_used = false;
    each_row(table, changes_after, key, TimestampTzGetDatum(core::latest_of_version(base).us), new_snapshot(),
             [&](const HistoryRow &row) {
                 const std::optional<core::Timestamp> based_on = row.optional_time(&HistoryFacts::based_on);
                 is_used = based_on && core::same_version(*based_on, base);
                 return !is_used;
             });
    return is_used;
}

bool
is_applied_from_earlier(const AttachedTable &table, const Key &key, core::Timestamp version, Datum digest,
                        core::Timestamp base)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    arguments.add(UUIDOID, digest);
    arguments.add(core::earliest_of_version(base));
    return execute_latest(table, select_applied, arguments) > 0;
}

bool
is_followed(const AttachedTable &table, const Key &key, core::Timestamp version)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    return execute(table, select_follower, arguments) > 0;
}

std::optional<core::Timestamp>
version_before(const AttachedTable &table, const Key &key, core::Timestamp version)
{
    std::optional<core::Timestamp> before;
    each_row(table, change_before, key, TimestampTzGetDatum(version.us), new_snapshot(), [&](const HistoryRow &row) {
        before = row.time(&HistoryFacts::version);
        return false;
    });
    return before;
}

void
forget_inserted(const AttachedTable &table, const Key &key, core::Timestamp version, core::Timestamp after)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    arguments.add(after);
    if (pg_class_aclcheck(table->history.oid, GetUserId(), ACL_DELETE) != ACLCHECK_OK)
        deny_table(table->history.oid);
    execute(table, delete_inserted, arguments);
}

std::optional<OldestChange>
oldest_change(const AttachedTable &table, const Key &key)
{
    std::optional<OldestChange> oldest;
    each_row(table, oldest_changes, key, std::nullopt, new_snapshot(), [&](const HistoryRow &row) {
        oldest = OldestChange{row.optional_time(&HistoryFacts::previous)};
        return false;
    });
    return oldest;
}

bool
may_read_history(const AttachedTable &table)
{
    return may_name(table->history.oid) &&
           pg_class_aclcheck(table->history.oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

bool
may_read_all_history(const AttachedTable &table)
{
    return may_read_history(table) && !is_under_row_security(table->history.oid);
}

std::uint64_t
read_changes_after(const AttachedTable &table, const Key &key, core::Timestamp after, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(after);
    return execute(table, select_changes_after, arguments, snapshot);
}

std::size_t
nearby_versions(const AttachedTable &table, const Key &key, core::Timestamp base, core::Timestamp *versions,
                std::size_t limit)
{
    Arguments arguments = arguments_of(key);
    arguments.add(core::Timestamp{base.us - core::reach_of_diagnosis});
    arguments.add(core::Timestamp{base.us + core::reach_of_diagnosis});
    arguments.add(std::optional<std::int64_t>{static_cast<std::int64_t>(limit)});
    const std::uint64_t rows = execute(table, select_nearby, arguments);
    for (std::uint64_t row = 0; row < rows; row++)
        versions[row] = result_time(row, 0);
    return rows;
}

}  // namespace crm
