#include "recorded_changes.h"

#include "../boundary/bare_write.h"
#include "../boundary/clock.h"
#include "../boundary/direct.h"
#include "../boundary/errors.h"
#include "../boundary/identity.h"
#include "../boundary/role.h"
#include "../tables/statements.h"
#include "events.h"
#include "gathered_changes.h"
#include "prepared_writes.h"

namespace crm {

namespace {

constexpr SqlStatement update_comment_id{"UPDATE {history} SET comment_id = $3 "
                                         "WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                         "AND version OPERATOR(pg_catalog.=) $2",
                                         As::owner, Part::history};

constexpr SqlStatement insert_change{"INSERT INTO {history} ({columns}) VALUES ({values})", As::owner, Part::history};
constexpr SqlStatement insert_reversion = insert_change;

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
        case Operation::restore:
            return "restore";
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

const char *
session_user()
{
    return GetUserNameFromId(GetSessionUserId(), false);
}

// Calls set(column, value) for each column of a row that is to be written; the value is empty for NULL.
template <typename Set>
void
each_value(const Key &key, const RecordedChange &row, std::optional<std::string_view> author, Datum user, Set set)
{
    set(&HistoryFacts::customer_id, std::optional{key.value});
    set(&HistoryFacts::version, datum_of(std::optional{row.version}));
    set(&HistoryFacts::previous, datum_of(row.previous));
    set(&HistoryFacts::based_on, datum_of(row.based_on));
    set(&HistoryFacts::recorded_at, datum_of(std::optional{clock_now()}));
    set(&HistoryFacts::operation, datum_of(std::optional{name_of(row.operation)}));
    set(&HistoryFacts::author, datum_of(author));
    set(&HistoryFacts::db_user, std::optional{user});
    set(&HistoryFacts::status_from, datum_of(row.status_from));
    set(&HistoryFacts::status_to, datum_of(row.status_to));
    set(&HistoryFacts::fields, row.fields);
    set(&HistoryFacts::comment_id, datum_of(row.comment_id));
    set(&HistoryFacts::request, row.request);
    set(&HistoryFacts::earlier_pruned, std::optional{BoolGetDatum(false)});
    if (row.reverts)
        set(&HistoryFacts::reverts, datum_of(row.reverts));
}

const CompanionColumn<HistoryFacts> &
column_of(AttrNumber HistoryFacts::*number)
{
    const auto *column = std::ranges::find(history_columns, number, &CompanionColumn<HistoryFacts>::number);
    return column != std::end(history_columns)
               ? *column
               : *std::ranges::find(later_history_columns, number, &CompanionColumn<HistoryFacts>::number);
}

bool
insert_by_statement(const AttachedTable &table, const Key &key, const RecordedChange &row,
                    std::optional<std::string_view> author)
{
    Arguments arguments;
    const Datum user = text_datum(session_user());
    each_value(key, row, author, user, [&](AttrNumber HistoryFacts::*number, std::optional<Datum> value) {
        const Oid type = column_of(number).type_for(key.type);
        if (value)
            arguments.add(type, *value);
        else
            arguments.add_null(type);
    });
    const auto build = [&] {
        Sql columns[Arguments::capacity];
        Sql values[Arguments::capacity];
        std::size_t count = 0;
        each_value(key, row, author, user, [&](AttrNumber HistoryFacts::*number, const std::optional<Datum> &) {
            columns[count] = sql_identifier(column_of(number).name);
            values[count] = sql_parameter(static_cast<int>(count) + 1);
            count++;
        });
        return sql(table, insert_change.text,
                   {{"columns", sql_joined(", ", {columns, count})}, {"values", sql_joined(", ", {values, count})}});
    };
    const SqlStatement &statement = row.reverts ? insert_reversion : insert_change;
    return run_as(table, statement.as, statement.part,
                  [&] { return execute(table->plan(&statement), build, arguments); }) == 1;
}

bool
insert_directly(const AttachedTable &table, const Key &key, const RecordedChange &row,
                std::optional<std::string_view> author, Written written)
{
    TableDescription &known = *table;
    Relation history = table_open(known.history.oid, NoLock);
    NewRow values(history);
    const Datum user = is_name(RelationGetDescr(history), known.history.db_user)
                           ? DirectFunctionCall1(namein, CStringGetDatum(session_user()))
                           : text_datum(session_user());
    each_value(key, row, author, user, [&](AttrNumber HistoryFacts::*column, std::optional<Datum> value) {
        values.set(known.history.*column, value);
    });
    const PreparedWrite *prepared = prepared_record_without_triggers(known, history);
    if (!may_insert_bare(prepared, {}))
        prepared = prepared_record(known, history);
    const Role caller = act_as(known.history.owner, called_by(prepared));
    const bool is_written = (written == Written::with_others && gather_change(table, history, prepared, values)) ||
                            insert_row(history, values, NIL, prepared, {});
    act_again_as(caller);
    table_close(history, NoLock);
    return is_written;
}

}  // namespace

void
insert_history(const AttachedTable &table, const Key &key, const RecordedChange &row, Written written)
{
    const std::optional<std::string_view> author = row.author ? row.author : find_identity();
    const bool is_direct = table->history.is_plain && may_go_direct();
    if (!(is_direct ? insert_directly(table, key, row, author, written) : insert_by_statement(table, key, row, author)))
        errors::write_suppressed(table->history.oid, key_text(key));
    send_version_event(table, key, row.version, name_of(row.operation), row.comment_id);
}

void
record_comment(const AttachedTable &table, const Key &key, core::Timestamp version, std::int64_t comment_id)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    arguments.add(std::optional{comment_id});
    if (execute(table, update_comment_id, arguments) != 1)
        errors::write_suppressed(table->history.oid, key_text(key));
}

}  // namespace crm
